/**
 * One life of this TaskTracker at its trackers. While the session's lease is renewed, its runs are its own; when it could not be
 * renewed in time, by the monotonic clock, the worker stops trusting it before the tracker does, and begins a new one.
 *
 *   starting -> alive -> lost (lease over, or refused) -> starting ...
 */

import { ask } from '../cluster/ask.js';
import { Duty } from '../cluster/duty.js';
import { LtsError } from '../errors.js';
import { limits } from '../protocol/limits.js';
import type { SessionAnswer } from '../protocol/messages.js';
import type { WorkerParts } from './worker-ports.js';

export interface SessionParts {
  /** Every runId received and not yet acknowledged. */
  readonly heldRunIds: () => readonly string[];
  readonly onAlive: () => void;
  readonly onLost: () => void;
}

const everyMs = 1_000;
const formerMax = 10;

export class WorkerSession {
  private current: string;
  /** Sessions given up here that the tracker may still serve; it hears of them with the next beginning. */
  private former: string[] = [];
  private isAliveNow = false;
  private trustedUntilMono = 0;
  private renewedMono = 0;
  private readonly duty: Duty;

  constructor(
    private readonly parts: WorkerParts,
    private readonly own: SessionParts,
  ) {
    this.current = this.newId();
    const { clock, log } = parts.ports;
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

  /** Tries once to begin; if no tracker answers, the duty goes on trying. */
  async start(): Promise<void> {
    await this.begin();
    this.duty.start();
  }

  async stop(): Promise<void> {
    await this.duty.stop();
    const wasAlive = this.isAliveNow;
    this.isAliveNow = false;
    if (wasAlive) await this.ask('EndSession').catch(() => undefined);
  }

  /** The tracker refused this session: it is dead there. */
  lose(): void {
    if (!this.isAliveNow) return;
    this.isAliveNow = false;
    this.former = [...this.former, this.current].slice(-formerMax);
    this.parts.ports.log.warn({ session: this.current }, 'the session was lost; a new one begins');
    this.current = this.newId();
    this.own.onLost();
  }

  private async tick(): Promise<void> {
    const now = this.parts.ports.clock.monoMs();
    if (this.isAliveNow && now > this.trustedUntilMono) this.lose();
    if (!this.isAliveNow) return this.begin();
    if (now - this.renewedMono >= limits.renewEveryMs) await this.renew(now);
  }

  private async begin(): Promise<void> {
    const { nodeGroup, identity, workThreads } = this.parts.settings;
    const processors = this.parts.ports.runners.ids().map(({ id }) => id);
    const sentMono = this.parts.ports.clock.monoMs();
    const replaces = this.former;
    const runIds = this.own.heldRunIds();
    const body = { session: this.current, identity, nodeGroup, workThreads, processors, replaces, runIds };
    try {
      const { answer } = await ask(this.parts.ports.transport, this.to(), { kind: 'StartSession', body });
      if (answer === 'refused') {
        this.current = this.newId();
        return;
      }
    } catch (error) {
      if (LtsError.is(error)) return;
      throw error;
    }
    this.former = this.former.filter((id) => !replaces.includes(id));
    this.trust(sentMono);
    this.isAliveNow = true;
    this.own.onAlive();
  }

  private async renew(sentMono: number): Promise<void> {
    const session = this.current;
    try {
      const { answer } = await this.ask('RenewSession');
      if (session !== this.current) return;
      if (answer === 'refused') return this.lose();
      const wasAlive = this.isAlive;
      this.trust(sentMono);
      // The lease was renewed in the last moment: what stood back meanwhile goes on.
      if (!wasAlive) this.own.onAlive();
    } catch (error) {
      if (!LtsError.is(error)) throw error;
    }
  }

  /** From the sending on: the tracker's lease began later than that. */
  private trust(sentMono: number): void {
    this.renewedMono = sentMono;
    this.trustedUntilMono = sentMono + this.parts.settings.leaseMs - limits.leaseMarginMs;
  }

  private ask(kind: 'RenewSession' | 'EndSession'): Promise<SessionAnswer> {
    const body = { session: this.current, runIds: this.own.heldRunIds() };
    return ask<'RenewSession' | 'EndSession'>(this.parts.ports.transport, this.to(), { kind, body });
  }

  private to() {
    return { subject: this.parts.subjects.tracker, deadlineMs: limits.renewEveryMs - 1_000 };
  }

  private newId(): string {
    return `${this.parts.settings.identity}-${this.parts.ports.ids.random().slice(0, 16)}`;
  }
}
