/**
 * Rescue: finds sessions whose process is gone or silent, marks them dead, and gives their runs back.
 *
 *   gone      probes find nobody listening, three times over at least two seconds
 *   silent    the lease ended without a renewal
 *   missed    a claim that its worker does not name for ten seconds, and then says it does not hold
 *
 * Here are the sessions that this tracker serves; survey.ts looks after all others. A tracker that was itself late or cut off (absence.ts)
 * judges nobody until one full lease later: a blocked event loop or a reset socket is never mistaken for a death.
 */

import { Duty } from '../../cluster/duty.js';
import { until } from '../../cluster/within.js';
import type { Lease } from '../../ports/leases.js';
import { limits } from '../../protocol/limits.js';
import type { Dispatch } from '../dispatch.js';
import type { Session } from '../sessions/session.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Settle } from '../settle.js';
import type { TrackerParts } from '../tracker-ports.js';
import { Absence, type AbsenceParts } from './absence.js';
import { Fallen } from './fallen.js';
import { Grace } from './grace.js';
import { Hearing } from './hearing.js';
import { Survey } from './survey.js';

const everyMs = 1_000;
const claimWithinMs = 5_000;
/** By then the pulls that another tracker had parked for a session are over, and what it had claimed is stored. */
const strayClaimsMs = limits.pullWaitMs + claimWithinMs;

export class Rescue {
  private readonly duty: Duty;
  private readonly grace: Grace;
  private readonly absence: Absence;
  private readonly hearing: Hearing;
  private readonly fallen: Fallen;
  private readonly survey: Survey;
  /** Sessions found in the store at start. */
  private restored: readonly Lease[] = [];

  constructor(
    private readonly parts: TrackerParts,
    private readonly sessions: Sessions,
    private readonly dispatch: Dispatch,
    settle: Settle,
    judgeMissed: AbsenceParts['judgeMissed'],
  ) {
    const { clock, log } = parts.ports;
    this.grace = new Grace(parts);
    this.absence = new Absence(parts, { grace: this.grace, dispatch, judgeMissed });
    this.hearing = new Hearing(parts);
    this.fallen = new Fallen(parts, settle);
    const { grace, hearing, fallen } = this;
    this.survey = new Survey(parts, { sessions, grace, hearing, fallen });
    this.duty = new Duty({ name: 'watch over sessions', everyMs, clock, log, run: () => this.tick() });
  }

  /** Sessions that the store knows get one full lease to show up. */
  async start(): Promise<void> {
    this.restored = await this.survey.adopt();
    this.absence.start();
    this.duty.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.absence.stop(), this.duty.stop()]);
  }

  /** The sessions found in the store at start belong to a dead process: they end at once. */
  async rescueRestored(): Promise<void> {
    for (const lease of this.restored) await this.fallen.end(lease, 'its process is gone');
  }

  /** Drops it with its parked pulls in the same tick, marks it dead unless it has beaten meanwhile, then gives its runs back. */
  async end(session: Session, why: string): Promise<void> {
    const { id, beats } = session;
    this.sessions.drop(session);
    this.dispatch.drop(session);
    const seen = { session: id, tracker: this.parts.settings.identity, beats };
    await this.fallen.end(seen, why, async () => {
      this.sessions.giveUp(id);
      // Claims that are being committed for it are given back uncounted, by whoever made them.
      await until(this.parts.ports.clock, claimWithinMs, () => session.claimsUnderWay === 0);
    });
  }

  /** Its process went on with another session; claims that it does not name never reached it and go back uncounted. */
  async replace(id: string, runIds: readonly string[]): Promise<Session | undefined> {
    const session = this.sessions.giveUp(id) ?? (await this.sessions.takeOver(id));
    if (!session) return undefined;
    session.isReplaced = true;
    this.dispatch.drop(session);
    await this.compare(session);
    const received = new Set(runIds);
    await this.fallen.giveBack(
      session,
      [...session.claims.keys()].filter((runId) => !received.has(runId)),
    );
    return session;
  }

  /**
   * The session ends by its own will: claims that it does not name never reached it and go back uncounted. Results of those it
   * names may still come, until its lease ends.
   */
  async leave(id: string, runIds: readonly string[]): Promise<void> {
    const session = await this.replace(id, runIds);
    if (session?.held === 0) await this.end(session, 'it left');
  }

  /** The session was served elsewhere, or here before a restart: what it holds stands in the store, what it got it says itself. */
  async takeOver(id: string, runIds: readonly string[]): Promise<void> {
    const session = this.sessions.find(id);
    if (!session) return;
    if (!this.parts.isAlone) session.comparesAgainMono = this.parts.ports.clock.monoMs() + strayClaimsMs;
    await this.compare(session);
    session.namedOnly(runIds);
  }

  /** Executing records of sessions that no record knows get one; claims whose commit was answered with an error are found. */
  async sweep(): Promise<void> {
    await this.survey.adopt();
    for (const session of this.sessions.all()) await this.compare(session);
  }

  /** Claims that are not known here are asked about from now on. */
  private async compare(session: Session): Promise<void> {
    for (const run of await this.parts.ports.queue.runsOf(session.id)) this.sessions.written(run);
  }

  private async tick(): Promise<void> {
    const { clock, log } = this.parts.ports;
    this.absence.notice();
    const sessions = [...this.sessions.all()].map((session) => this.watch(session, clock.monoMs()));
    const own = Promise.allSettled([...sessions, ...this.fallen.goOn()]);
    // One that fails must not keep the others from being watched.
    for (const done of (await Promise.all([own, this.survey.tick()])).flat()) {
      if (done.status === 'rejected')
        log.warn({ error: done.reason }, 'a session could not be served; it is tried again');
    }
  }

  private async watch(session: Session, now: number): Promise<void> {
    if (session.leaseUntilMono < now && !this.grace.isOn) return this.end(session, 'its lease was not renewed');
    if ((session.comparesAgainMono ?? Number.POSITIVE_INFINITY) <= now) await this.compareAgain(session);
    // Nobody listens for a replaced session; what its worker took along may come until the lease ends.
    if (session.held === 0 || session.isReplaced) return;
    const isGone = await this.hearing.isGone(session.id, session);
    if (session.isOver) return;
    if (isGone) return this.grace.isOn ? undefined : this.end(session, 'nobody listens for it any more');
    // Only the answer `not held` gives a claim back.
    await this.fallen.giveBack(session, await this.hearing.notHeld(session, session.unnamedRuns()));
    await this.hearing.tellCancels(session, (jobId) => this.sessions.holderOf(jobId) === session);
  }

  private async compareAgain(session: Session): Promise<void> {
    await this.compare(session);
    session.comparesAgainMono = undefined;
    session.isInDoubt = false;
    this.dispatch.wakeFor(session);
  }
}
