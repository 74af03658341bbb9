/**
 * Rescue: finds sessions whose process is gone or silent, marks them dead, and gives their runs back.
 *
 *   gone      probes find nobody listening, three times over at least two seconds
 *   silent    the lease ended without a renewal
 *   missed    a claim that its worker does not name for ten seconds, and then says it does not hold
 *
 * A tracker that was itself late or cut off judges nobody until one full lease later: a blocked event loop or a reset socket is
 * never mistaken for a death.
 */

import { ask } from '../cluster/ask.js';
import { Duty } from '../cluster/duty.js';
import { until } from '../cluster/within.js';
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import type { Dispatch } from './dispatch.js';
import type { Session, Sessions } from './sessions.js';
import type { Settle } from './settle.js';
import type { TrackerParts } from './tracker-ports.js';

const everyMs = 1_000;
/** A tick this late means that the tracker itself was held up. */
const lateMs = 2_000;
const probesMin = 3;
/** Two seconds, less what timers and answers may jitter: else about every second death waits for a fourth probe (seen: 4.1 s). */
const probesOverMs = 1_900;
const answerWithinMs = 900;
const cancelsPerTickMax = 100;
const claimWithinMs = 5_000;

export class Rescue {
  private readonly duty: Duty;
  private readonly restored: Session[] = [];
  /** Dead sessions whose runs are not all given back yet. */
  private readonly unfinished = new Set<string>();
  private readonly pulse: Duty;
  private lastPulseMono = 0;
  private graceUntilMono = 0;

  constructor(
    private readonly parts: TrackerParts,
    private readonly sessions: Sessions,
    private readonly dispatch: Dispatch,
    private readonly settle: Settle,
    /** Told after the tracker itself was held up. */
    private readonly onLate: () => Promise<void>,
  ) {
    const { clock, log } = parts.ports;
    this.duty = new Duty({ name: 'watch over sessions', everyMs, clock, log, run: () => this.tick() });
    this.pulse = new Duty({ name: 'pulse', everyMs, clock, log, run: () => this.noteLateness() });
  }

