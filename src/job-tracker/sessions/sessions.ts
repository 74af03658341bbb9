/**
 * The sessions this tracker serves: their leases, and which runs each one holds. A session is `identity-epoch`, one life of a
 * TaskTracker; its lease, not the single run, is what gets renewed, so renewing costs nothing per job.
 */
import type { JobRecord } from '../../job/job.js';
import { Batcher } from '../../kit/batcher.js';
import type { Lease } from '../../ports/leases.js';
import { limits } from '../../protocol/limits.js';
import type { SessionAnswer, SessionInfo } from '../../protocol/messages.js';
import type { WriteObserver } from '../records/writes.js';
import type { TrackerParts } from '../tracker-ports.js';
import { type Holder, Session } from './session.js';

/** Given-up sessions remembered: far more than begin within the life of a delayed message. */
const givenUpMax = 10_000;
const renewalsMax = 100_000;

type Answer = SessionAnswer['answer'];

export class Sessions implements WriteObserver {
  private readonly served = new Map<string, Session>();
  private readonly givenUp = new Set<string>();
  private readonly holders = new Map<string, Holder>();
  private readonly renewals: Batcher<Session, Answer>;
  /** Told of sessions that were taken from here; their parked pulls are to be dropped in the same tick. */
  onLost: ((session: Session) => void) | undefined;

  constructor(private readonly parts: TrackerParts) {
    this.renewals = new Batcher({
      name: 'renewals of sessions',
      batchItemsMax: limits.batchJobsMax,
      queuedItemsMax: renewalsMax,
      endOfTurn: () => parts.ports.clock.endOfTurn(),
      send: (sessions) => this.renewAll(sessions),
    });
  }

  /**
   * Begins a session, or goes on with one that was served elsewhere or before a restart, with one full lease. `refused` for one that
   * is dead or was given up, `elsewhere` where a later beginning came first.
   */
  async begin(info: SessionInfo, moves: number): Promise<Answer> {
    if (this.givenUp.has(info.session)) return 'refused';
    const { clock, leases } = this.parts.ports;
    const sentMono = clock.monoMs();
    const { identity } = this.parts.settings;
    const lease = await leases.begin({ ...info, tracker: identity, moves });
    if (lease?.state !== 'alive') this.giveUp(info.session);
    if (!lease || this.givenUp.has(info.session)) return 'refused';
    if (lease.tracker !== identity || lease.moves !== moves) return 'elsewhere';
    this.serve(lease, sentMono);
    return 'ok';
  }

  /** Takes over a session that its worker has given up, wherever it was served. */
  async takeOver(id: string): Promise<Session | undefined> {
    const { clock, leases } = this.parts.ports;
    const sentMono = clock.monoMs();
    const lease = (await leases.list()).find(({ session }) => session === id);
    if (lease?.state !== 'alive') return undefined;
    const { identity } = this.parts.settings;
    const { beats: _, state: __, fallen: ___, ...rest } = lease;
    const taken = await leases.begin({ ...rest, tracker: identity, moves: lease.moves + 1 });
    if (taken?.state !== 'alive' || taken.tracker !== identity) return undefined;
    return this.serve(taken, sentMono);
  }

  private serve(lease: Lease, sentMono: number): Session {
    const { beats: _, state: __, fallen: ___, tracker: ____, moves: _____, ...info } = lease;
    const session = this.served.get(info.session) ?? new Session(info, this.parts);
    session.info = info;
    this.served.set(info.session, session);
    session.renewed(lease, sentMono);
    return session;
  }

  /** Its process has no more use for it: a late message must not begin it again. Answers the session if it is served here. */
  giveUp(id: string): Session | undefined {
    this.givenUp.add(id);
    const [oldest] = this.givenUp;
    if (this.givenUp.size > givenUpMax && oldest !== undefined) this.givenUp.delete(oldest);
    return this.served.get(id);
  }

  find(id: string): Session | undefined {
    return this.served.get(id);
  }

  /** What a session is told that is not served here. */
  absent(id: string): Answer {
    return this.givenUp.has(id) ? 'refused' : 'elsewhere';
  }

  all(): Iterable<Session> {
    return this.served.values();
  }

  ofGroup(nodeGroup: string): Session[] {
    return [...this.served.values()].filter((session) => session.nodeGroup === nodeGroup);
  }

  /** Extends the lease, in the store too, and notes the named runs. */
  async renew(id: string, runIds: readonly string[]): Promise<Answer> {
    const session = this.served.get(id);
    if (!session || session.isReplaced) return this.absent(id);
    const answer = await this.renewals.add(session);
    if (answer !== 'ok') return answer;
    session.unheard = 0;
    session.named(runIds);
    // Runs that go on from a session which this one replaced are in good hands too.
    for (const other of this.served.values()) {
      if (!other.isReplaced || other.info.identity !== session.info.identity || !other.named(runIds)) continue;
      this.renewals.add(other).catch((error) => this.logRenewal(other, error));
    }
    return 'ok';
  }

  private logRenewal({ id }: Session, error: unknown): void {
    this.parts.ports.log.warn({ session: id, error }, 'the lease of a replaced session could not be renewed');
  }

  private async renewAll(sessions: readonly Session[]): Promise<Answer[]> {
    const { clock, leases } = this.parts.ports;
    const sentMono = clock.monoMs();
    const { identity } = this.parts.settings;
    const found = await leases.renew(
      identity,
      sessions.map(({ id }) => id),
    );
    return sessions.map((session, i) => {
      const lease = found[i];
      if (session.isOver) return this.absent(session.id);
      if (lease?.state === 'alive' && lease.tracker === identity) {
        session.renewed(lease, sentMono);
        return 'ok';
      }
      this.lose(session, lease ?? { state: 'alive' });
      return this.absent(session.id);
    });
  }

  /** The store says that a session is dead, or another tracker's. */
  lose(session: Session, { state }: Pick<Lease, 'state'>): void {
    if (state === 'dead') this.end(session);
    else this.drop(session);
    this.onLost?.(session);
  }

  /** From now on the session is served elsewhere, or by nobody until its worker begins it again. */
  drop(session: Session): void {
    session.isOver = true;
    if (this.served.get(session.id) === session) this.served.delete(session.id);
    for (const claim of session.claims.values()) for (const jobId of claim.jobIds) this.holders.delete(jobId);
  }

  /** The session is dead. */
  end(session: Session): void {
    this.giveUp(session.id);
    this.drop(session);
  }

  /** The session that holds this job's current run, if it is served here. */
  holderOf(jobId: string): Session | undefined {
    return this.holders.get(jobId)?.session;
  }

  written(record: JobRecord): void {
    const { state, session: sessionId, runId, rev } = record.status;
    const holder = this.holders.get(record.jobId);
    // Answers of the store may overtake each other.
    if (holder && rev < holder.rev) return;
    if (holder && (state !== 'executing' || holder.runId !== runId)) this.release(record.jobId, holder);
    if (state !== 'executing' || !sessionId || !runId) return;
    const session = this.served.get(sessionId);
    if (session && holder?.runId !== runId) {
      session.hold(record, runId);
      this.holders.set(record.jobId, { session, runId, rev });
    }
    if (record.status.cancelAskedAt !== undefined) session?.cancels.set(record.jobId, runId);
  }

  private release(jobId: string, { session, runId }: Holder): void {
    this.holders.delete(jobId);
    session.release(jobId, runId);
  }
}
