/** The writing verbs of the job store, one record at a time; they run inside a commit. */
import type { JobRecord } from '../../../job/job.js';
import type { AddOutcome, Change, PurgeRequest } from '../../../ports/job-queue.js';
import { isSameKey, openKeyOf } from './job-indexes.js';
import type { JobRecords } from './job-records.js';

/** Records met by one purge and kept, on the word of `isKept`. */
const keptPerPurgeMax = 1_000;

/** Needs no read for a new record: its key and its body are put only where there are none yet. */
export function addOne(records: JobRecords, record: JobRecord): AddOutcome {
  const { openKeys } = records.tables;
  const openKey = openKeyOf(record);
  if (openKey && !openKeys.putNew(openKey, record.jobId)) {
    const answer = answerTaken(records, record, openKeys.get(openKey) as string);
    if (answer) return answer;
    openKeys.put(openKey, record.jobId);
  }
  if (records.insert(record)) return { kind: 'added', record };
  if (openKey) openKeys.remove(openKey);
  const same = records.take(record.jobId);
  if (same) return { kind: 'same', record: same };
  // What was stored under this id could not be read, or redirects to a record that is gone: the resent record takes its place.
  records.tables.bodies.remove(record.jobId);
  return addOne(records, record);
}

/** The answer for a record whose open key is taken; undefined when its holder is gone. */
function answerTaken(records: JobRecords, record: JobRecord, holderId: string): AddOutcome | undefined {
  const same = records.take(record.jobId);
  if (same) return { kind: 'same', record: same };
  const holder = records.take(holderId);
  return holder && { kind: 'conflict', record: holder };
}

/** The new record, or undefined where the stored rev is another, or where another open record has the key of `after`. */
export function updateOne(records: JobRecords, { before, after }: Change): JobRecord | undefined {
  const status = records.storedStatus(before.jobId);
  if (status?.rev !== before.status.rev) return undefined;
  const stored: JobRecord = { jobId: before.jobId, body: before.body, status };
  if (isKeyTaken(records, stored, after)) return undefined;
  records.replace({ before: stored, after });
  return after;
}

function isKeyTaken(records: JobRecords, before: JobRecord, after: JobRecord): boolean {
  const is = openKeyOf(after);
  if (!is) return false;
  const was = openKeyOf(before);
  if (was && isSameKey(was, is)) return false;
  const holder = records.tables.openKeys.get(is);
  return holder !== undefined && holder !== after.jobId;
}

/** Removes ended records, oldest first, as far as the request allows; answers their jobIds. */
export function purgeOldest(
  records: JobRecords,
  request: PurgeRequest,
  isKept: (record: JobRecord) => boolean,
): string[] {
  // All are chosen before the first is removed: should `isKept` throw, only this call fails.
  const chosen = chooseOldest(records, request, isKept);
  for (const record of chosen) records.remove(record);
  return chosen.map((record) => record.jobId);
}

function chooseOldest(
  records: JobRecords,
  { endedBefore, keepMax, keepAfter, max }: PurgeRequest,
  isKept: (record: JobRecord) => boolean,
): JobRecord[] {
  const table = records.tables.ended;
  const chosen: JobRecord[] = [];
  for (const { key, value } of table.entries({ limit: max + keptPerPurgeMax })) {
    const [endedAt, jobId] = key as [number, string];
    const isOld = endedAt < endedBefore || records.counts.endedTotal - chosen.length > keepMax;
    if (!isOld || endedAt > keepAfter || chosen.length >= max) break;
    const record = records.take(jobId);
    if (!record) records.mend(jobId, { table, key, value });
    else if (!isKept(record)) chosen.push(record);
  }
  return chosen;
}
