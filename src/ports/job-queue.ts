/**
 * The store of jobs. Every verb takes and answers a batch; concurrent calls share commits (group commit); a call resolves
 * only after its effects are durable. One record never lives in two places; every write of an existing record is
 * conditional on the `rev` that the caller saw.
 *
 * Deciding is not the store's work: callers compute the record that should follow, the store compares and swaps it and
 * keeps the indexes and counts that follow from the record itself.
 */
import type { JobRecord } from '../job/job.js';
import type { Counts, ListPage, ListRequest } from '../job/listing.js';

export interface AddOutcome {
  /**
   * `added`; `same`: a record with this jobId, or one that this jobId once replaced, exists; `conflict`: another open
   * record has the same nodeGroup and taskId. The last two carry the existing record, and nothing was written.
   */
  readonly kind: 'added' | 'same' | 'conflict';
  readonly record: JobRecord;
}

export interface ClaimRequest {
  readonly nodeGroup: string;
  /** Most records to claim. */
  readonly max: number;
  /** Most encoded bytes of bodies in the answer (at least one record is claimed). */
  readonly bytesMax: number;
  readonly now: number;
  readonly runId: string;
  readonly session: string;
  /**
   * `none`: no suspects. `one`: at most one suspect that may run beside others. `alone`: first look for a suspect that must
   * run alone, and if there is one, claim nothing else.
   */
  readonly suspects: 'none' | 'one' | 'alone';
}

export interface ClaimOutcome {
  /** Executing records, in the order of lane turn, priority, dueAt, jobId. */
  readonly claimed: readonly JobRecord[];
  /** Due records found past their `expireAt`; they were written as `expired`, owing feedback as their body says. */
  readonly expired: readonly JobRecord[];
  /** False when no due record that this request may take was left. */
  readonly hasMore: boolean;
}

/** One conditional write: stored only if the record's rev is still `before.status.rev`. */
export interface Change {
  readonly before: JobRecord;
  readonly after: JobRecord;
}

export interface PurgeRequest {
  /** Remove ended records that ended before this instant... */
  readonly endedBefore: number;
  /** ...and the oldest beyond this many... */
  readonly keepMax: number;
  /** ...but never one that ended after this instant. */
  readonly keepAfter: number;
  /** Most records to remove in this call. */
  readonly max: number;
}

export interface JobQueue {
  open(): Promise<void>;
  close(): Promise<void>;

  /**
   * Stores new records: waiting, suspended or already executing instances, and schedules. Order matters: an item that conflicts
   * with an earlier item of the same call is answered `conflict`. Records are not validated here.
   */
  add(records: readonly JobRecord[]): Promise<AddOutcome[]>;

  /**
   * Takes due waiting instances of one group for a session: lanes take turns, and within a lane priority, dueAt and jobId
   * decide. Each becomes executing with runId, session, claimedAt = now, attempt + 1, rev + 1.
   */
  claim(request: ClaimRequest): Promise<ClaimOutcome>;

  /** Conditional writes, each on its own: the new record, or undefined where the rev had moved on. */
  update(changes: readonly Change[]): Promise<(JobRecord | undefined)[]>;

  /** Records by jobId; also found by the jobId of a submission that replaced the record in place. */
  get(jobIds: readonly string[]): Promise<(JobRecord | undefined)[]>;

  /** The open record of this key: instance or schedule. */
  findOpen(nodeGroup: string, taskId: string): Promise<JobRecord | undefined>;

  /** Earliest dueAt later than `after` among the group's waiting instances, suspects included. No writes. */
  nextDueAt(request: { readonly nodeGroup: string; readonly after: number }): Promise<number | undefined>;

  /** Waiting schedules with a dueAt up to `now`, earliest first, and the earliest dueAt beyond them. */
  dueSchedules(now: number, max: number): Promise<{ due: readonly JobRecord[]; nextAt?: number | undefined }>;

  /** Sessions that hold executing records. */
  sessions(): Promise<readonly string[]>;
  /** The executing records of one session. */
  runsOf(session: string): Promise<readonly JobRecord[]>;

  /** Ended records of a submitting group whose feedbackAt is at or before `until`, oldest first. */
  owedFeedback(submitNodeGroup: string, until: number, max: number): Promise<readonly JobRecord[]>;
  /** Submitting groups to which feedback is owed. */
  owedGroups(): Promise<readonly string[]>;

  /** Keyset paging over all records that fit. Open states come in claim order, ended ones by end time, newest first. */
  list(request: ListRequest): Promise<ListPage>;
  count(): Promise<Counts>;

  /** Removes ended records; answers their jobIds. A record whose `isKept` the caller reported stays. */
  purge(request: PurgeRequest, isKept?: (record: JobRecord) => boolean): Promise<readonly string[]>;
}
export const JobQueue = Symbol.for('lts.JobQueue');
