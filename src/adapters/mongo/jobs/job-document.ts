/**
 * A job record as one MongoDB document, and back. Beside body and status it holds what queries look for, each part only while it
 * applies, so that sparse indexes hold nothing else: a job that never waits costs three index entries in its life beside `_id`.
 */
import type { UpdateFilter } from 'mongodb';
import {
  claimBytes,
  isEnded,
  isSchedule,
  isSuspect,
  type JobBody,
  type JobRecord,
  type JobState,
  type JobStatus,
} from '../../../job/job.js';
import type { Change } from '../../../ports/job-queue.js';

/** 0: ordinary; 1: a suspect that may run beside others; 2: one that must run alone. The last two are one lane each. */
export type LaneKind = 0 | 1 | 2;

/** Where an instance stands in its group's queue. */
export interface Turn {
  readonly state: 'waiting' | 'suspended';
  readonly group: string;
  readonly kind: LaneKind;
  readonly lane: string;
  readonly priority: number;
  readonly dueAt: number;
  readonly jobId: string;
}

interface Places {
  /** Waiting and suspended instances. */
  readonly turn?: Turn | undefined;
  /** Executing instances. */
  readonly run?: { readonly session: string; readonly at: number; readonly group: string } | undefined;
  /** Open schedules. */
  readonly schedule?: { readonly group: string; readonly jobId: string } | undefined;
  /** Waiting schedules that are fired by time. */
  readonly fire?: { readonly at: number; readonly jobId: string } | undefined;
  /** Ended instances that owe feedback. */
  readonly owed?: { readonly group: string; readonly at: number; readonly jobId: string } | undefined;
  readonly ended?:
    | { readonly kind: string; readonly at: number; readonly jobId: string; readonly group: string }
    | undefined;
}

export interface JobDocument extends Places {
  readonly _id: string;
  /**
   * No two documents share one: the jobIds under which it is found (its own, and those of submissions that replaced it) and, while it
   * is open, its nodeGroup and taskId.
   */
  readonly keys: readonly string[];
  readonly body: JobBody;
  readonly status: JobStatus;
  /** What it weighs in the answer to a pull. */
  readonly bytes: number;
  /** The write that made it, and the newest that changed it: who lost an answer finds out here what became of its write. */
  readonly addedBy: string;
  readonly writes: readonly string[];
}

/** So many newer writes may come between a write and the question what became of it. */
export const writesKept = 8;

export const idKey = (jobId: string): string => `id:${jobId}`;
export const openKey = (nodeGroup: string, taskId: string): string => `key:${JSON.stringify([nodeGroup, taskId])}`;

/** The key that at most one open one-shot job or schedule has; instances of a schedule have none. */
export function openKeyOf({ body, status }: JobRecord): string | undefined {
  if (body.taskId === undefined || body.origin || isEnded(status.state)) return undefined;
  return openKey(body.nodeGroup, body.taskId);
}

function keysOf(record: JobRecord): string[] {
  const ids = [record.jobId, ...(record.status.aliases ?? [])].map(idKey);
  const key = openKeyOf(record);
  return key === undefined ? ids : [...ids, key];
}

/** How an ended record is listed: its state, schedules apart. */
export const endedKind = (state: JobState, ofSchedule: boolean): string => (ofSchedule ? `schedule ${state}` : state);

function placesOf(record: JobRecord): Required<Places> {
  const ofSchedule = isSchedule(record);
  const open = isEnded(record.status.state) ? undefined : record;
  return {
    turn: ofSchedule ? undefined : turnOf(record),
    run: ofSchedule ? undefined : runOf(record),
    schedule: open && ofSchedule ? { group: open.body.nodeGroup, jobId: open.jobId } : undefined,
    fire: ofSchedule ? fireOf(record) : undefined,
    owed: open ? undefined : owedOf(record),
    ended: open ? undefined : endedOf(record, ofSchedule),
  };
}

export function laneKindOf(record: JobRecord): LaneKind {
  if (!isSuspect(record)) return 0;
  return record.status.isAlone ? 2 : 1;
}

function turnOf(record: JobRecord): Turn | undefined {
  const { jobId, body, status } = record;
  const { state } = status;
  if (state !== 'waiting' && state !== 'suspended') return undefined;
  const kind = laneKindOf(record);
  const lane = kind === 0 ? body.lane : '';
  return { state, group: body.nodeGroup, kind, lane, priority: body.priority, dueAt: status.dueAt ?? 0, jobId };
}

function runOf({ body, status }: JobRecord): Places['run'] {
  if (status.state !== 'executing') return undefined;
  return { session: status.session ?? '', at: status.claimedAt ?? 0, group: body.nodeGroup };
}

function fireOf({ jobId, status }: JobRecord): Places['fire'] {
  return status.state === 'waiting' && status.dueAt !== undefined ? { at: status.dueAt, jobId } : undefined;
}

function owedOf({ jobId, body, status }: JobRecord): Places['owed'] {
  if (body.submitNodeGroup === undefined || status.feedbackAt === undefined) return undefined;
  return { group: body.submitNodeGroup, at: status.feedbackAt, jobId };
}

function endedOf({ jobId, body, status }: JobRecord, ofSchedule: boolean): Places['ended'] {
  const kind = endedKind(status.state, ofSchedule);
  return { kind, at: status.endedAt ?? 0, jobId, group: body.nodeGroup };
}

export function newDocument(record: JobRecord, write: string): JobDocument {
  const { jobId, body, status } = record;
  const origin = { addedBy: write, writes: [] };
  return { _id: jobId, keys: keysOf(record), body, status, bytes: claimBytes(record), ...origin, ...placesOf(record) };
}

/** The whole new state of the record, whatever the document held: only the body is left alone where it is the same object. */
export function updateOf({ before, after }: Change, write: string): UpdateFilter<JobDocument> {
  const places = Object.entries(placesOf(after));
  const present = Object.fromEntries(places.filter(([, place]) => place !== undefined));
  const absent = Object.fromEntries(places.filter(([, place]) => place === undefined).map(([name]) => [name, '']));
  const body = after.body === before.body ? {} : { body: after.body, bytes: claimBytes(after) };
  return {
    $set: { status: after.status, keys: keysOf(after), ...body, ...present },
    $unset: absent,
    ...noting(write),
  } as UpdateFilter<JobDocument>;
}

/** Every update notes itself. */
export const noting = (write: string) => ({ $push: { writes: { $each: [write], $slice: -writesKept } } });

export const recordOf = ({ _id, body, status }: Pick<JobDocument, '_id' | 'body' | 'status'>): JobRecord => ({
  jobId: _id,
  body,
  status,
});
