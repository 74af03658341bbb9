/**
 * One life of this TaskTracker at its trackers, one of which serves it at a time. While the session's lease is renewed, its runs are its own; when it could not be
 * renewed in time, by the monotonic clock, the worker stops trusting it before the tracker does, and begins a new one.
 *
 *   starting -> alive -> lost (lease over, or refused) -> starting ...
 *                alive and served <-> alive and moving: its tracker is gone or silent, another one goes on with the same session
 */

import { ask } from '../cluster/ask.js';
import { Duty } from '../cluster/duty.js';
import { LtsError } from '../errors.js';
import { Outage } from '../kit/outage.js';
import { limits } from '../protocol/limits.js';
import type { SessionAnswer } from '../protocol/messages.js';
import type { WorkerParts } from './worker-ports.js';

export interface SessionParts {
  /** Every runId received and not yet acknowledged. */
  readonly heldRunIds: () => readonly string[];
  readonly onAlive: () => void;
  readonly onLost: () => void;
  /** No tracker serves it for the moment; its runs go on. */
  readonly onMoving: () => void;
}

const everyMs = 1_000;
const formerMax = 10;
/** Short enough for several tries within a lease. */
const answerWithinMs = 3_000;
/** A JobTracker that restarts, or its successor, is there by then. */
const quietMs = 3_000;
const away = (why: string): string =>
  `No JobTracker serves this node (${why}). It gets no jobs; what runs goes on until the lease is over (lease-lost), and its results are kept. It is tried again every second. Start a JobTracker, or see why it cannot`;
/** Renewals in a row without an answer before another tracker is asked. */
const unansweredMax = 2;

export class WorkerSession {
  private current: string;
  /** Sessions given up here that the tracker may still serve; it hears of them with the next beginning. */
  private former: string[] = [];
  private isAliveNow = false;
  /** The tracker that serves it; none while it moves. */
  private servedBy: string | undefined;
  private moves = 0;
  private unanswered = 0;
  private trustedUntilMono = 0;
  private renewedMono = 0;
  private readonly duty: Duty;
  private readonly outage: Outage;

  constructor(
    private readonly parts: WorkerParts,
    private readonly own: SessionParts,
  ) {
    this.current = this.newId();
    const { clock, log } = parts.ports;
    this.outage = new Outage({ clock, log, quietMs, away, back: 'a JobTracker serves this node again' });
    this.duty = new Duty({ name: 'session', everyMs, clock, log, run: () => this.tick() });
  }

  /** `identity-epoch`; changes with each new session. */
  get id(): string {
    return this.current;
  }

  /** Also false in the moment after a freeze, before the duty has had its turn: what comes now is another's to run. */
  get isAlive(): boolean {
    return this.isAliveNow && this.parts.ports.clock.monoMs() <= this.trustedUntilMono;
  }

  /** May ask its tracker for jobs. */
  get isServed(): boolean {
    return this.isAlive && this.servedBy !== undefined;
  }

  /** Where its requests go: to the tracker that serves it, or to any. */
  get subject(): string {
    return this.servedBy ?? this.parts.subjects.runs;
  }

  /** Its tracker is gone, or does not serve it any more: another one is asked to, and its runs go on. */
  move(): void {
    if (this.servedBy === undefined) return;
    this.parts.ports.log.info({ session: this.current }, 'the session moves to another tracker');
    this.servedBy = undefined;
    this.own.onMoving();
  }

  /** Tries once to begin; if no tracker answers, the duty goes on trying. */
  async start(): Promise<void> {
    await this.begin();
    this.duty.start();
  }

  async stop(): Promise<void> {
    await this.duty.stop();
    const wasAlive = this.isAliveNow;
    this.isAliveNow = false;
    if (wasAlive) await this.goodbye();
  }

  /** The tracker refused this session: it is dead there. */
  lose(): void {
    if (!this.isAliveNow) return;
    this.isAliveNow = false;
    this.former = [...this.former, this.current].slice(-formerMax);
    this.parts.ports.log.warn({ session: this.current }, 'the session was lost; a new one begins');
    this.current = this.newId();
    this.servedBy = undefined;
    this.own.onLost();
  }

  /** Any tracker takes it, if the one that serves it is not there. */
  private async goodbye(): Promise<void> {
    for (const subject of new Set([this.subject, this.parts.subjects.runs])) {
      const isHeard = await this.ask('EndSession', subject).then(
        () => true,
        () => false,
      );
      if (isHeard) return;
    }
  }

  private async tick(): Promise<void> {
    const now = this.parts.ports.clock.monoMs();
    if (this.isAliveNow && now > this.trustedUntilMono) this.lose();
    if (!this.isAliveNow || this.servedBy === undefined) return this.begin();
    if (now - this.renewedMono >= limits.renewEveryMs) await this.renew(now);
  }

  /** A new session, or the same one at another tracker. */
  private async begin(): Promise<void> {
    const session = this.current;
    const moves = ++this.moves;
    const { nodeGroup, identity, workThreads } = this.parts.settings;
    const processors = this.parts.ports.runners.ids().map(({ id }) => id);
    const sentMono = this.parts.ports.clock.monoMs();
    const replaces = this.former;
    const runIds = this.own.heldRunIds();
    const body = { session, identity, nodeGroup, workThreads, processors, replaces, runIds, moves };
    try {
      const to = this.to(this.parts.subjects.runs);
      const { answer, tracker } = await ask(this.parts.ports.transport, to, { kind: 'StartSession', body });
      if (session !== this.current || answer === 'elsewhere') return;
      if (answer === 'refused') return this.beRefused();
      this.servedBy = this.parts.subjects.runsOf(tracker);
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      // While the node itself is cut off, that is told where it is met.
      if (this.parts.ports.transport.isUp()) this.outage.met(error.message);
      return;
    }
    this.outage.over();
    this.former = this.former.filter((id) => !replaces.includes(id));
    this.trust(sentMono);
    this.isAliveNow = true;
    this.own.onAlive();
  }

  private beRefused(): void {
    if (this.isAliveNow) this.lose();
    else this.current = this.newId();
  }

  private async renew(sentMono: number): Promise<void> {
    const session = this.current;
    try {
      const { answer } = await this.ask('RenewSession');
      if (session !== this.current) return;
      if (answer === 'refused') return this.lose();
      if (answer === 'elsewhere') return this.move();
      const wasAlive = this.isAlive;
      this.trust(sentMono);
      // The lease was renewed in the last moment: what stood back meanwhile goes on.
      if (!wasAlive) this.own.onAlive();
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      if (session !== this.current) return;
      if (error.code === 'LTS_NO_TRACKER' || ++this.unanswered >= unansweredMax) this.move();
    }
  }

  /** From the sending on: the tracker's lease began later than that. */
  private trust(sentMono: number): void {
    this.renewedMono = sentMono;
    this.unanswered = 0;
    this.trustedUntilMono = sentMono + this.parts.settings.leaseMs - limits.leaseMarginMs;
  }

  private ask(kind: 'RenewSession' | 'EndSession', subject = this.subject): Promise<SessionAnswer> {
    const body = { session: this.current, runIds: this.own.heldRunIds() };
    return ask<'RenewSession' | 'EndSession'>(this.parts.ports.transport, this.to(subject), { kind, body });
  }

  private to(subject: string) {
    return { subject, deadlineMs: answerWithinMs };
  }

  private newId(): string {
    this.moves = 0;
    return `${this.parts.settings.identity}-${this.parts.ports.ids.random().slice(0, 16)}`;
  }
}
