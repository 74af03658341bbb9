/**
 * The JobQueue port on one MongoDB collection, for any number of trackers at once. Every write is conditional on what one document
 * holds; nothing is locked, and whatever an answer was lost for may be repeated.
 */
import type { Collection, Document } from 'mongodb';
import { LtsError } from '../../errors.js';
import { claimBytes, type JobRecord, type JobState } from '../../job/job.js';
import type { Counts, ListPage, ListRequest } from '../../job/listing.js';
import { Batcher } from '../../kit/batcher.js';
import type { AddOutcome, Change, ClaimOutcome, ClaimRequest, JobQueue, PurgeRequest } from '../../ports/job-queue.js';
import { ensureIndexes } from './indexes.js';
import { Claiming } from './jobs/claiming.js';
import { DueJobs } from './jobs/due-jobs.js';
import { idKey, type JobDocument, openKey, recordOf } from './jobs/job-document.js';
import { endedKinds, JobList } from './jobs/job-list.js';
import { type JobQuery, jobIndexes, jobQueries } from './jobs/job-queries.js';
import { JobWrites } from './jobs/job-writes.js';
import { Purge } from './jobs/purge.js';
import { isRecord, withoutDamaged } from './jobs/set-aside.js';
import { WriteMarks } from './jobs/write-marks.js';
import type { MongoConnection } from './mongo-connection.js';

/** Calls that share one command, and what they weigh together; the server takes 48 MB. */
const callsPerBatchMax = 1_000;
const bytesPerBatchMax = 8 * 1024 * 1024;
const callsQueuedMax = 100_000;
/** Batches in flight together: while the majority acknowledges one, the next is on its way. */
const flightsMax = 2;

export class MongoJobQueue implements JobQueue {
  readonly jobs: Collection<JobDocument>;
  private readonly writes: JobWrites;
  private readonly due: DueJobs;
  private readonly pages: JobList;
  private readonly purging: Purge;
  private readonly marks: WriteMarks;
  private claiming: Claiming | undefined;
  private readonly adds: Batcher<readonly JobRecord[], AddOutcome[]>;
  private readonly updates: Batcher<readonly Change[], (JobRecord | undefined)[]>;
  private readonly gets: Batcher<readonly string[], (JobRecord | undefined)[]>;

  /** The connection is opened before `open` and closed after `close` by whoever made it. */
  constructor(readonly connection: MongoConnection) {
    this.marks = new WriteMarks(connection.ports.ids.random());
    this.jobs = connection.collection<JobDocument>('jobs');
    this.writes = new JobWrites(connection, this.jobs, this.marks);
    this.due = new DueJobs(connection, this.jobs);
    this.pages = new JobList(connection, this.jobs);
    this.purging = new Purge(connection, this.jobs);
    const endOfTurn = (): Promise<void> => connection.ports.clock.endOfTurn();
    const bounds = { batchItemsMax: callsPerBatchMax, queuedItemsMax: callsQueuedMax, flightsMax, endOfTurn };
    this.adds = new Batcher({
      ...bounds,
      name: 'jobs to be stored',
      batchSizeMax: bytesPerBatchMax,
      sizeOf: (records) => records.reduce((sum, record) => sum + claimBytes(record), 0),
      send: (calls) => together(calls, (records) => this.writes.add(records)),
    });
    this.updates = new Batcher({
      ...bounds,
      name: 'changes of jobs',
      batchSizeMax: bytesPerBatchMax,
      sizeOf: (changes) => changes.reduce((sum, change) => sum + changeBytes(change), 0),
      send: (calls) => together(calls, (changes) => this.writes.update(changes)),
    });
    this.gets = new Batcher({
      ...bounds,
      name: 'reads of jobs',
      send: (calls) => together(calls, (jobIds) => this.readAll(jobIds)),
    });
  }

  /** Creates what indexes are missing. Throws LTS_CONFIG_INVALID for one that differs. */
  async open(): Promise<void> {
    await ensureIndexes(this.connection, this.jobs, jobIndexes);
    this.claiming = new Claiming(this.connection, this.jobs, this.due, this.writes, this.marks);
  }

  async close(): Promise<void> {
    this.claiming = undefined;
  }

