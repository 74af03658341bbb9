/**
 * The executing records in memory, so that the write that ends a run is fenced without a read. What survives a restart is
 * one entry per claimed batch: [session, runId] -> jobIds, written when jobs join it, removed with its last run.
 */
import { LtsError } from '../../../errors.js';
import type { JobRecord } from '../../../job/job.js';
import type { Participant } from '../../../kit/group-commit.js';
import type { LmdbTable } from '../table.js';

interface Claim {
  readonly session: string;
  readonly runId: string;
  readonly jobIds: Set<string>;
  isStored: boolean;
  hasGrown: boolean;
}

export class ExecutingRuns implements Participant {
  private readonly records = new Map<string, JobRecord>();
  private readonly claims = new Map<string, Claim>();
  private readonly touched = new Set<Claim>();
  /** The claim met last: the records of a batch come one after the other. */
  private recent: Claim | undefined;

  constructor(
    private readonly table: LmdbTable,
    /** Undefined where there is no record that can be read. */
    private readonly read: (jobId: string) => JobRecord | undefined,
  ) {}

  get(jobId: string): JobRecord | undefined {
    return this.records.get(jobId);
  }

  /** By time of claim. */
  all(): JobRecord[] {
    return [...this.records.values()].sort(byClaimTime);
  }

  sessions(): string[] {
    return [...new Set([...this.claims.values()].map((claim) => claim.session))].sort();
  }

  ofSession(session: string): JobRecord[] {
    const jobIds = [...this.claims.values()].flatMap((claim) => (claim.session === session ? [...claim.jobIds] : []));
    return jobIds.map((jobId) => this.records.get(jobId) as JobRecord).sort(byClaimTime);
  }

  /** The record after a write: kept while it executes, forgotten otherwise. */
  follow(before: JobRecord | undefined, after: JobRecord | undefined): void {
    const isSameRun = before && after && isOfClaim(after, before.status.session ?? '', before.status.runId ?? '');
    if (before && !isSameRun) this.leave(before);
    if (!after) return;
    this.records.set(after.jobId, after);
    if (!isSameRun) this.enter(after);
  }

  flush(): void {
    for (const claim of this.touched) {
      const key = [claim.session, claim.runId];
      if (claim.jobIds.size === 0) {
        if (claim.isStored) this.table.remove(key);
      } else if (claim.hasGrown) {
        this.table.put(key, JSON.stringify([...claim.jobIds]));
        claim.isStored = true;
        claim.hasGrown = false;
      }
    }
    this.touched.clear();
  }

  reload(): void {
    this.load(this.read);
  }

  load(read: (jobId: string) => JobRecord | undefined): void {
    this.records.clear();
    this.claims.clear();
    this.touched.clear();
    this.recent = undefined;
    for (const { key, value } of this.table.entries()) {
      const [session, runId] = key as [string, string];
      const claim: Claim = { session, runId, jobIds: new Set(), isStored: true, hasGrown: false };
      for (const jobId of jobIdsOf(value, session)) this.restore(claim, read(jobId));
      // An entry without runs is only met when their records could not be read; the next commit removes it.
      if (claim.jobIds.size === 0) this.touched.add(claim);
    }
  }

  /** The list of a claim is not shortened when one of its runs ends: only what still executes under it belongs to it. */
  private restore(claim: Claim, record: JobRecord | undefined): void {
    if (record?.status.state !== 'executing' || !isOfClaim(record, claim.session, claim.runId)) return;
    this.records.set(record.jobId, record);
    claim.jobIds.add(record.jobId);
    this.claims.set(claimIdOf(record), claim);
  }

  private enter(record: JobRecord): void {
    const claim = this.claimOf(record) ?? newClaim(record);
    if (claim.jobIds.size === 0) this.claims.set(claimIdOf(record), claim);
    this.recent = claim;
    claim.jobIds.add(record.jobId);
    claim.hasGrown = true;
    this.touched.add(claim);
  }

  private leave(record: JobRecord): void {
    this.records.delete(record.jobId);
    const claim = this.claimOf(record);
    if (!claim) return;
    this.recent = claim;
    claim.jobIds.delete(record.jobId);
    if (claim.jobIds.size > 0) return;
    this.recent = undefined;
    this.claims.delete(claimIdOf(record));
    this.touched.add(claim);
  }

  private claimOf(record: JobRecord): Claim | undefined {
    const { recent } = this;
    return recent && isOfClaim(record, recent.session, recent.runId) ? recent : this.claims.get(claimIdOf(record));
  }
}

const claimIdOf = ({ status }: JobRecord): string => `${status.session ?? ''} ${status.runId ?? ''}`;

function isOfClaim({ status }: JobRecord, session: string, runId: string): boolean {
  return (status.runId ?? '') === runId && (status.session ?? '') === session;
}

function newClaim({ status }: JobRecord): Claim {
  return {
    session: status.session ?? '',
    runId: status.runId ?? '',
    jobIds: new Set(),
    isStored: false,
    hasGrown: false,
  };
}

function byClaimTime(a: JobRecord, b: JobRecord): number {
  const order = (a.status.claimedAt ?? 0) - (b.status.claimedAt ?? 0);
  return order || (a.jobId < b.jobId ? -1 : a.jobId > b.jobId ? 1 : 0);
}

function jobIdsOf(value: string, session: string): string[] {
  try {
    return JSON.parse(value) as string[];
  } catch (cause) {
    const text = `The store's entry of a batch claimed by session ${session} cannot be read. Run the doctor on the store.`;
    throw new LtsError('LTS_STORE_CORRUPT', text, { cause });
  }
}
