/**
 * The sessions this tracker serves: their leases, and which runs each one holds. A session is `identity-epoch`, one life of a
 * TaskTracker; its lease, not the single run, is what gets renewed, so renewing costs nothing per job.
 */
import type { JobRecord } from '../job/job.js';
import { isSuspect } from '../job/job.js';
import { limits } from '../protocol/limits.js';
import type { SessionInfo } from '../protocol/messages.js';
import type { WriteObserver } from './records/writes.js';
import type { TrackerParts } from './tracker-ports.js';

/** One claimed batch: its jobs not yet settled, and when its worker last said that it has it. */
export interface Claim {
  readonly jobIds: Set<string>;
  namedMono: number;
}

/** Given-up sessions remembered: far more than begin within the life of a delayed message. */
const givenUpMax = 10_000;

export class Session {
  leaseUntilMono = 0;
  /** Marked dead: its runs are given back, and nothing of it is accepted any more. */
  isDead = false;
  /** Its process has begun another session: it gets nothing new; what it still runs ends by report or with the lease. */
  isReplaced = false;
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

  constructor(public info: SessionInfo) {}

  /** May be sent jobs. */
  get isServed(): boolean {
    return !this.isDead && !this.isReplaced;
  }

  get id(): string {
    return this.info.session;
  }

  get nodeGroup(): string {
    return this.info.nodeGroup;
  }
}

interface Holder {
  readonly session: Session;
  readonly runId: string;
  readonly rev: number;
}

export class Sessions implements WriteObserver {
  private readonly alive = new Map<string, Session>();
  private readonly givenUp = new Set<string>();
  private readonly holders = new Map<string, Holder>();

  constructor(private readonly parts: TrackerParts) {}

  /** Begins a session, or restores one found in the store, with one full lease. Undefined for one that was given up. */
  begin(info: SessionInfo): Session | undefined {
    if (this.givenUp.has(info.session)) return undefined;
    const session = this.alive.get(info.session) ?? new Session(info);
    session.info = info;
    this.alive.set(info.session, session);
    session.leaseUntilMono = this.parts.ports.clock.monoMs() + this.parts.settings.leaseMs;
    return session;
  }

  /** Its process has no more use for it: a late message must not begin it again. Answers the session if it is served here. */
  giveUp(id: string): Session | undefined {
    this.givenUp.add(id);
    const [oldest] = this.givenUp;
    if (this.givenUp.size > givenUpMax && oldest !== undefined) this.givenUp.delete(oldest);
    return this.alive.get(id);
  }

  find(id: string): Session | undefined {
    return this.alive.get(id);
  }

  all(): Iterable<Session> {
    return this.alive.values();
  }

  ofGroup(nodeGroup: string): Session[] {
    return [...this.alive.values()].filter((session) => session.nodeGroup === nodeGroup);
  }

  /** Extends the lease and notes the named runs; false for a dead or unknown session. */
  renew(id: string, runIds: readonly string[]): boolean {
    const session = this.alive.get(id);
    if (!session || session.isReplaced) return false;
    const now = this.parts.ports.clock.monoMs();
    session.leaseUntilMono = now + this.parts.settings.leaseMs;
    session.unheard = 0;
    this.note(session, runIds);
    // Runs that go on from a session which this one replaced are in good hands too.
    for (const other of this.alive.values()) {
      if (!other.isReplaced || other.info.identity !== session.info.identity) continue;
      if (this.note(other, runIds)) other.leaseUntilMono = session.leaseUntilMono;
    }
    return true;
  }

  /** Notes which claims of a session were named; false if none of them was. */
  private note(session: Session, runIds: readonly string[]): boolean {
    const now = this.parts.ports.clock.monoMs();
    const named = runIds.flatMap((runId) => session.claims.get(runId) ?? []);
    for (const claim of named) claim.namedMono = now;
    return named.length > 0;
  }

  /** From now on the session is unknown here, which every caller treats as dead. */
  end(session: Session): void {
    session.isDead = true;
    this.giveUp(session.id);
    this.alive.delete(session.id);
    for (const claim of session.claims.values()) for (const jobId of claim.jobIds) this.holders.delete(jobId);
  }

  /** The session that holds this job's current run. */
  holderOf(jobId: string): Session | undefined {
    return this.holders.get(jobId)?.session;
  }

  /** Runs that their worker did not name for ten seconds: it may never have got them. */
  unnamedRuns(session: Session): string[] {
    const before = this.parts.ports.clock.monoMs() - limits.claimUnnamedMs;
    return [...session.claims].filter(([, claim]) => claim.namedMono < before).map(([runId]) => runId);
  }

  written(record: JobRecord): void {
    const { state, session: sessionId, runId, rev } = record.status;
    const holder = this.holders.get(record.jobId);
    // Answers of the store may overtake each other.
    if (holder && rev < holder.rev) return;
    if (holder && (state !== 'executing' || holder.runId !== runId)) this.release(record.jobId, holder);
    if (state !== 'executing' || !sessionId || !runId) return;
    const session = this.alive.get(sessionId);
    if (session && holder?.runId !== runId) this.hold(record, session, runId);
    if (record.status.cancelAskedAt !== undefined) session?.cancels.set(record.jobId, runId);
  }

  private hold(record: JobRecord, session: Session, runId: string): void {
    let claim = session.claims.get(runId);
    if (!claim) {
      claim = { jobIds: new Set(), namedMono: this.parts.ports.clock.monoMs() };
      session.claims.set(runId, claim);
    }
    claim.jobIds.add(record.jobId);
    session.held++;
    if (isSuspect(record)) session.suspects.add(record.jobId);
    if (record.status.isAlone) session.aloneJobId = record.jobId;
    this.holders.set(record.jobId, { session, runId, rev: record.status.rev });
  }

  private release(jobId: string, { session, runId }: Holder): void {
    this.holders.delete(jobId);
    const claim = session.claims.get(runId);
    if (!claim?.jobIds.delete(jobId)) return;
    if (claim.jobIds.size === 0) session.claims.delete(runId);
    session.held--;
    session.suspects.delete(jobId);
    session.cancels.delete(jobId);
    if (session.aloneJobId === jobId) session.aloneJobId = undefined;
  }
}
