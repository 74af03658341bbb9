/** One line of a job's story. */
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