  /** Sessions that the store knows get one full lease to show up. */
  async start(): Promise<void> {
    await this.restore();
    this.lastPulseMono = this.parts.ports.clock.monoMs();
    this.pulse.start();
    this.duty.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.pulse.stop(), this.duty.stop()]);
  }

  /** The sessions found in the store at start belong to a dead process: they end at once. */
  async rescueRestored(): Promise<void> {
    for (const session of this.restored) if (!session.isDead) await this.end(session, 'its process is gone');
  }

  /** Marks dead, drops its parked pulls in the same tick, then gives its runs back. */
  async end(session: Session, why: string): Promise<void> {
    const { held } = session;
    this.sessions.end(session);
    this.dispatch.drop(session);
    if (held > 0)
      this.parts.ports.log.warn({ session: session.id, runs: held }, `session ended (${why}); its runs are given back`);
    // Claims that are being committed for it are given back uncounted, by whoever made them.
    await until(this.parts.ports.clock, claimWithinMs, () => session.claimsUnderWay === 0);
    await this.rescueRuns(session.id);
  }

  /** Its process went on with another session; claims that it does not name never reached it and go back uncounted. */
  async replace(session: Session, runIds: readonly string[]): Promise<void> {
    session.isReplaced = true;
    this.dispatch.drop(session);
    await this.giveBackUnreceived(session, runIds);
  }

  /**
   * The session ends by its own will: claims that it does not name never reached it and go back uncounted. Results of those it
   * names may still come, until its lease ends.
   */
  async leave(session: Session, runIds: readonly string[]): Promise<void> {
    await this.replace(session, runIds);
    if (session.held === 0) await this.end(session, 'it left');
  }

  /** Executing records of sessions that nobody serves: dead ones, whatever interrupted their rescue. */
  async sweep(): Promise<void> {
    if (this.isHeldUp()) return;
    const { queue } = this.parts.ports;
    for (const id of await queue.sessions()) {
      if (!this.sessions.find(id)) await this.rescueRuns(id);
      // Claims whose commit was answered with an error are not known here: from now on they are asked about.
      else for (const run of await queue.runsOf(id)) this.sessions.written(run);
    }
  }

  private async restore(): Promise<void> {
    const { queue } = this.parts.ports;
    for (const id of await queue.sessions()) {
      const runs = await queue.runsOf(id);
      const nodeGroup = runs[0]?.body.nodeGroup;
      if (nodeGroup === undefined) continue;
      const session = this.sessions.begin({
        session: id,
        identity: identityOf(id),
        nodeGroup,
        workThreads: 0,
        processors: [],
      });
      if (session) this.restored.push(session);
      for (const run of runs) this.sessions.written(run);
    }
  }

  private isHeldUp(): boolean {
    return this.parts.ports.clock.monoMs() < this.graceUntilMono;
  }

  /** Measures nothing but its own coming: the work of a tick is no lateness, a pause of the process is. */
  private async noteLateness(): Promise<void> {
    const now = this.parts.ports.clock.monoMs();
    const isLate = now - this.lastPulseMono > everyMs + lateMs;
    this.lastPulseMono = now;
    if (!isLate) return;
    this.graceUntilMono = now + this.parts.settings.leaseMs;
    await this.onLate();
  }

  private async tick(): Promise<void> {
    const { clock, transport, log } = this.parts.ports;
    await this.noteLateness();
    const now = clock.monoMs();
    if (!transport.isUp()) this.graceUntilMono = now + this.parts.settings.leaseMs;
    const sessions = [...this.sessions.all()].map((session) => this.watch(session, now));
    const rescues = [...this.unfinished].map((id) => this.rescueRuns(id));
    // One that fails must not keep the others from being watched.
    for (const done of await Promise.allSettled([...sessions, ...rescues])) {
      if (done.status === 'rejected')
        log.warn({ error: done.reason }, 'a session could not be served; it is tried again');
    }
  }

  private async watch(session: Session, now: number): Promise<void> {
    if (session.leaseUntilMono < now && !this.isHeldUp()) return this.end(session, 'its lease was not renewed');
    // Nobody listens for a replaced session; what its worker took along may come until the lease ends.
    if (session.held === 0 || session.isReplaced) return;
    await this.probe(session);
    if (session.isDead) return;
    await this.askUnnamed(session);
    await this.tellCancels(session);
  }

  /** A cancel that its worker could not be told at once is told until it was. */
  private async tellCancels(session: Session): Promise<void> {
    const to = { subject: this.parts.subjects.session(session.id), deadlineMs: answerWithinMs };
    const tell = async ([jobId, runId]: [string, string]) => {
      const body = { jobId, runId };
      const { isHeld } = await ask(this.parts.ports.transport, to, { kind: 'CancelRun', body });
      session.cancels.delete(jobId);
      // Those that are not reached go to the end, so that they keep nobody from being told.
      if (!isHeld && this.sessions.holderOf(jobId) === session) session.cancels.set(jobId, runId);
    };
    await Promise.allSettled([...session.cancels].slice(0, cancelsPerTickMax).map(tell));
  }

  private async probe(session: Session): Promise<void> {
    const heard = await this.isHeard(session);
    const now = this.parts.ports.clock.monoMs();
    if (heard) {
      session.unheard = 0;
      return;
    }
    if (session.unheard++ === 0) session.unheardSinceMono = now;
    const isGone = session.unheard >= probesMin && now - session.unheardSinceMono >= probesOverMs;
    if (isGone && !this.isHeldUp() && !session.isDead) await this.end(session, 'nobody listens for it any more');
  }

  /** False only if nobody subscribes; no answer in time says nothing about life. */
  private async isHeard(session: Session): Promise<boolean> {
    const { transport } = this.parts.ports;
    const to = { subject: this.parts.subjects.session(session.id), deadlineMs: answerWithinMs };
    try {
      await ask(transport, to, { kind: 'Probe', body: { session: session.id } });
      return true;
    } catch (error) {
      return !LtsError.is(error, 'LTS_NO_TRACKER');
    }
  }

  /** Only the answer `not held`, after which the worker refuses those runs for good, gives a claim back. */
  private async askUnnamed(session: Session): Promise<void> {
    const runIds = this.sessions.unnamedRuns(session);
    if (runIds.length === 0) return;
    const to = { subject: this.parts.subjects.session(session.id), deadlineMs: answerWithinMs };
    try {
      const { notHeld } = await ask(this.parts.ports.transport, to, { kind: 'AskRuns', body: { runIds } });
      await this.giveBack(session, notHeld);
    } catch (error) {
      if (!LtsError.is(error)) throw error;
    }
  }

  private async giveBackUnreceived(session: Session, runIds: readonly string[]): Promise<void> {
    const received = new Set(runIds);
    const unreceived = [...session.claims.keys()].filter((runId) => !received.has(runId));
    await this.giveBack(session, unreceived);
  }

  private async giveBack(session: Session, runIds: readonly string[]): Promise<void> {
    const reports = runIds.flatMap((runId) =>
      [...(session.claims.get(runId)?.jobIds ?? [])].map((jobId) => ({
        jobId,
        runId,
        outcome: { kind: 'missed' } as const,
      })),
    );
    await this.settle.verdicts(reports);
  }

  /** What the store refuses now is tried again with the next tick. */
  private async rescueRuns(session: string): Promise<void> {
    this.unfinished.add(session);
    const runs = await this.parts.ports.queue.runsOf(session);
    const others = runs.length - 1;
    await this.settle.verdicts(suspectsFirst(runs).map((run) => lossOf(run, others)));
    this.unfinished.delete(session);
  }
}

/** If the rescue is interrupted, those that remain must not look as if they had been alone. */
function suspectsFirst(runs: readonly JobRecord[]): JobRecord[] {
  return [...runs].sort((a, b) => b.status.losses - a.status.losses);
}

function lossOf(run: JobRecord, others: number) {
  return { jobId: run.jobId, runId: run.status.runId ?? '', outcome: { kind: 'lost', others } as const };
}

const identityOf = (session: string): string => session.slice(0, Math.max(0, session.lastIndexOf('-')));
