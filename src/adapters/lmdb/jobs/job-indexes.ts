/**
 * Which keys lead to a record, all derived from the record itself. Tables of the job store:
 *
 *   bodies        jobId -> body                             (a jobId that replaced a record in place -> that record's jobId)
 *   statuses      jobId -> status
 *   open-keys     [group, taskId] -> jobId                  open one-shot jobs and schedules with a taskId
 *   waiting       [group, kind, lane, priority, dueAt, jobId]   waiting instances; `suspended` has the same keys
 *   schedules     [group, jobId]                            open schedules
 *   due-schedules [dueAt, jobId]                            waiting ones with a stored slot
 *   ended         [endedAt, jobId] -> 'state group'         for retention and listing; `failed` the same
 *   owed          [submitNodeGroup, feedbackAt, jobId]      ended records that owe feedback
 *   claims        [session, runId] -> jobIds                one entry per claimed batch; an executing record has no other
 *   counts        group -> number by state
 *   quarantine    jobId -> what could not be read
 */
import type { Key } from 'lmdb';
import { isEnded, isSchedule, isSuspect, type JobRecord, type JobState } from '../../../job/job.js';
import type { LmdbEnvironment } from '../environment.js';
import type { LmdbTable } from '../table.js';

/** 0: ordinary; 1: a suspect that may run beside others; 2: one that must run alone. The last two are one lane each. */
export type LaneKind = 0 | 1 | 2;
export type ClaimKey = [
  nodeGroup: string,
  kind: LaneKind,
  lane: string,
  priority: number,
  dueAt: number,
  jobId: string,
];

/** Sorts after every number and every other text. */
export const last = '\u{10ffff}';

export interface IndexEntry {
  readonly table: LmdbTable;
  readonly key: Key;
  readonly value: string;
}

/** What counts are kept of: schedules whatever their state, instances by state. */
export type CountKind = JobState | 'schedules';
export const countKindOf = (record: JobRecord): CountKind => (isSchedule(record) ? 'schedules' : record.status.state);

/** Tables hold no empty values. */
export const present = '1';

export class JobTables {
  readonly bodies: LmdbTable;
  readonly statuses: LmdbTable;
  readonly openKeys: LmdbTable;
  readonly waiting: LmdbTable;
  readonly suspended: LmdbTable;
  readonly schedules: LmdbTable;
  readonly dueSchedules: LmdbTable;
  readonly ended: LmdbTable;
  readonly failed: LmdbTable;
  readonly owed: LmdbTable;
  readonly claims: LmdbTable;
  readonly counts: LmdbTable;
  readonly quarantine: LmdbTable;

  constructor(environment: LmdbEnvironment) {
    this.bodies = environment.table('bodies');
    this.statuses = environment.table('statuses');
    this.openKeys = environment.table('open-keys');
    this.waiting = environment.table('waiting');
    this.suspended = environment.table('suspended');
    this.schedules = environment.table('schedules');
    this.dueSchedules = environment.table('due-schedules');
    this.ended = environment.table('ended');
    this.failed = environment.table('failed');
    this.owed = environment.table('owed');
    this.claims = environment.table('claims');
    this.counts = environment.table('counts');
    this.quarantine = environment.table('quarantine');
  }

  /** The index entries that a record must have, and no others; open keys, claims and redirects apart. */
  entriesOf(record: JobRecord): IndexEntry[] {
    const { state } = record.status;
    if (isEnded(state)) return this.endedEntries(record);
    if (isSchedule(record)) return this.scheduleEntries(record);
    if (state === 'executing') return [];
    return [{ table: state === 'waiting' ? this.waiting : this.suspended, key: claimKeyOf(record), value: present }];
  }

  private endedEntries(record: JobRecord): IndexEntry[] {
    const { jobId, body, status } = record;
    const key = [status.endedAt ?? 0, jobId];
    const value = `${countKindOf(record)} ${body.nodeGroup}`;
    const entries: IndexEntry[] = [{ table: this.ended, key, value }];
    if (status.state === 'failed') entries.push({ table: this.failed, key, value });
    if (status.feedbackAt !== undefined && body.submitNodeGroup !== undefined) {
      entries.push({ table: this.owed, key: [body.submitNodeGroup, status.feedbackAt, jobId], value: present });
    }
    return entries;
  }

  private scheduleEntries({ jobId, body, status }: JobRecord): IndexEntry[] {
    const entries: IndexEntry[] = [{ table: this.schedules, key: [body.nodeGroup, jobId], value: present }];
    if (status.state === 'waiting' && status.dueAt !== undefined) {
      entries.push({ table: this.dueSchedules, key: [status.dueAt, jobId], value: present });
    }
    return entries;
  }
}

export function claimKeyOf(record: JobRecord): ClaimKey {
  const { jobId, body, status } = record;
  const kind = isSuspect(record) ? (status.isAlone ? 2 : 1) : 0;
  return [body.nodeGroup, kind, kind === 0 ? body.lane : '', body.priority, status.dueAt ?? 0, jobId];
}

/** The key that at most one open one-shot job or schedule has; instances of a schedule have none. */
export function openKeyOf({ body, status }: JobRecord): [nodeGroup: string, taskId: string] | undefined {
  if (body.taskId === undefined || body.origin || isEnded(status.state)) return undefined;
  return [body.nodeGroup, body.taskId];
}

/** What an entry of `ended` says of its record. */
export function endedHint(value: string): { kind: CountKind; nodeGroup: string } {
  const space = value.indexOf(' ');
  return { kind: value.slice(0, space) as CountKind, nodeGroup: value.slice(space + 1) };
}

export function isSameKey(a: Key, b: Key): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((part, i) => part === b[i]);
}
