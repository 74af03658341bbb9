/** The story of a job: lines written by its runner and lines about exceptional steps. May lag; never blocks a run. */
import type { JobLogLine } from '../job/log-line.js';

export interface JobLogger {
  open(): Promise<void>;
  close(): Promise<void>;
  append(lines: readonly JobLogLine[]): Promise<void>;
  /** Lines of one job by (at, runId, seq), after the opaque cursor. */
  read(
    jobId: string,
    options: { cursor?: string | undefined; limit: number },
  ): Promise<{ lines: JobLogLine[]; cursor?: string }>;
  remove(jobIds: readonly string[]): Promise<void>;
  /**
   * Looks at some of the lines from before this instant, each time at the next ones, and removes those whose job is not among the
   * `stored`: what a `remove` that never came left behind. For logs that have no bound of their own.
   */
  removeStrays?(before: number, stored: (jobIds: readonly string[]) => Promise<ReadonlySet<string>>): Promise<void>;
}
export const JobLogger = Symbol.for('lts.JobLogger');
