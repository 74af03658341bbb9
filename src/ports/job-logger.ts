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
}
export const JobLogger = Symbol.for('lts.JobLogger');
