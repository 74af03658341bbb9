/**
 * Records with everything that follows from them: the one place that writes a record changes its indexes, counts and runs with it.
 * All writes happen inside a commit of the environment.
 */
import { isEnded, isSchedule, type JobRecord, type JobStatus } from '../../../job/job.js';
import type { Change } from '../../../ports/job-queue.js';
import type { LmdbEnvironment } from '../environment.js';
import { ExecutingRuns } from './executing-runs.js';
import { JobCounts } from './job-counts.js';
import {
  type ClaimKey,
  claimKeyOf,
  countKindOf,
  endedHint,
  type IndexEntry,
  isSameKey,
  JobTables,
  openKeyOf,
  present,
} from './job-indexes.js';
import {
  bodyText,
  isRedirect,
  parseBody,
  parseRecord,
  parseStatus,
  redirectTarget,
  redirectText,
  statusText,
  UndecodableRecord,
} from './record-text.js';

/** A record that was moved aside because it could not be read. */
export interface Quarantined {
  readonly jobId: string;
  readonly reason: string;
}

export class JobRecords {
  readonly tables: JobTables;
  readonly counts: JobCounts;
  readonly runs: ExecutingRuns;
  private readonly leave: (() => void)[];

  constructor(
    environment: LmdbEnvironment,
    private readonly onQuarantine: (record: Quarantined) => void,
  ) {
    this.tables = new JobTables(environment);
    this.counts = new JobCounts(this.tables.counts, this.tables.ended);
    this.runs = new ExecutingRuns(this.tables.claims, (jobId) => this.readable(jobId));
    this.leave = [environment.join(this.counts), environment.join(this.runs)];
  }

  /** The commits of the environment no longer concern it. */
  close(): void {
    for (const leave of this.leave) leave();
  }

  /** Reads what lives in memory; inside a commit, so that what cannot be read is moved aside and its count is mended. */
  load(): void {
    this.counts.reload();
    this.runs.load((jobId) => this.take(jobId));
    const executing = new Map<string, number>();
    for (const { body } of this.runs.all()) executing.set(body.nodeGroup, (executing.get(body.nodeGroup) ?? 0) + 1);
    this.counts.setExecuting(executing);
  }

  /** As it is in the store, under its own id or that of a submission that replaced it. Throws UndecodableRecord. */
  read(jobId: string): JobRecord | undefined {
    const body = this.tables.bodies.get(jobId);
    if (body === undefined) return undefined;
    if (isRedirect(body)) return this.read(redirectTarget(body));
    return parseRecord(jobId, body, this.tables.statuses.get(jobId));
  }

  /** Inside a commit: the record, or undefined where there is none; one that cannot be read is moved aside first. */
  take(jobId: string): JobRecord | undefined {
    try {
      return this.read(jobId);
    } catch (error) {
      if (!(error instanceof UndecodableRecord)) throw error;
      this.quarantine(error.jobId, error.message);
      return undefined;
    }
  }

  /** Inside a commit: the waiting record that a claim key leads to; an entry that leads to none is dropped. */
  takeWaiting(key: ClaimKey): JobRecord | undefined {
    const jobId = key[5];
    const record = this.take(jobId);
    if (record?.status.state === 'waiting' && isSameKey(claimKeyOf(record), key)) return record;
    this.mend(jobId, { table: this.tables.waiting, key, value: present });
    return undefined;
  }

  /** Stores a new record; false where its jobId is known already, and then nothing was written. The caller has put its open key. */
  insert(record: JobRecord): boolean {
    const { jobId } = record;
    if (!this.tables.bodies.putNew(jobId, bodyText(record.body))) return false;
    this.tables.statuses.put(jobId, statusText(record.status));
    for (const { table, key, value } of this.tables.entriesOf(record)) table.put(key, value);
    if (record.status.aliases) this.writeAliases(jobId, [], record.status.aliases);
    this.count(undefined, record);
    this.followRun(undefined, record);
    return true;
  }

  /** The status that a change is compared with: from memory while it executes. Undefined where the record is gone. */
  storedStatus(jobId: string): JobStatus | undefined {
    const executing = this.runs.get(jobId);
    if (executing) return executing.status;
    const text = this.tables.statuses.get(jobId);
    if (text === undefined) return undefined;
    try {
      return parseStatus(jobId, text);
    } catch (error) {
      this.quarantine(jobId, (error as UndecodableRecord).message);
      return undefined;
    }
  }

  /** Replaces a stored record; `before.status` is the stored one. */
  replace({ before, after }: Change): void {
    const { jobId } = after;
    if (after.body !== before.body) this.tables.bodies.put(jobId, bodyText(after.body));
    this.tables.statuses.put(jobId, statusText(after.status));
    this.moveEntries(this.tables.entriesOf(before), this.tables.entriesOf(after));
    this.moveOpenKey(before, after);
    if (before.status.aliases || after.status.aliases) {
      this.writeAliases(jobId, before.status.aliases ?? [], after.status.aliases ?? []);
    }
    this.count(before, after);
    this.followRun(before, after);
  }

