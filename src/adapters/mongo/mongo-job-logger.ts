/** The JobLogger port in MongoDB: one document per line, told apart and ordered by one unique index. */
import type { Collection, ObjectId } from 'mongodb';
import { LtsError } from '../../errors.js';
import { type JobLogLine, type LogPlace, logCursorOf, logPlaceOf, logPlaceOfCursor } from '../../job/log-line.js';
import type { JobLogger } from '../../ports/job-logger.js';
import { ensureIndexes } from './indexes.js';
import type { MongoConnection } from './mongo-connection.js';
import { refusalsOf } from './mongo-errors.js';

/** A line of the JobTracker has the empty runId. */
type LineDocument = Omit<JobLogLine, 'runId'> & { readonly runId: string };

/** Serves every query here. */
const index = 'lts_line';
export const logIndexes = {
  [index]: { key: { jobId: 1, at: 1, runId: 1, seq: 1 }, options: { unique: true } },
} as const;
const sort = { jobId: 1, at: 1, runId: 1, seq: 1 } as const;

/** Jobs whose lines one command removes. */
const removedJobsMax = 1_000;
/** Lines that one call looks at: their jobs are read whole. */
const straysLookMax = 200;

export class MongoJobLogger implements JobLogger {
  private readonly lines: Collection<LineDocument>;
  private isOpen = false;
  /** The line that was looked at last for strays; none at the beginning of a round. */
  private lookedTo: ObjectId | undefined;

  /** The connection is opened before `open` and closed after `close` by whoever made it. */
  constructor(private readonly connection: MongoConnection) {
    this.lines = connection.collection<LineDocument>('job_logs');
  }

  async open(): Promise<void> {
    await ensureIndexes(this.connection, this.lines, logIndexes);
    this.isOpen = true;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }

  /** A line that is there already stays as it is. */
  async append(lines: readonly JobLogLine[]): Promise<void> {
    this.assertOpen();
    if (lines.length === 0) return;
    await this.connection.attempt('append to the job log', async () => {
      try {
        await this.lines.insertMany(lines.map(documentOf), { ordered: false });
      } catch (error) {
        refusalsOf(error);
      }
    });
  }

  /** A page with lines has a cursor: lines appended later are read from there. */
  async read(
    jobId: string,
    { cursor, limit }: { cursor?: string | undefined; limit: number },
  ): Promise<{ lines: JobLogLine[]; cursor?: string }> {
    this.assertOpen();
    const found: LineDocument[] = [];
    for (const range of rangesAfter(cursor === undefined ? undefined : logPlaceOfCursor(cursor))) {
      const filter = { jobId: { $eq: jobId }, ...range };
      const options = { sort, hint: index, limit: limit - found.length, projection: { _id: 0 } };
      found.push(
        ...(await this.connection.attempt('read the job log', () => this.lines.find(filter, options).toArray())),
      );
      if (found.length >= limit) break;
    }
    const end = found.at(-1);
    const lines = found.map(lineOf);
    return end ? { lines, cursor: logCursorOf(logPlaceOf(end)) } : { lines };
  }

  async remove(jobIds: readonly string[]): Promise<void> {
    this.assertOpen();
    for (let from = 0; from < jobIds.length; from += removedJobsMax) {
      const filter = { jobId: { $in: jobIds.slice(from, from + removedJobsMax).map(String) } };
      await this.connection.attempt('remove from the job log', () => this.lines.deleteMany(filter));
    }
  }

  /** In the order of writing, round after round; an `_id` holds its time. */
  async removeStrays(
    before: number,
    stored: (jobIds: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<void> {
    this.assertOpen();
    const filter = this.lookedTo ? { _id: { $gt: this.lookedTo } } : {};
    const options = { sort: { _id: 1 }, hint: { _id: 1 }, limit: straysLookMax, projection: { jobId: 1 } } as const;
    const next = await this.connection.attempt('read the job log', () => this.lines.find(filter, options).toArray());
    const old = next.filter(({ _id }) => _id.getTimestamp().getTime() < before);
    const kept = old.length === 0 ? new Set() : await stored([...new Set(old.map(({ jobId }) => jobId))]);
    const strays = { _id: { $in: old.filter(({ jobId }) => !kept.has(jobId)).map(({ _id }) => _id) } };
    if (strays._id.$in.length > 0)
      await this.connection.attempt('remove from the job log', () => this.lines.deleteMany(strays));
    this.lookedTo = old.length === straysLookMax ? old.at(-1)?._id : undefined;
  }

  private assertOpen(): void {
    if (this.isOpen) return;
    const text = `The job log in MongoDB at ${this.connection.place} is not open. Call open() first and await it.`;
    throw new LtsError('LTS_NOT_STARTED', text);
  }
}

function documentOf({ jobId, runId = '', seq, at, level, type, text }: JobLogLine): LineDocument {
  return { jobId, runId, seq, at, level, type, text };
}

function lineOf({ runId, ...line }: LineDocument): JobLogLine {
  return runId === '' ? line : { ...line, runId };
}

/** What comes after a place, as plain ranges of the index in order. */
function rangesAfter(place: LogPlace | undefined): object[] {
  if (!place) return [{}];
  const [at, runId, seq] = place;
  return [{ at, runId, seq: { $gt: seq } }, { at, runId: { $gt: runId } }, { at: { $gt: at } }];
}
