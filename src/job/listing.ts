/** Asking for many jobs: a page of records that fit, and how many there are. */
import type { JobRecord, JobState } from './job.js';

export interface ListRequest {
  readonly states?: readonly JobState[] | undefined;
  readonly nodeGroup?: string | undefined;
  readonly taskId?: string | undefined;
  /** `true`: schedules only; `false`: instances only. */
  readonly schedules?: boolean | undefined;
  /** Opaque; from the previous page. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface ListPage {
  readonly records: readonly JobRecord[];
  /** Absent on the last page. A page may be short, even empty, and still have a next one. */
  readonly cursor?: string | undefined;
}

/** Number of records by node group and state; schedules are counted apart under the group's `schedules`. */
export type Counts = Record<string, Partial<Record<JobState | 'schedules', number>>>;
