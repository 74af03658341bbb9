/**
 * The model of the JobQueue port: plain maps and sorted copies, obvious rather than fast. Every verb does its whole work at
 * the moment it is called, so that tests and the simulator are deterministic; other adapters are compared with this one.
 */
import { ended } from '../../job/ending.js';
import { claimBytes, isEnded, isSchedule, type JobRecord, withStatus } from '../../job/job.js';
import { type Counts, fits, type ListPage, type ListRequest } from '../../job/listing.js';
import type { AddOutcome, Change, ClaimOutcome, ClaimRequest, JobQueue, PurgeRequest } from '../../ports/job-queue.js';
import { compareText, dueAtOf, inTurns, type Lane, laneOf } from './lane-turns.js';
import { cursorOf, inListOrder, placeOf, placeOfCursor } from './list-order.js';

/** Most records that one claim ends as expired; the caller asks again. */
const expiredPerClaimMax = 1_000;

const keyText = (nodeGroup: string, taskId: string): string => JSON.stringify([nodeGroup, taskId]);
const isAloneSuspect = (record: JobRecord): boolean => laneOf(record).kind === 2;
const isWaitingInstance = (record: JobRecord): boolean => record.status.state === 'waiting' && !isSchedule(record);
const endedAtOf = (record: JobRecord): number => record.status.endedAt ?? 0;
const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort(compareText);

interface Taken {
  readonly claimed: JobRecord[];
  readonly expired: JobRecord[];
  /** Of the claimed bodies. */
  bytes: number;
}

export class MemoryJobQueue implements JobQueue {
  private readonly records = new Map<string, JobRecord>();
  /** jobId of a submission that replaced a record in place -> that record's jobId. */
  private readonly aliases = new Map<string, string>();
  private readonly openKeys = new Map<string, string>();
  private readonly waiting = new Map<string, Set<string>>();
  /** The lane that was served last, by group, while work is left. */
  private readonly turns = new Map<string, Lane>();

  /** Records outlive `close`; whose turn it is does not. */
  async open(): Promise<void> {
    this.turns.clear();
  }

  async close(): Promise<void> {}

