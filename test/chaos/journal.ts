/**
 * The journal of a scenario: every process appends lines to a file of its own, at once and unbuffered, so that SIGKILL loses none.
 * All stand on the monotonic clock of the one machine.
 */
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What a job is to do; it travels as its params. */
export interface Work {
  /** How long each run works, in steps that heed the signal. */
  readonly ms: number;
  /** The work is to wait until a time, which goes on in a frozen process; without it there is as much left to do as before. */
  readonly isWait?: boolean;
  /** Runs that answer EXECUTE_LATER before one succeeds. */
  readonly laters?: number;
  readonly leaseLost?: 'abort' | 'continue';
}

/** What a run hands in as its result. */
export interface Token {
  readonly runId: string;
  readonly token: string;
}

export type Fault = 'kill' | 'stop' | 'freeze' | 'block' | 'cut' | 'reset' | 'hold' | 'swallow' | 'delay';

export type Event =
  /** Written by clients. */
  | { kind: 'submit'; jobId: string; work: Work; slotEveryMs?: number }
  | { kind: 'answer'; jobId: string; code: string }
  | { kind: 'told'; jobId: string; state: string; value?: Token }
  /** Written by workers. `dueWall` is what the run says that it was due. */
  | ({ kind: 'start'; jobId: string; attempt: number; dueWall: number; work: Work } & Token)
  | ({ kind: 'abort'; jobId: string; reason: string } & Token)
  | ({ kind: 'end'; jobId: string; outcome: 'success' | 'later' | 'aborted' } & Token)
  /** A worker's event loop stood still, and then went round once. */
  | { kind: 'woke'; gapMs: number }
  | { kind: 'turned' }
  /** Written by all children. */
  | { kind: 'refused'; code: string; text: string }
  /** Written by the supervisor. `who` is a node, 'nats' or 'store'; `life` the pid that was hit. */
  | { kind: 'fault'; fault: Fault; who: string; life: number }
  | { kind: 'healed'; fault: Fault; who: string; life: number }
  | { kind: 'contact'; who: string }
  | { kind: 'exit'; who: string; life: number; how: string }
  | { kind: 'phase'; phase: 'load' | 'calm' | 'over' }
  | { kind: 'expectation'; text: string; holds: boolean }
  | ({
      kind: 'final';
      jobId: string;
      state: string;
      attempt: number;
      losses: number;
      isSchedule: boolean;
    } & FinalFields);

export interface FinalFields {
  readonly ended: boolean;
  readonly lastRunId?: string;
  readonly result?: Token;
  readonly reason?: string;
  /** Of an instance: its schedule and slot. Of a schedule: the slot that is next, and how many it passed over. */
  readonly scheduleId?: string;
  readonly slotAt?: number;
  readonly skipped?: number;
}

/** `at`: ms of the monotonic clock; `wall`: ms since 1970. */
export type Line = Event & { readonly at: number; readonly wall: number; readonly by: string; readonly pid: number };
export type LineOf<Kind extends Event['kind']> = Extract<Line, { kind: Kind }>;

export const monoMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export class Journal {
  private readonly file: number;

  constructor(
    folder: string,
    private readonly by: string,
  ) {
    this.file = openSync(join(folder, `${by}-${process.pid}.jsonl`), 'a');
  }

  write(event: Event): Line {
    const line = { at: monoMs(), wall: Date.now(), by: this.by, pid: process.pid, ...event };
    writeSync(this.file, `${JSON.stringify(line)}\n`);
    return line;
  }

  close(): void {
    closeSync(this.file);
  }
}

/** The journals of a folder, read on from where the last look ended. */
export class Journals {
  private readonly lines: Line[] = [];
  private readonly read = new Map<string, number>();

  constructor(private readonly folder: string) {}

  /** All lines so far in the order of their time; the torn last line of a killed process does not count. */
  all(): readonly Line[] {
    for (const name of readdirSync(this.folder)) if (name.endsWith('.jsonl')) this.readOn(name);
    return this.lines.sort((a, b) => a.at - b.at);
  }

  private readOn(name: string): void {
    const from = this.read.get(name) ?? 0;
    const file = join(this.folder, name);
    const size = statSync(file).size;
    if (size === from) return;
    const piece = readPiece(file, from, size - from);
    const end = piece.lastIndexOf(10) + 1;
    this.read.set(name, from + end);
    const texts = piece.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
    for (const text of texts) this.lines.push(JSON.parse(text) as Line);
  }
}

function readPiece(path: string, from: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const piece = Buffer.alloc(length);
    return piece.subarray(0, readSync(file, piece, 0, length, from));
  } finally {
    closeSync(file);
  }
}

export function linesOf<Kind extends Event['kind']>(lines: readonly Line[], kind: Kind): LineOf<Kind>[] {
  return lines.filter((line): line is LineOf<Kind> => line.kind === kind);
}
