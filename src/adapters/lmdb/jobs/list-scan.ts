/**
 * Keyset paging over the indexes, section by section: executing by time of claim; waiting, then suspended instances in claim
 * order; open schedules by group and id; ended records by end time, newest first.
 */
import type { Key } from 'lmdb';
import { LtsError } from '../../../errors.js';
import { isEnded } from '../../../job/job.js';
import { type ListRequest, type ListSection, listSections, mayHold } from '../../../job/listing.js';
import type { LmdbTable } from '../table.js';
import { endedHint, type IndexEntry, last } from './job-indexes.js';
import type { JobRecords } from './job-records.js';
import { keyTextMax } from './record-text.js';

/** Where a page ended: the section and the key in it. */
export interface ListPlace {
  readonly section: ListSection;
  readonly key?: Key | undefined;
}

export interface Candidate {
  readonly place: ListPlace;
  readonly jobId: string;
  /** False where the index entry itself says that the record does not fit. */
  readonly isWanted: boolean;
  /** The index entry that named it; executing records have none. */
  readonly entry?: IndexEntry | undefined;
}

const chunk = 100;

export class ListScan {
  constructor(private readonly records: JobRecords) {}

  /** What may fit the request, in order, after `place`. The caller reads each record and asks `fits`. */
  *candidates(request: ListRequest, place: ListPlace | undefined): Generator<Candidate> {
    const from = place ? listSections.indexOf(place.section) : 0;
    for (const section of listSections.slice(from)) {
      if (!mayHold(section, request)) continue;
      const after = section === place?.section ? place.key : undefined;
      if (section === 'executing') yield* this.executing(after);
      else yield* this.indexed(section, request, after);
    }
  }

  private *executing(after: Key | undefined): Generator<Candidate> {
    for (const { jobId, status } of this.records.runs.all()) {
      const key: [number, string] = [status.claimedAt ?? 0, jobId];
      if (after === undefined || isAfter(key, after as [number, string])) {
        yield { place: { section: 'executing', key }, jobId, isWanted: true };
      }
    }
  }

  private *indexed(
    section: Exclude<ListSection, 'executing'>,
    request: ListRequest,
    after: Key | undefined,
  ): Generator<Candidate> {
    const table = this.tableOf(section, request);
    const range = section === 'ended' ? ({ reverse: true } as const) : groupRange(request.nodeGroup);
    for (let start = after; ; ) {
      const from = start === undefined ? {} : { start, exclusiveStart: true as const };
      const entries = table.entries({ ...range, ...from, limit: chunk });
      for (const { key, value } of entries) {
        const jobId = (key as string[]).at(-1) as string;
        const isWanted = section !== 'ended' || isHinted(value, request);
        yield { place: { section, key }, jobId, isWanted, entry: { table, key, value } };
      }
      if (entries.length < chunk) return;
      start = entries.at(-1)?.key;
    }
  }

  private tableOf(section: Exclude<ListSection, 'executing'>, { states }: ListRequest): LmdbTable {
    const { tables } = this.records;
    if (section !== 'ended') return tables[section];
    const isFailedOnly = states?.every((state) => state === 'failed' || !isEnded(state));
    return isFailedOnly ? tables.failed : tables.ended;
  }
}

export const cursorOf = (place: ListPlace): string => JSON.stringify([place.section, place.key]);

/** Throws LTS_MESSAGE_INVALID. */
export function placeOfCursor(cursor: string): ListPlace {
  try {
    const [section, key] = JSON.parse(cursor) as [ListSection, Key];
    if (listSections.includes(section) && Array.isArray(key) && key.every(isKeyPart)) return { section, key };
  } catch {
    // Said below.
  }
  throw new LtsError(
    'LTS_MESSAGE_INVALID',
    `list: the cursor ${cursor} is not one of this store. Begin again without a cursor.`,
  );
}

function isKeyPart(part: unknown): boolean {
  return typeof part === 'string' ? part.length <= keyTextMax : Number.isFinite(part);
}

function isHinted(value: string, { states, nodeGroup, schedules }: ListRequest): boolean {
  const hint = endedHint(value);
  if (nodeGroup !== undefined && nodeGroup !== hint.nodeGroup) return false;
  if (hint.kind === 'schedules') return schedules !== false;
  return schedules !== true && (!states || states.includes(hint.kind));
}

function groupRange(nodeGroup: string | undefined): { start?: Key; end?: Key } {
  return nodeGroup === undefined ? {} : { start: [nodeGroup], end: [nodeGroup, last] };
}

function isAfter(key: [number, string], after: [number, string]): boolean {
  return key[0] > after[0] || (key[0] === after[0] && key[1] > after[1]);
}
