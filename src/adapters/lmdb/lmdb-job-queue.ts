/** The JobQueue port on one LMDB file. What follows from a record is written by `job-records.ts`; this file holds the verbs. */
import { LtsError } from '../../errors.js';
import type { JobRecord } from '../../job/job.js';
import { type Counts, fits, type ListPage, type ListRequest } from '../../job/listing.js';
import type { AddOutcome, Change, ClaimOutcome, ClaimRequest, JobQueue, PurgeRequest } from '../../ports/job-queue.js';
import type { LmdbEnvironment } from './environment.js';
import { ClaimScan, type Lane } from './jobs/claim-scan.js';
import { Claiming } from './jobs/claiming.js';
import { type IndexEntry, last } from './jobs/job-indexes.js';
import { JobRecords, type Quarantined } from './jobs/job-records.js';
import { addOne, purgeOldest, updateOne } from './jobs/job-writes.js';
import { cursorOf, type ListPlace, ListScan, placeOfCursor } from './jobs/list-scan.js';
import { assertStatusStorable, assertStorable, UndecodableRecord } from './jobs/record-text.js';
import type { KeyRange, LmdbTable } from './table.js';

export interface LmdbJobQueueOptions {
  /** Told of every record that was moved aside because it could not be read. Must not throw. */
  readonly onQuarantine?: ((record: Quarantined) => void) | undefined;
}

/** Most records that one page of a list looks at. */
const lookedAtPerPageMax = 1_000;

/** An index entry, or an id alone, that did not lead to a readable record. */
interface Miss {
  readonly jobId: string;
  readonly entry?: IndexEntry | undefined;
}

export class LmdbJobQueue implements JobQueue {
  private opened: JobRecords | undefined;
  /** The lane that was served last, for groups in which lanes take turns. */
  private readonly turns = new Map<string, Lane>();

  /** The environment is opened before `open` and closed after `close` by whoever made it. */
  constructor(
    private readonly environment: LmdbEnvironment,
    private readonly options: LmdbJobQueueOptions = {},
  ) {}

  /** Reads the executing records and the counts; nothing else of the store. */
  async open(): Promise<void> {
    const records = new JobRecords(this.environment, this.options.onQuarantine ?? (() => {}));
    try {
      await this.environment.commit(() => records.load());
    } catch (error) {
      records.close();
      throw error;
    }
    this.turns.clear();
    this.opened = records;
  }

  async close(): Promise<void> {
    const records = this.opened;
    this.opened = undefined;
    await this.environment.settled();
    records?.close();
  }

