/**
 * The order of `list`: executing by time of claim; waiting, then suspended instances in claim order; open schedules by
 * group and id; ended records by end time, newest first.
 */
import { LtsError } from '../../errors.js';
import { isEnded, isSchedule, type JobRecord } from '../../job/job.js';
import { compareText, dueAtOf, laneOf } from './lane-turns.js';

/** Where a record stands in the list: a section, then the parts of its key. */
export type Place = readonly (string | number)[];

export function placeOf(record: JobRecord): Place {
  const { jobId, body, status } = record;
  if (isEnded(status.state)) return [4, status.endedAt ?? 0, jobId];
  if (isSchedule(record)) return [3, body.nodeGroup, jobId];
  if (status.state === 'executing') return [0, status.claimedAt ?? 0, jobId];
  const { kind, name } = laneOf(record);
  return [status.state === 'waiting' ? 1 : 2, body.nodeGroup, kind, name, body.priority, dueAtOf(record), jobId];
}

export function inListOrder(a: Place, b: Place): number {
  if (a[0] !== b[0]) return compareParts(a[0], b[0]);
  const direction = a[0] === 4 ? -1 : 1;
  for (let i = 1; i < Math.max(a.length, b.length); i++) {
    const order = compareParts(a[i], b[i]);
    if (order !== 0) return order * direction;
  }
  return 0;
}

function compareParts(a: string | number | undefined, b: string | number | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compareText(String(a), String(b));
}

export const cursorOf = (place: Place): string => JSON.stringify(place);

/** Throws LTS_MESSAGE_INVALID. */
export function placeOfCursor(cursor: string): Place {
  try {
    const place: unknown = JSON.parse(cursor);
    if (Array.isArray(place) && typeof place[0] === 'number') return place;
  } catch {
    // Said below.
  }
  throw new LtsError(
    'LTS_MESSAGE_INVALID',
    `list: the cursor ${cursor} is not one of this store. Begin again without a cursor.`,
  );
}
