/** What the doctor knows of the store of a JobTracker: how its tables fit together, and how to build them anew from the records. */
import type { Key } from 'lmdb';
import type { JobRecord } from '../../../job/job.js';
import type { StoreKind } from '../doctor.js';
import type { LmdbEnvironment } from '../environment.js';
import type { LmdbTable } from '../table.js';
import { JobTables } from './job-indexes.js';
import { JobRecords } from './job-records.js';
import { addOne } from './job-writes.js';
import { isRedirect, parseRecord, UndecodableRecord } from './record-text.js';
import { verifyIndexes } from './verify-indexes.js';

const recordsPerCommit = 1_000;

/** Indexes and counts are compared with the records; a salvaged store gets new ones. */
export const jobStore: StoreKind = { verify: verifyIndexes, rebuild: rebuildJobs };

/**
 * Stores every readable job of `from` in the empty store `to`, as if it had been submitted there in its present state. What
 * cannot be stored goes to the quarantine of `to` and is answered, one sentence each.
 */
async function rebuildJobs(from: LmdbEnvironment, to: LmdbEnvironment): Promise<readonly string[]> {
  const records = new JobRecords(to, () => {});
  const rebuild = new Rebuild(new JobTables(from), records);
  try {
    await to.commit(() => records.load());
    for (const jobIds of chunksOf(rebuild.source.bodies)) await to.commit(() => jobIds.forEach(rebuild.addJob));
    for (const jobIds of chunksOf(rebuild.source.quarantine)) await to.commit(() => jobIds.forEach(rebuild.keepAside));
  } finally {
    await to.settled();
    records.close();
  }
  return rebuild.problems;
}

class Rebuild {
  readonly problems: string[] = [];

  constructor(
    readonly source: JobTables,
    private readonly records: JobRecords,
  ) {}

  readonly addJob = (key: Key): void => {
    const jobId = key as string;
    const body = this.source.bodies.get(jobId);
    // The redirects of a record are stored with it.
    if (body === undefined || isRedirect(body)) return;
    const status = this.source.statuses.get(jobId);
    const reason = this.add(() => parseRecord(jobId, body, status));
    if (reason === undefined) return;
    this.records.tables.quarantine.put(jobId, JSON.stringify({ reason, body, status }));
    this.problems.push(`job ${jobId} went to quarantine: ${reason}`);
  };

  readonly keepAside = (key: Key): void => {
    this.records.tables.quarantine.put(key, this.source.quarantine.get(key) ?? '');
  };

  /** Why the record was not stored. */
  private add(read: () => JobRecord): string | undefined {
    try {
      const { kind, record } = addOne(this.records, read());
      return kind === 'added' ? undefined : `it is in conflict with job ${record.jobId}`;
    } catch (error) {
      if (error instanceof UndecodableRecord) return error.message;
      throw error;
    }
  }
}

/** All keys of a table, some at a time. */
function* chunksOf(table: LmdbTable): Generator<Key[]> {
  for (let start: Key | undefined; ; ) {
    const limit = recordsPerCommit;
    const keys = table.keys(start === undefined ? { limit } : { start, exclusiveStart: true, limit });
    yield keys;
    if (keys.length < limit) return;
    start = keys.at(-1);
  }
}
