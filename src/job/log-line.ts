/** One line of a job's story, and its place in it. */
import { LtsError } from '../errors.js';

export const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface JobLogLine {
  readonly jobId: string;
  /** As people see it; absent on lines of the JobTracker. */
  readonly runId?: string | undefined;
  /** Unique within (jobId, runId): an appended line that comes again changes nothing. */
  readonly seq: number;
  readonly at: number;
  readonly level: LogLevel;
  /** `biz`: written by the runner; else what happened: retry, loss, stale, edit... */
  readonly type: string;
  readonly text: string;
}

/** A whole runId is the right to report for its run, and its worker's alone: others tell the runs of a job apart by 8 characters. */
export const shownRun = <Id extends string | undefined>(runId: Id): Id => runId?.slice(0, 8) as Id;

/** Where a line stands among those of its job: by time, run and number. */
export type LogPlace = readonly [at: number, runId: string, seq: number];

export const logPlaceOf = ({ at, runId, seq }: Omit<JobLogLine, 'jobId'>): LogPlace => [at, runId ?? '', seq];

/** The cursor of a page that ends here. */
export const logCursorOf = (place: LogPlace): string => JSON.stringify(place);

/** Where a page ended. Throws LTS_MESSAGE_INVALID for what is no cursor of a job log. */
export function logPlaceOfCursor(cursor: string): LogPlace {
  try {
    const [at, runId, seq] = JSON.parse(cursor) as unknown[];
    if (typeof at === 'number' && typeof runId === 'string' && typeof seq === 'number') return [at, runId, seq];
  } catch {
    // Said below.
  }
  throw new LtsError(
    'LTS_MESSAGE_INVALID',
    `job log: the cursor ${cursor} is not one of this log. Begin again without a cursor.`,
  );
}
