/** Every write of the tracker passes here, so that what the tracker remembers follows what the store committed. */
import { LtsError } from '../../errors.js';
import type { JobRecord } from '../../job/job.js';
import type { AddOutcome, Change, ClaimOutcome, ClaimRequest, JobQueue } from '../../ports/job-queue.js';

/** Each miss means that somebody else's change went through, so this many in a row is no contest but a defect. */
const changeTriesMax = 50;

/** Hears of every record after its commit. Must not throw and must not wait. */
export interface WriteObserver {
  written(record: JobRecord): void;
}

export class JobWrites {
  private readonly observers: WriteObserver[] = [];
  private readonly listeners: ((records: readonly JobRecord[]) => void)[] = [];

  constructor(private readonly queue: JobQueue) {}

  observe(observer: WriteObserver): void {
    this.observers.push(observer);
  }

  /** `listener` hears of what each single commit wrote, claims left out, before the observers do. */
  onCommit(listener: (records: readonly JobRecord[]) => void): void {
    this.listeners.push(listener);
  }

  async add(records: readonly JobRecord[]): Promise<AddOutcome[]> {
    const outcomes = await this.queue.add(records);
    this.committed(outcomes.flatMap(({ kind, record }) => (kind === 'added' ? [record] : [])));
    return outcomes;
  }

  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const outcome = await this.queue.claim(request);
    for (const record of outcome.claimed) this.tell(record);
    this.committed(outcome.expired);
    return outcome;
  }

  async update(changes: readonly Change[]): Promise<(JobRecord | undefined)[]> {
    if (changes.length === 0) return [];
    const records = await this.queue.update(changes);
    this.committed(records.filter((record) => record !== undefined));
    return records;
  }

  /**
   * Reads, decides and writes until the write meets the record it was decided on. `decide` answers the record that should
   * follow, or undefined to leave it. Answers the record as it then is.
   */
  async change(
    jobId: string,
    decide: (record: JobRecord) => JobRecord | undefined | Promise<JobRecord | undefined>,
  ): Promise<JobRecord | undefined> {
    for (let tries = 0; tries < changeTriesMax; tries++) {
      const [record] = await this.queue.get([jobId]);
      const after = record && (await decide(record));
      if (!record || !after) return record;
      const [written] = await this.update([{ before: record, after }]);
      if (written) return written;
    }
    throw new LtsError(
      'LTS_BUSY',
      `Job ${jobId} changed ${changeTriesMax} times while it was being changed. Try again.`,
    );
  }

  /** A record as it was read: what the tracker remembers of it may be older. */
  saw(record: JobRecord): void {
    this.tell(record);
  }

  private committed(records: readonly JobRecord[]): void {
    for (const listener of this.listeners) listener(records);
    for (const record of records) this.tell(record);
  }

  private tell(record: JobRecord): void {
    for (const observer of this.observers) observer.written(record);
  }
}
