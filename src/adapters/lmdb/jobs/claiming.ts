/** One claim, inside a commit: takes due records in turn, ends those past their expiry, stops at the request's bounds. */
import { ended } from '../../../job/ending.js';
import { claimBytes, type JobRecord, withStatus } from '../../../job/job.js';
import type { ClaimOutcome, ClaimRequest } from '../../../ports/job-queue.js';
import { ClaimScan, type Lane } from './claim-scan.js';
import type { ClaimKey } from './job-indexes.js';
import type { JobRecords } from './job-records.js';

/** Most records that one claim ends as expired; the caller asks again. */
const expiredPerClaimMax = 1_000;

export class Claiming {
  private readonly claimed: JobRecord[] = [];
  private readonly expired: JobRecord[] = [];
  private bytes = 0;
  private lane: Lane | undefined;
  private isAlone = false;

  constructor(
    private readonly records: JobRecords,
    private readonly request: ClaimRequest,
    /** The lane served last, by group, while work is left. */
    private readonly turns: Map<string, Lane>,
  ) {
    this.lane = turns.get(request.nodeGroup);
  }

  run(): ClaimOutcome {
    const scan = new ClaimScan(this.records.tables.waiting);
    let isLeft = false;
    for (const key of scan.turns(this.request, this.lane)) {
      isLeft = !this.takeOne(key);
      if (isLeft) break;
    }
    // Beside a suspect that must run alone nothing else is looked at, so what is due may still be there.
    const hasMore = isLeft || (this.isAlone && scan.hasDue(this.request));
    if (hasMore && this.lane) this.turns.set(this.request.nodeGroup, this.lane);
    else this.turns.delete(this.request.nodeGroup);
    return { claimed: this.claimed, expired: this.expired, hasMore };
  }

  /** False when a bound of the request leaves the record where it is. */
  private takeOne(key: ClaimKey): boolean {
    const { max, now, bytesMax } = this.request;
    if (this.claimed.length >= max || this.expired.length >= expiredPerClaimMax) return false;
    const record = this.records.takeWaiting(key);
    this.isAlone ||= key[1] === 2;
    if (!record) return true;
    if (record.body.expireAt !== undefined && now > record.body.expireAt) {
      this.expired.push(this.write(record, ended(record, { state: 'expired', now })));
      return true;
    }
    this.bytes += claimBytes(record);
    if (this.claimed.length > 0 && this.bytes > bytesMax) return false;
    this.claimed.push(this.write(record, this.started(record)));
    this.lane = { kind: key[1], name: key[2] };
    return true;
  }

  private write(before: JobRecord, after: JobRecord): JobRecord {
    this.records.replace({ before, after });
    return after;
  }

  private started(record: JobRecord): JobRecord {
    const { runId, session, now } = this.request;
    return withStatus(record, {
      state: 'executing',
      runId,
      session,
      claimedAt: now,
      attempt: record.status.attempt + 1,
    });
  }
}