  async add(records: readonly JobRecord[]): Promise<AddOutcome[]> {
    for (const record of records) assertStorable(record);
    const store = this.store();
    return this.environment.commit(() => records.map((record) => addOne(store, record)));
  }

  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const store = this.store();
    return this.environment.commit(() => new Claiming(store, request, this.turns).run());
  }

  async update(changes: readonly Change[]): Promise<(JobRecord | undefined)[]> {
    for (const { before, after } of changes)
      (after.body === before.body ? assertStatusStorable : assertStorable)(after);
    const store = this.store();
    return this.environment.commit(() => changes.map((change) => updateOne(store, change)));
  }

  async get(jobIds: readonly string[]): Promise<(JobRecord | undefined)[]> {
    const misses: Miss[] = [];
    const records = jobIds.map((jobId) => this.read({ jobId }, misses));
    await this.mend(misses);
    return records;
  }

  async findOpen(nodeGroup: string, taskId: string): Promise<JobRecord | undefined> {
    const jobId = this.store().tables.openKeys.get([nodeGroup, taskId]);
    return jobId === undefined ? undefined : (await this.get([jobId]))[0];
  }

  async nextDueAt(request: { readonly nodeGroup: string; readonly after: number }): Promise<number | undefined> {
    return new ClaimScan(this.store().tables.waiting).nextDueAt(request.nodeGroup, request.after);
  }

  async dueSchedules(now: number, max: number): Promise<{ due: readonly JobRecord[]; nextAt?: number | undefined }> {
    const table = this.store().tables.dueSchedules;
    const keys = table.keys({ limit: max + 1 }) as [dueAt: number, jobId: string][];
    const due = keys.slice(0, max).filter(([dueAt]) => dueAt <= now);
    const next = keys[due.length];
    const records = await this.readIndexed(table, { end: [now, last], limit: due.length });
    return next ? { due: records, nextAt: next[0] } : { due: records };
  }

  /** Claims of a commit in flight count as the session's. */
  async sessions(): Promise<readonly string[]> {
    const store = this.store();
    return this.environment.commit(() => store.runs.sessions());
  }

  async runsOf(session: string): Promise<readonly JobRecord[]> {
    const store = this.store();
    return this.environment.commit(() => store.runs.ofSession(session));
  }

  async owedFeedback(submitNodeGroup: string, until: number, max: number): Promise<readonly JobRecord[]> {
    const range = { start: [submitNodeGroup], end: [submitNodeGroup, until, last], limit: max };
    return this.readIndexed(this.store().tables.owed, range);
  }

  async owedGroups(): Promise<readonly string[]> {
    const { owed } = this.store().tables;
    const groups: string[] = [];
    for (let key = owed.firstKey(); key; key = owed.firstKey({ start: [groups.at(-1) as string, last] })) {
      groups.push((key as [string])[0]);
    }
    return groups;
  }

  /** In its turn among the writes: a record on its way from executing (memory) to ended (tables) would be in neither. */
  async list(request: ListRequest): Promise<ListPage> {
    const after = request.cursor === undefined ? undefined : placeOfCursor(request.cursor);
    const misses: Miss[] = [];
    const page = await this.environment.commit(() => this.page(request, after, misses));
    await this.mend(misses);
    return page;
  }

  async count(): Promise<Counts> {
    return this.store().counts.stored();
  }

  async purge(request: PurgeRequest, isKept: (record: JobRecord) => boolean = () => false): Promise<readonly string[]> {
    const store = this.store();
    return this.environment.commit(() => purgeOldest(store, request, isKept));
  }

  private page(request: ListRequest, after: ListPlace | undefined, misses: Miss[]): ListPage {
    const records: JobRecord[] = [];
    let lookedAt = 0;
    let place = after;
    for (const candidate of new ListScan(this.store()).candidates(request, after)) {
      const isFull = records.length >= request.limit || lookedAt >= lookedAtPerPageMax;
      if (place && isFull) return { records, cursor: cursorOf(place) };
      place = candidate.place;
      lookedAt++;
      const record = candidate.isWanted ? this.read(candidate, misses) : undefined;
      if (record && fits(record, request)) records.push(record);
    }
    return { records };
  }

  private async readIndexed(table: LmdbTable, range: KeyRange): Promise<JobRecord[]> {
    if (range.limit === 0) return [];
    const misses: Miss[] = [];
    const records = table.entries(range).flatMap(({ key, value }) => {
      const jobId = (key as string[]).at(-1) as string;
      return this.read({ jobId, entry: { table, key, value } }, misses) ?? [];
    });
    await this.mend(misses);
    return records;
  }

  private read(wanted: Miss, misses: Miss[]): JobRecord | undefined {
    try {
      // Executing records are served from memory, be their claim committed yet or not: settling a report costs no read.
      const record = this.store().runs.get(wanted.jobId) ?? this.store().read(wanted.jobId);
      if (!record && wanted.entry) misses.push(wanted);
      return record;
    } catch (error) {
      if (!(error instanceof UndecodableRecord)) throw error;
      misses.push(wanted);
      return undefined;
    }
  }

  /** Moves unreadable records aside and drops index entries that lead nowhere, so that nobody meets them again. */
  private async mend(misses: readonly Miss[]): Promise<void> {
    if (misses.length === 0) return;
    const store = this.store();
    await this.environment.commit(() => {
      for (const { jobId, entry } of misses) store.mend(jobId, entry);
    });
  }

  private store(): JobRecords {
    if (this.opened) return this.opened;
    const text = `The job store in ${this.environment.path} is not open. Call open() first and await it.`;
    throw new LtsError('LTS_NOT_STARTED', text);
  }
}
