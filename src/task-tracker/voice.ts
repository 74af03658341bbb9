/** Biz-log lines and progress of runs, brought to the tracker in batches off the critical path: bounded, never waited for. */

import { ask } from '../cluster/ask.js';
import { LtsError } from '../errors.js';
import type { BizLogger } from '../job/context.js';
import type { JobRecord } from '../job/job.js';
import type { JobLogLine, LogLevel } from '../job/log-line.js';
import { Batcher } from '../kit/batcher.js';
import { textOf } from '../kit/shown.js';
import { wireBytes } from '../kit/wire-bytes.js';
import { limits } from '../protocol/limits.js';
import type { Progress } from '../protocol/messages.js';
import type { RunVoice } from './run.js';
import type { WorkerParts } from './worker-ports.js';

const rank: Record<LogLevel, number> = { DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
const queuedLinesMax = 50_000;
const sendWithinMs = 5_000;
/** A burst is told once: within this time it is over, and the queue has room again. */
const tellDroppedAfterMs = 500;

/** The run that lines belong to. */
interface Speaker {
  readonly jobId: string;
  readonly runId: string;
  seq: number;
  /** Lines that were dropped and not yet told of. */
  dropped: number;
}

export class Voice {
  private readonly lines: Batcher<JobLogLine, void>;
  private readonly progress = new Map<string, Progress>();
  private isFlushing = false;
  private dropped = 0;
  /** Those of which lines were dropped in the last moment. */
  private readonly short = new Set<Speaker>();
  private isTelling = false;

  constructor(private readonly parts: WorkerParts) {
    this.lines = new Batcher({
      name: 'biz log',
      batchItemsMax: 1_000,
      batchSizeMax: limits.batchBytesMax,
      sizeOf: (line) => 256 + wireBytes(line.text),
      queuedItemsMax: queuedLinesMax,
      endOfTurn: () => parts.ports.clock.endOfTurn(),
      send: (lines) => this.send(lines),
    });
  }

  of({ jobId, status }: JobRecord): RunVoice {
    const runId = status.runId ?? '';
    const speaker: Speaker = { jobId, runId, seq: 0, dropped: 0 };
    const write = (level: LogLevel) => (text: string) => {
      if (rank[level] < rank[this.parts.settings.bizLoggerLevel]) return;
      this.write(speaker, level, text).catch((error: unknown) => {
        this.dropped++;
        this.drop(speaker, 1, error);
      });
    };
    const bizLogger: BizLogger = {
      debug: write('DEBUG'),
      info: write('INFO'),
      warn: write('WARN'),
      error: write('ERROR'),
    };
    return { bizLogger, progress: (percent, text) => this.note({ jobId, runId, percent, text }) };
  }

  /** Resolves when what was written so far has been sent or dropped. */
  async flush(): Promise<void> {
    while (this.lines.isBusy || this.isTelling) await this.parts.ports.clock.sleep(10);
  }

  private write(speaker: Speaker, level: LogLevel, text: string): Promise<void> {
    const { jobId, runId } = speaker;
    const at = this.parts.ports.clock.wallMs();
    return this.lines.add({ jobId, runId, seq: ++speaker.seq, at, level, type: 'biz', text: cut(textOf(text)) });
  }

  private drop(speaker: Speaker, count: number, error: unknown): void {
    speaker.dropped += count;
    this.short.add(speaker);
    if (!this.isTelling) void this.tellDropped(error instanceof Error ? error.message : textOf(error));
  }

  /** Says in the log of each job, and once in that of the node, that lines are missing. */
  private async tellDropped(reason: string): Promise<void> {
    const { clock, log } = this.parts.ports;
    this.isTelling = true;
    await clock.sleep(tellDroppedAfterMs);
    this.isTelling = false;
    log.warn({ dropped: this.dropped, runs: this.short.size, reason }, 'biz-log lines were dropped');
    const speakers = [...this.short];
    this.short.clear();
    for (const speaker of speakers) this.tellShort(speaker);
  }

  private tellShort(speaker: Speaker): void {
    const { dropped } = speaker;
    speaker.dropped = 0;
    const text = `${dropped} lines of this run were dropped: more came than could be sent. Write fewer, or raise the biz-log level.`;
    this.write(speaker, 'WARN', text).catch((error: unknown) => {
      // Without room yet it is told later; what cannot be kept at all stands in the node's log.
      if (LtsError.is(error, 'LTS_BUSY')) this.drop(speaker, dropped, error);
    });
  }

  /** Only the newest of each run is worth sending. */
  private note(progress: Progress): void {
    this.progress.set(progress.runId + progress.jobId, progress);
    if (this.isFlushing) return;
    this.isFlushing = true;
    void this.parts.ports.clock.endOfTurn().then(async () => {
      this.isFlushing = false;
      const newest = [...this.progress.values()];
      this.progress.clear();
      await this.deliver({ lines: [], progress: newest }).catch(() => undefined);
    });
  }

  /** Lines that cannot be sent are kept in the FailStore and replayed later. */
  private async send(lines: readonly JobLogLine[]): Promise<undefined> {
    try {
      await this.deliver({ lines, progress: [] });
    } catch {
      const { failStore, clock } = this.parts.ports;
      const at = clock.wallMs();
      await failStore.put(
        lines.map((line) => ({
          topic: 'biz-logs',
          key: `${line.jobId}/${line.runId}/${line.seq}`,
          value: JSON.stringify(line),
          at,
        })),
      );
    }
    return undefined;
  }

  private deliver(body: { lines: readonly JobLogLine[]; progress: readonly Progress[] }): Promise<unknown> {
    const to = { subject: this.parts.subjects.runs, deadlineMs: sendWithinMs };
    return ask(this.parts.ports.transport, to, { kind: 'AppendLog', body });
  }
}

function cut(text: string): string {
  return text.length <= limits.logLineBytesMax / 2 ? text : `${text.slice(0, limits.logLineBytesMax / 2 - 3)}...`;
}
