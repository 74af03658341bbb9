/** One session as the tracker that serves it knows it: how long it may be sent jobs, and which runs it holds. */
import type { JobRecord } from '../../job/job.js';
import { isSuspect } from '../../job/job.js';
import type { Lease } from '../../ports/leases.js';
import { limits } from '../../protocol/limits.js';
import type { SessionInfo } from '../../protocol/messages.js';
import type { TrackerParts } from '../tracker-ports.js';

/** One claimed batch: its jobs not yet settled, and when its worker last said that it has it. */
interface Claim {
  readonly jobIds: Set<string>;
  namedMono: number;
}

/** Who holds a job's current run. */
export interface Holder {
  readonly session: Session;
  readonly runId: string;
  readonly rev: number;
}

export class Session {
  leaseUntilMono = 0;
  /** Of its record, as last seen: what stands still may be killed. */
  beats = 0;
  /** Dead, or served elsewhere: nothing of it is accepted here any more. */
  isOver = false;
  /** Its process has begun another session: it gets nothing new; what it still runs ends by report or with the lease. */
  isReplaced = false;
  /** What it holds in the store may be more than is known here: when that is looked at (again). Until then it gets no suspect. */
  comparesAgainMono: number | undefined;
  /** A claim that may have brought a suspect got no answer: until the store was looked at, it gets nothing at all. */
  isInDoubt = false;
  /** Probes in a row that found nobody listening, and when the first of them was. */
  unheard = 0;
  unheardSinceMono = 0;
  /** Counts the times it withdrew its pulls: one that was on its way then is not parked any more. */
  withdrawals = 0;
  readonly claims = new Map<string, Claim>();
  /** Runs held, suspects among them, and the one that must be alone. */
  held = 0;
  readonly suspects = new Set<string>();
  aloneJobId: string | undefined;
  /** Runs whose cancel was asked and that may not know it yet: jobId -> runId. */
  readonly cancels = new Map<string, string>();
  /** Claims for it that are not yet committed, and whether one of them may bring a suspect. */
  claimsUnderWay = 0;
  seeks: 'none' | 'one' | 'alone' = 'none';

  constructor(
    public info: SessionInfo,
    private readonly parts: Pick<TrackerParts, 'ports' | 'settings'>,
  ) {}

  /**
   * May be sent jobs: surely nobody has marked it dead, for that takes a lease without a beat. A tracker that was held up thus finds
   * by its own monotonic clock that it must not answer.
   */
  get isServed(): boolean {
    const isTrusted = this.parts.ports.clock.monoMs() < this.leaseUntilMono - this.parts.settings.leaseMs / 6;
    return isTrusted && !this.isOver && !this.isReplaced;
  }

  get id(): string {
    return this.info.session;
  }

  get nodeGroup(): string {
    return this.info.nodeGroup;
  }

  /** A claim for it failed, and may have been carried out. */
  doubt(): void {
    this.isInDoubt = true;
    this.comparesAgainMono = this.parts.ports.clock.monoMs();
  }

  /** From the sending on: whoever watches the record sees the beat later than that. */
  renewed({ beats }: Lease, sentMono: number): void {
    this.beats = Math.max(this.beats, beats);
    this.leaseUntilMono = Math.max(this.leaseUntilMono, sentMono + this.parts.settings.leaseMs);
  }

  /** Its worker has these runs; false if none of them is a claim of this session. */
  named(runIds: readonly string[]): boolean {
    const now = this.parts.ports.clock.monoMs();
    const named = runIds.flatMap((runId) => this.claims.get(runId) ?? []);
    for (const claim of named) claim.namedMono = now;
    return named.length > 0;
  }

  /** Those of its claims that are not named here are asked about at once. */
  namedOnly(runIds: readonly string[]): void {
    for (const claim of this.claims.values()) claim.namedMono = Number.NEGATIVE_INFINITY;
    this.named(runIds);
  }

  /** Runs that their worker did not name for ten seconds: it may never have got them. */
  unnamedRuns(): string[] {
    const before = this.parts.ports.clock.monoMs() - limits.claimUnnamedMs;
    return [...this.claims].filter(([, claim]) => claim.namedMono < before).map(([runId]) => runId);
  }

  hold(record: JobRecord, runId: string): void {
    let claim = this.claims.get(runId);
    if (!claim) {
      claim = { jobIds: new Set(), namedMono: this.parts.ports.clock.monoMs() };
      this.claims.set(runId, claim);
    }
    claim.jobIds.add(record.jobId);
    this.held++;
    if (isSuspect(record)) this.suspects.add(record.jobId);
    if (record.status.isAlone) this.aloneJobId = record.jobId;
  }

  release(jobId: string, runId: string): void {
    const claim = this.claims.get(runId);
    if (!claim?.jobIds.delete(jobId)) return;
    if (claim.jobIds.size === 0) this.claims.delete(runId);
    this.held--;
    this.suspects.delete(jobId);
    this.cancels.delete(jobId);
    if (this.aloneJobId === jobId) this.aloneJobId = undefined;
  }
}
