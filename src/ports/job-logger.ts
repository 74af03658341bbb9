/** The story of a job: lines written by its runner and lines about exceptional steps. May lag; never blocks a run. */
export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

export interface JobLogLine {
  readonly jobId: string;
  /** Absent on lines of the JobTracker. */
  readonly runId?: string | undefined;
  /** Unique within (jobId, runId): an appended line that comes again changes nothing. */
  readonly seq: number;
  readonly at: number;
  readonly level: LogLevel;
  /** `biz`: written by the runner; else what happened: retry, loss, stale, edit... */
  readonly type: string;
  readonly text: string;
}

export interface JobLogger {
  open(): Promise<void>;
  close(): Promise<void>;
  append(lines: readonly JobLogLine[]): Promise<void>;
  /** Lines of one job by (at, runId, seq), after the opaque cursor. */
  read(jobId: string, options: { cursor?: string | undefined; limit: number }): Promise<{ lines: JobLogLine[]; cursor?: string }>;
  remove(jobIds: readonly string[]): Promise<void>;
}
export const JobLogger = Symbol.for('lts.JobLogger');
