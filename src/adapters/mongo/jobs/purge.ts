/** Removes ended records, oldest first, as far as retention allows. */
import type { Collection } from 'mongodb';
import type { JobRecord } from '../../../job/job.js';
import type { PurgeRequest } from '../../../ports/job-queue.js';
import type { MongoConnection } from '../mongo-connection.js';
import { type JobDocument, recordOf } from './job-document.js';
import { jobQueries } from './job-queries.js';

/** Records read at once. */
const chunk = 500;
/** What only a run or its reader needs. */
const projection = { 'body.params': 0, 'status.result': 0 };

export class Purge {
  constructor(
    private readonly connection: MongoConnection,
    private readonly jobs: Collection<JobDocument>,
  ) {}

  /** Answers the jobIds of what is gone. `kinds`: of all ended records. */
  async oldest(
    request: PurgeRequest,
    { isKept, kinds }: { isKept: (record: JobRecord) => boolean; kinds: readonly string[] },
  ): Promise<string[]> {
    const left = await this.countBeyond(request.keepMax);
    const until = left > request.keepMax ? request.keepAfter : Math.min(request.keepAfter, request.endedBefore);
    const jobIds = await this.connection.attempt('read ended jobs', () =>
      this.choose(request, { left, until, kinds, isKept }),
    );
    if (jobIds.length === 0) return [];
    const filter = { _id: { $in: jobIds }, 'ended.at': { $lte: until } };
    const { deletedCount } = await this.connection.attempt('remove jobs', () => this.jobs.deleteMany(filter));
    return deletedCount === jobIds.length ? jobIds : this.gone(jobIds);
  }

  /** How many ended records there are; 0 while all records together are not too many. */
  private async countBeyond(keepMax: number): Promise<number> {
    const all = await this.connection.attempt('count jobs', () => this.jobs.estimatedDocumentCount());
    if (all <= keepMax) return 0;
    const { filter, index } = jobQueries.allEnded();
    return this.connection.attempt('count jobs', () => this.jobs.countDocuments(filter, { hint: index }));
  }

  private async choose(
    request: PurgeRequest,
    where: { left: number; until: number; kinds: readonly string[]; isKept: (record: JobRecord) => boolean },
  ): Promise<string[]> {
    const { filter, index, sort } = jobQueries.endedUntil(where.kinds, where.until);
    const chosen: string[] = [];
    let { left } = where;
    const cursor = this.jobs.find(filter, { hint: index, ...(sort ? { sort } : {}), projection, batchSize: chunk });
    try {
      for await (const document of cursor) {
        const endedAt = document.ended?.at ?? 0;
        const isOld = endedAt < request.endedBefore || left > request.keepMax;
        if (!isOld || chosen.length >= request.max) break;
        if (where.isKept(recordOf(document as JobDocument))) continue;
        chosen.push(document._id);
        left--;
      }
    } finally {
      await cursor.close();
    }
    return chosen;
  }

  /** Some were gone already, or are open again. */
  private async gone(jobIds: readonly string[]): Promise<string[]> {
    const filter = { _id: { $in: [...jobIds] } };
    const found = await this.connection.attempt('read jobs', () =>
      this.jobs.find(filter, { projection: { _id: 1 } }).toArray(),
    );
    const still = new Set(found.map(({ _id }) => _id));
    return jobIds.filter((jobId) => !still.has(jobId));
  }
}