  remove(record: JobRecord): void {
    const { jobId } = record;
    this.tables.bodies.remove(jobId);
    this.tables.statuses.remove(jobId);
    this.moveEntries(this.tables.entriesOf(record), []);
    const openKey = openKeyOf(record);
    if (openKey) this.tables.openKeys.remove(openKey);
    if (record.status.aliases) this.writeAliases(jobId, record.status.aliases, []);
    this.count(record, undefined);
    this.followRun(record, undefined);
  }

  /** Moves a record aside that cannot be read. Index entries that still lead to it are dropped where they are met. */
  quarantine(jobId: string, reason: string): void {
    const executing = this.runs.get(jobId);
    const body = this.tables.bodies.get(jobId);
    const status = this.tables.statuses.get(jobId);
    this.tables.quarantine.put(jobId, JSON.stringify({ reason, body, status }));
    if (executing) this.remove(executing);
    else {
      this.tables.bodies.remove(jobId);
      this.tables.statuses.remove(jobId);
      this.freeOpenKey(jobId, body);
    }
    this.onQuarantine({ jobId, reason });
  }

  /** Moves the record aside if it cannot be read, and drops the entry that named it if it does not lead to it. */
  mend(jobId: string, entry: IndexEntry | undefined): void {
    const record = this.take(jobId);
    if (!entry || entry.table.get(entry.key) === undefined) return;
    if (!record) this.dropEntry(entry);
    else if (!this.tables.entriesOf(record).some((other) => isSameEntry(entry, other))) entry.table.remove(entry.key);
  }

  /** Drops an index entry whose record is gone, and the count that stood for it. */
  private dropEntry({ table, key, value }: IndexEntry): void {
    table.remove(key);
    const parts = key as [string, ...unknown[]];
    if (table === this.tables.waiting) this.counts.add(parts[0], 'waiting', -1);
    if (table === this.tables.suspended) this.counts.add(parts[0], 'suspended', -1);
    if (table === this.tables.schedules) this.counts.add(parts[0], 'schedules', -1);
    if (table !== this.tables.ended) return;
    const { kind, nodeGroup } = endedHint(value);
    this.counts.add(nodeGroup, kind, -1);
    this.counts.addEnded(-1);
  }

  private readable(jobId: string): JobRecord | undefined {
    try {
      return this.read(jobId);
    } catch (error) {
      if (error instanceof UndecodableRecord) return undefined;
      throw error;
    }
  }

  private moveEntries(before: readonly IndexEntry[], after: readonly IndexEntry[]): void {
    for (const entry of before) if (!after.some((other) => isSameEntry(entry, other))) entry.table.remove(entry.key);
    for (const entry of after)
      if (!before.some((other) => isSameEntry(entry, other))) entry.table.put(entry.key, entry.value);
  }

  private moveOpenKey(before: JobRecord, after: JobRecord): void {
    const was = openKeyOf(before);
    const is = openKeyOf(after);
    if (was && is && isSameKey(was, is)) return;
    if (was) this.tables.openKeys.remove(was);
    if (is) this.tables.openKeys.put(is, after.jobId);
  }

  private freeOpenKey(jobId: string, body: string | undefined): void {
    if (body === undefined) return;
    try {
      const { nodeGroup, taskId } = parseBody(jobId, body);
      if (taskId === undefined || this.tables.openKeys.get([nodeGroup, taskId]) !== jobId) return;
      this.tables.openKeys.remove([nodeGroup, taskId]);
    } catch {
      // Its key cannot be known; the next add that meets the key takes it over.
    }
  }

  /** A redirect never covers a record or another redirect, and only its own is removed. */
  private writeAliases(jobId: string, before: readonly string[], after: readonly string[]): void {
    const text = redirectText(jobId);
    for (const alias of before) {
      if (!after.includes(alias) && this.tables.bodies.get(alias) === text) this.tables.bodies.remove(alias);
    }
    for (const alias of after) if (!before.includes(alias)) this.tables.bodies.putNew(alias, text);
  }

  private count(before: JobRecord | undefined, after: JobRecord | undefined): void {
    const isSame =
      before && after && before.body.nodeGroup === after.body.nodeGroup && countKindOf(before) === countKindOf(after);
    if (!isSame) {
      if (before) this.counts.add(before.body.nodeGroup, countKindOf(before), -1);
      if (after) this.counts.add(after.body.nodeGroup, countKindOf(after), 1);
    }
    if (before && isEnded(before.status.state)) this.counts.addEnded(-1);
    if (after && isEnded(after.status.state)) this.counts.addEnded(1);
  }

  private followRun(before: JobRecord | undefined, after: JobRecord | undefined): void {
    const was = before && isRun(before) ? before : undefined;
    const is = after && isRun(after) ? after : undefined;
    if (was || is) this.runs.follow(was, is);
  }
}

const isRun = (record: JobRecord): boolean => record.status.state === 'executing' && !isSchedule(record);

function isSameEntry(a: IndexEntry, b: IndexEntry): boolean {
  return a.table === b.table && a.value === b.value && isSameKey(a.key, b.key);
}
