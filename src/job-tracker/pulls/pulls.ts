/**
 * Open pulls of TaskTrackers, and how new jobs are shared among them. A pull that accepts have staged jobs for carries a batch,
 * which further accepts may join until the first of their commits is done.
 */
import { type ChangingStatus, claimBytes, type JobRecord } from '../../job/job.js';
import type { Deferred } from '../../kit/deferred.js';
import { limits } from '../../protocol/limits.js';
import type { PullAnswer } from '../../protocol/messages.js';
import type { Session } from '../sessions/session.js';

export interface Pull {
  readonly session: Session;
  readonly id: number;
  slots: number;
  readonly untilMono: number;
  readonly answer: Deferred<PullAnswer>;
  /** What accepts have staged for it and not yet committed; it may be joined until the first of them is. */
  batch: Batch | undefined;
}

interface Batch {
  readonly runId: string;
  readonly stored: JobRecord[];
  jobs: number;
  bytes: number;
  acceptsUnderWay: number;
  isClosed: boolean;
}

export const roomOf = ({ slots, batch }: Pull): number => Math.min(slots, limits.batchJobsMax) - (batch?.jobs ?? 0);

export function mayJoin(pull: Pull): boolean {
  const { session, batch } = pull;
  return (
    session.isServed &&
    session.aloneJobId === undefined &&
    !session.isInDoubt &&
    session.seeks !== 'alone' &&
    !batch?.isClosed &&
    roomOf(pull) > 0
  );
}

/** The roomiest pull of each session first: what is left of a session's pulls stays parked for what comes next. */
function inTurn(parked: readonly Pull[]): Pull[] {
  const seen = new Set<Session>();
  const first: Pull[] = [];
  const later: Pull[] = [];
  for (const pull of [...parked].sort((a, b) => roomOf(b) - roomOf(a))) {
    (seen.has(pull.session) ? later : first).push(pull);
    seen.add(pull.session);
  }
  return [...first, ...later];
}

/** Even shares of `count` jobs for the sessions of these pulls; what one has no slots for goes to the next that has. */
function shares(pulls: readonly Pull[], count: number): number[] {
  let left = count;
  const even = Math.ceil(count / new Set(pulls.map((pull) => pull.session)).size);
  const given = pulls.map((pull) => {
    const share = Math.min(even, roomOf(pull), left);
    left -= share;
    return share;
  });
  return given.map((share, i) => {
    const more = Math.min(roomOf(pulls[i] as Pull) - share, left);
    left -= more;
    return share + more;
  });
}

/** Which pull takes which of the first `count` records. */
export function allot(
  candidates: readonly Pull[],
  records: readonly JobRecord[],
  count: number,
): [pull: Pull, records: readonly JobRecord[]][] {
  const pulls = inTurn(candidates);
  const allotted: [Pull, readonly JobRecord[]][] = [];
  let next = 0;
  for (const [i, share] of shares(pulls, count).entries()) {
    const pull = pulls[i] as Pull;
    const end = endOfBatch(records, next, { count: share, bytes: pull.batch?.bytes ?? 0 });
    if (end > next) allotted.push([pull, records.slice(next, end)]);
    next = end;
  }
  return allotted;
}

/** The records as claimed with this pull's batch. */
export function joinBatch(
  pull: Pull,
  records: readonly JobRecord[],
  { runId, now }: { runId: string; now: number },
): JobRecord[] {
  pull.batch ??= { runId, stored: [], jobs: 0, bytes: 0, acceptsUnderWay: 0, isClosed: false };
  pull.batch.jobs += records.length;
  for (const record of records) pull.batch.bytes += claimBytes(record);
  pull.batch.acceptsUnderWay++;
  const claim = { session: pull.session.id, runId: pull.batch.runId, now };
  return records.map((record) => claimed(record, claim));
}

function claimed(record: JobRecord, claim: { session: string; runId: string; now: number }): JobRecord {
  const { session, runId, now } = claim;
  const status: ChangingStatus = { ...record.status };
  status.state = 'executing';
  status.attempt = 1;
  status.session = session;
  status.runId = runId;
  status.claimedAt = now;
  return { jobId: record.jobId, body: record.body, status };
}

/** Where the records from `from` end that fit one answer: at most `count`, and the wire's bytes beside what it holds already. */
function endOfBatch(records: readonly JobRecord[], from: number, room: { count: number; bytes: number }): number {
  let { bytes } = room;
  let end = from;
  while (end < records.length && end - from < room.count) {
    const size = claimBytes(records[end] as JobRecord);
    if (bytes > 0 && bytes + size > limits.batchBytesMax) break;
    bytes += size;
    end++;
  }
  return end;
}