  async add(records: readonly JobRecord[]): Promise<AddOutcome[]> {
    return records.map((record) => this.addOne(record));
  }

  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const taken: Taken = { claimed: [], expired: [], bytes: 0 };
    const turns = this.turnsOf(request);
    const isLeft = turns.some((record) => !this.takeOne(record, request, taken));
    // Beside a suspect that must run alone nothing else is looked at, so what is due may still be there.
    const hasMore = isLeft || (turns.some(isAloneSuspect) && this.dueOf(request).length > 0);
    const last = taken.claimed.at(-1);
    if (!hasMore) this.turns.delete(request.nodeGroup);
    else if (last) this.turns.set(request.nodeGroup, laneOf(last));
    return { claimed: taken.claimed, expired: taken.expired, hasMore };
  }

  async update(changes: readonly Change[]): Promise<(JobRecord | undefined)[]> {
    return changes.map(({ before, after }) => {
      const stored = this.records.get(before.jobId);
      if (stored?.status.rev !== before.status.rev) return undefined;
      if (this.holderOf(after, after.jobId)) return undefined;
      return this.write(stored, after);
    });
  }

  async get(jobIds: readonly string[]): Promise<(JobRecord | undefined)[]> {
    return jobIds.map((jobId) => this.find(jobId));
  }

  async findOpen(nodeGroup: string, taskId: string): Promise<JobRecord | undefined> {
    return this.records.get(this.openKeys.get(keyText(nodeGroup, taskId)) ?? '');
  }

  async nextDueAt({
    nodeGroup,
    after,
  }: {
    readonly nodeGroup: string;
    readonly after: number;
  }): Promise<number | undefined> {
    const later = this.waitingOf(nodeGroup)
      .map(dueAtOf)
      .filter((dueAt) => dueAt > after);
    return later.length > 0 ? later.reduce((a, b) => Math.min(a, b)) : undefined;
  }

  async dueSchedules(now: number, max: number): Promise<{ due: readonly JobRecord[]; nextAt?: number | undefined }> {
    const waiting = this.filtered((record) => isSchedule(record) && record.status.state === 'waiting')
      .filter((record) => record.status.dueAt !== undefined)
      .sort((a, b) => dueAtOf(a) - dueAtOf(b) || compareText(a.jobId, b.jobId));
    const due = waiting.filter((record) => dueAtOf(record) <= now).slice(0, max);
    const next = waiting[due.length];
    return next ? { due, nextAt: dueAtOf(next) } : { due };
  }

  async sessions(): Promise<readonly string[]> {
    return unique(this.executing().map((record) => record.status.session ?? ''));
  }

  async runsOf(session: string): Promise<readonly JobRecord[]> {
    const runs = this.executing().filter((record) => (record.status.session ?? '') === session);
    return runs.sort((a, b) => inListOrder(placeOf(a), placeOf(b)));
  }

  async owedFeedback(submitNodeGroup: string, until: number, max: number): Promise<readonly JobRecord[]> {
    return this.filtered((record) => record.body.submitNodeGroup === submitNodeGroup && owedSince(record) <= until)
      .sort((a, b) => owedSince(a) - owedSince(b) || compareText(a.jobId, b.jobId))
      .slice(0, max);
  }

  async owedGroups(): Promise<readonly string[]> {
    const owed = this.filtered((record) => owedSince(record) < Number.POSITIVE_INFINITY);
    return unique(owed.flatMap((record) => record.body.submitNodeGroup ?? []));
  }

  async list(request: ListRequest): Promise<ListPage> {
    const after = request.cursor === undefined ? undefined : placeOfCursor(request.cursor);
    const fitting = this.filtered((record) => fits(record, request))
      .map((record) => ({ record, place: placeOf(record) }))
      .filter(({ place }) => after === undefined || inListOrder(after, place) < 0)
      .sort((a, b) => inListOrder(a.place, b.place));
    const page = fitting.slice(0, request.limit);
    const records = page.map(({ record }) => record);
    return fitting.length > page.length ? { records, cursor: cursorOf(page.at(-1)?.place ?? [0]) } : { records };
  }

  async count(): Promise<Counts> {
    const counts = new Map<string, Counts[string]>();
    for (const record of this.records.values()) {
      const group = counts.get(record.body.nodeGroup) ?? {};
      counts.set(record.body.nodeGroup, group);
      const kind = isSchedule(record) ? 'schedules' : record.status.state;
      group[kind] = (group[kind] ?? 0) + 1;
    }
    return Object.fromEntries(counts);
  }

  async purge(request: PurgeRequest, isKept: (record: JobRecord) => boolean = () => false): Promise<readonly string[]> {
    const ended = this.filtered((record) => isEnded(record.status.state)).sort(
      (a, b) => endedAtOf(a) - endedAtOf(b) || compareText(a.jobId, b.jobId),
    );
    let left = ended.length;
    const removed: string[] = [];
    for (const record of ended) {
      const endedAt = endedAtOf(record);
      const isOld = endedAt < request.endedBefore || left > request.keepMax;
      if (!isOld || endedAt > request.keepAfter || removed.length >= request.max) break;
      if (isKept(record)) continue;
      this.remove(record);
      removed.push(record.jobId);
      left--;
    }
    return removed;
  }

  private addOne(record: JobRecord): AddOutcome {
    const same = this.find(record.jobId);
    if (same) return { kind: 'same', record: same };
    const holder = this.holderOf(record, record.jobId);
    if (holder) return { kind: 'conflict', record: holder };
    return { kind: 'added', record: this.write(undefined, record) };
  }

  private find(jobId: string): JobRecord | undefined {
    return this.records.get(jobId) ?? this.records.get(this.aliases.get(jobId) ?? '');
  }

  /** Another open record that has the key of this one. */
  private holderOf(record: JobRecord, jobId: string): JobRecord | undefined {
    const key = openKeyOf(record);
    const holder = key === undefined ? undefined : this.openKeys.get(key);
    return holder === undefined || holder === jobId ? undefined : this.records.get(holder);
  }

  /** The only place that changes a record: takes the old one out of every map and puts the new one in. */
  private write(before: JobRecord | undefined, after: JobRecord): JobRecord {
    if (before) this.remove(before);
    this.records.set(after.jobId, after);
    for (const alias of after.status.aliases ?? []) {
      if (!this.find(alias)) this.aliases.set(alias, after.jobId);
    }
    const key = openKeyOf(after);
    if (key !== undefined) this.openKeys.set(key, after.jobId);
    if (isWaitingInstance(after)) this.waitingIds(after.body.nodeGroup).add(after.jobId);
    return after;
  }

  private remove(record: JobRecord): void {
    this.records.delete(record.jobId);
    for (const alias of record.status.aliases ?? []) {
      if (this.aliases.get(alias) === record.jobId) this.aliases.delete(alias);
    }
    const key = openKeyOf(record);
    if (key !== undefined) this.openKeys.delete(key);
    if (!isWaitingInstance(record)) return;
    const ids = this.waitingIds(record.body.nodeGroup);
    ids.delete(record.jobId);
    if (ids.size === 0) this.waiting.delete(record.body.nodeGroup);
  }

  private waitingIds(nodeGroup: string): Set<string> {
    const known = this.waiting.get(nodeGroup);
    if (known) return known;
    const ids = new Set<string>();
    this.waiting.set(nodeGroup, ids);
    return ids;
  }

  private waitingOf(nodeGroup: string): JobRecord[] {
    return [...(this.waiting.get(nodeGroup) ?? [])].map((jobId) => this.records.get(jobId) as JobRecord);
  }

  /** False when a bound of the request leaves the record where it is. */
  private takeOne(record: JobRecord, request: ClaimRequest, taken: Taken): boolean {
    if (taken.claimed.length >= request.max || taken.expired.length >= expiredPerClaimMax) return false;
    if (isPastExpiry(record, request.now)) {
      taken.expired.push(this.write(record, ended(record, { state: 'expired', now: request.now })));
      return true;
    }
    taken.bytes += claimBytes(record);
    if (taken.claimed.length > 0 && taken.bytes > request.bytesMax) return false;
    taken.claimed.push(this.write(record, started(record, request)));
    return true;
  }

  private dueOf({ nodeGroup, now }: ClaimRequest): JobRecord[] {
    return this.waitingOf(nodeGroup).filter((record) => dueAtOf(record) <= now);
  }

  /** Due records in the order in which this claim may take them. */
  private turnsOf(request: ClaimRequest): JobRecord[] {
    return inTurns(this.dueOf(request), request.suspects, this.turns.get(request.nodeGroup));
  }

  private executing(): JobRecord[] {
    return this.filtered((record) => record.status.state === 'executing' && !isSchedule(record));
  }

  private filtered(isWanted: (record: JobRecord) => boolean): JobRecord[] {
    return [...this.records.values()].filter(isWanted);
  }
}

/** The key that at most one open one-shot job or schedule has; instances of a schedule have none. */
function openKeyOf({ body, status }: JobRecord): string | undefined {
  if (body.taskId === undefined || body.origin || isEnded(status.state)) return undefined;
  return keyText(body.nodeGroup, body.taskId);
}

/** Since when an ended record owes feedback; infinity where it owes none. */
function owedSince({ body, status }: JobRecord): number {
  const owes = isEnded(status.state) && body.submitNodeGroup !== undefined;
  return (owes ? status.feedbackAt : undefined) ?? Number.POSITIVE_INFINITY;
}

function isPastExpiry({ body }: JobRecord, now: number): boolean {
  return body.expireAt !== undefined && now > body.expireAt;
}

function started(record: JobRecord, { runId, session, now }: ClaimRequest): JobRecord {
  return withStatus(record, { state: 'executing', runId, session, claimedAt: now, attempt: record.status.attempt + 1 });
}