  async add(records: readonly JobRecord[]): Promise<AddOutcome[]> {
    this.opened();
    for (const record of records) this.due.note(record);
    return records.length === 0 ? [] : this.adds.add(records);
  }

  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    return this.opened().claim(request);
  }

  async update(changes: readonly Change[]): Promise<(JobRecord | undefined)[]> {
    this.opened();
    for (const { after } of changes) this.due.note(after);
    return changes.length === 0 ? [] : this.updates.add(changes);
  }

  async get(jobIds: readonly string[]): Promise<(JobRecord | undefined)[]> {
    this.opened();
    return jobIds.length === 0 ? [] : this.gets.add(jobIds);
  }

  async findOpen(nodeGroup: string, taskId: string): Promise<JobRecord | undefined> {
    const [record] = await this.find(jobQueries.byKeys([openKey(nodeGroup, taskId)]), 1);
    return record;
  }

  async nextDueAt({
    nodeGroup,
    after,
  }: {
    readonly nodeGroup: string;
    readonly after: number;
  }): Promise<number | undefined> {
    const [next] = await this.documents(jobQueries.nextDue(nodeGroup, after), { limit: 1, projection: { turn: 1 } });
    return next?.turn?.dueAt;
  }

  async dueSchedules(now: number, max: number): Promise<{ due: readonly JobRecord[]; nextAt?: number | undefined }> {
    const [found, [later]] = await Promise.all([
      this.find(jobQueries.dueSchedules(now), max + 1),
      this.documents(jobQueries.nextSchedule(now), { limit: 1, projection: { fire: 1 } }),
    ]);
    const due = found.slice(0, max);
    const nextAt = found[max]?.status.dueAt ?? later?.fire?.at;
    return nextAt === undefined ? { due } : { due, nextAt };
  }

  async sessions(): Promise<readonly string[]> {
    return this.distinct('run.session', jobQueries.sessions());
  }

  async runsOf(session: string): Promise<readonly JobRecord[]> {
    const runs = await this.find(jobQueries.runsOf(session));
    const at = ({ status }: JobRecord): number => status.claimedAt ?? 0;
    return runs.sort((a, b) => at(a) - at(b) || (a.jobId < b.jobId ? -1 : 1));
  }

  async owedFeedback(submitNodeGroup: string, until: number, max: number): Promise<readonly JobRecord[]> {
    return this.find(jobQueries.owedFeedback(submitNodeGroup, until), max);
  }

  async owedGroups(): Promise<readonly string[]> {
    return this.distinct('owed.group', jobQueries.owedGroups());
  }

  async list(request: ListRequest): Promise<ListPage> {
    this.opened();
    return this.pages.page(request);
  }

  /** Entries of indexes are counted, at four moments close together. */
  async count(): Promise<Counts> {
    const kinds = await Promise.all([
      this.countBy(jobQueries.allTurns(), { group: '$turn.group', kind: '$turn.state' }),
      this.countBy(jobQueries.sessions(), { group: '$run.group', kind: 'executing' }),
      this.countBy(jobQueries.allSchedules(), { group: '$schedule.group', kind: 'schedules' }),
      this.countBy(jobQueries.allEnded(), { group: '$ended.group', kind: '$ended.kind' }),
    ]);
    const counts = new Map<string, Partial<Record<JobState | 'schedules', number>>>();
    for (const { group, kind, count } of kinds.flat()) {
      const ofGroup = counts.get(group) ?? {};
      counts.set(group, ofGroup);
      const counted = kind.startsWith('schedule') ? 'schedules' : (kind as JobState);
      ofGroup[counted] = (ofGroup[counted] ?? 0) + count;
    }
    return Object.fromEntries(counts);
  }

  async purge(request: PurgeRequest, isKept: (record: JobRecord) => boolean = () => false): Promise<readonly string[]> {
    this.opened();
    return this.purging.oldest(request, { isKept, kinds: endedKinds() });
  }

  private async countBy(
    { filter, index }: JobQuery,
    by: { group: string; kind: string },
  ): Promise<{ group: string; kind: string; count: number }[]> {
    this.opened();
    const kind = by.kind.startsWith('$') ? by.kind : { $literal: by.kind };
    const stages = [{ $match: filter }, { $group: { _id: { group: by.group, kind }, count: { $sum: 1 } } }];
    const found = await this.connection.attempt('count jobs', () =>
      this.jobs.aggregate<{ _id: { group: string; kind: string }; count: number }>(stages, { hint: index }).toArray(),
    );
    return found.map(({ _id, count }) => ({ ..._id, count }));
  }

  private async readAll(jobIds: readonly string[]): Promise<(JobRecord | undefined)[]> {
    const documents = await this.documents(jobQueries.byKeys([...new Set(jobIds)].map(idKey)));
    const records = new Map<string, JobRecord>();
    for (const document of documents.filter(isRecord)) {
      const record = recordOf(document);
      for (const key of document.keys) records.set(key, record);
    }
    return jobIds.map((jobId) => records.get(idKey(jobId)));
  }

  private async find(query: JobQuery, limit?: number): Promise<JobRecord[]> {
    if (limit === 0) return [];
    const documents = await this.documents(query, limit === undefined ? {} : { limit });
    return (await withoutDamaged(this, documents, isRecord)).map(recordOf);
  }

  private documents(
    { filter, index, sort }: JobQuery,
    options: { limit?: number; projection?: Document } = {},
  ): Promise<JobDocument[]> {
    this.opened();
    const all = { hint: index, ...(sort ? { sort } : {}), ...options };
    return this.connection.attempt('read jobs', () => this.jobs.find(filter, all).toArray());
  }

  private async distinct(field: string, { filter }: JobQuery): Promise<string[]> {
    this.opened();
    const found = await this.connection.attempt('read jobs', () => this.jobs.distinct(field, filter));
    return found.map(String).sort();
  }

  private opened(): Claiming {
    if (this.claiming) return this.claiming;
    const text = `The job store in MongoDB at ${this.connection.place} is not open. Call open() first and await it.`;
    throw new LtsError('LTS_NOT_STARTED', text);
  }
}

/** Calls of one batch as one call; each gets its share of the answers. */
async function together<Item, Answer>(
  calls: readonly (readonly Item[])[],
  send: (items: Item[]) => Promise<Answer[]>,
): Promise<Answer[][]> {
  const answers = await send(calls.flat());
  let end = 0;
  return calls.map(({ length }) => {
    end += length;
    return answers.slice(end - length, end);
  });
}

/** The status, generously, with what may be long in it; and the body where it is written too. */
function changeBytes({ before, after }: Change): number {
  const { result, message } = after.status;
  const body = after.body === before.body ? 0 : claimBytes(after);
  return 600 + 3 * ((result?.length ?? 0) + (message?.length ?? 0)) + body;
}
