/** What a journal says, put together: runs with their beginning and end, faults with their time. */
import { type Fault, type Line, type LineOf, linesOf, type Token, type Work } from '../journal.js';

export interface Run extends Token {
  readonly jobId: string;
  readonly worker: string;
  readonly pid: number;
  readonly attempt: number;
  readonly work: Work;
  readonly startAt: number;
  readonly startWall: number;
  readonly dueWall: number;
  readonly abort: LineOf<'abort'> | undefined;
  readonly end: LineOf<'end'> | undefined;
  /** When its process was seen to be gone. */
  readonly diedAt: number | undefined;
  /** Its code cannot do anything any more. */
  readonly overAt: number;
}

export interface FaultTime {
  readonly fault: Fault;
  readonly who: string;
  /** The process that was hit; 0 for a server or a link. */
  readonly life: number;
  readonly from: number;
  readonly to: number;
}

export interface Story {
  readonly runs: readonly Run[];
  /** In the order of their starts. */
  readonly runsOf: ReadonlyMap<string, readonly Run[]>;
  readonly faults: readonly FaultTime[];
  /** What each submit was answered, by jobId. */
  readonly answers: ReadonlyMap<string, string>;
  readonly finals: ReadonlyMap<string, LineOf<'final'>>;
  readonly lines: readonly Line[];
}

/** `lines` in the order of their time. */
export function storyOf(lines: readonly Line[]): Story {
  const runs = runsIn(lines);
  return {
    runs,
    runsOf: groupedBy(runs, ({ jobId }) => jobId),
    faults: faultsIn(lines),
    answers: new Map(linesOf(lines, 'answer').map(({ jobId, code }) => [jobId, code])),
    finals: new Map(linesOf(lines, 'final').map((line) => [line.jobId, line])),
    lines,
  };
}

function runsIn(lines: readonly Line[]): Run[] {
  const aborts = new Map(linesOf(lines, 'abort').map((line) => [line.token, line]));
  const ends = new Map(linesOf(lines, 'end').map((line) => [line.token, line]));
  const deaths = new Map(linesOf(lines, 'exit').map(({ life, at }) => [life, at]));
  return linesOf(lines, 'start').map((line) => {
    const { jobId, runId, token, attempt, work, dueWall, by: worker, pid } = line;
    const end = ends.get(token);
    const diedAt = deaths.get(pid);
    const overAt = Math.min(end?.at ?? Number.POSITIVE_INFINITY, diedAt ?? Number.POSITIVE_INFINITY);
    const times = { startAt: line.at, startWall: line.wall, dueWall, diedAt, overAt };
    return { jobId, runId, token, attempt, work, worker, pid, ...times, abort: aborts.get(token), end };
  });
}

function faultsIn(lines: readonly Line[]): FaultTime[] {
  const heals = linesOf(lines, 'healed');
  return linesOf(lines, 'fault').map(({ fault, who, life, at }) => {
    const healed = heals.find(
      (line) => line.at >= at && line.fault === fault && line.who === who && line.life === life,
    );
    return { fault, who, life, from: at, to: healed?.at ?? Number.POSITIVE_INFINITY };
  });
}

export function groupedBy<T, Key>(items: readonly T[], keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
