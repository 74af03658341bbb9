/**
 * Receive: keeps up to two pulls open at the tracker, which together offer the free slots, so that while one is answered and on
 * its way the other still waits there. A reply that comes after its pull's deadline is dropped: those runs were never received.
 */

import { ask } from '../cluster/ask.js';
import { until } from '../cluster/within.js';
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import { limits } from '../protocol/limits.js';
import type { PullAnswer } from '../protocol/messages.js';
import type { WorkerSession } from './session.js';
import type { Slots } from './slots.js';
import type { WorkerParts } from './worker-ports.js';

const pullsMax = 2;
/** Beyond the tracker's own wait: time for the commit and the way. */
const answerMarginMs = 5_000;
const againAfterMs = 200;
const withdrawWithinMs = 1_000;

export class Receive {
  /** Slots of each open pull, those included that the tracker has added to it from reports. */
  private readonly open = new Map<number, number>();
  private nextId = 1;
  /** Pulls that failed and are opened again after a while. */
  private resting = 0;
  private pulls = new AbortController();
  private isPaused = true;

  constructor(
    private readonly parts: WorkerParts,
    private readonly slots: Slots,
    private readonly session: WorkerSession,
    private readonly onJobs: (jobs: readonly JobRecord[]) => void,
  ) {}

  resume(): void {
    this.isPaused = false;
    this.fill();
  }

  /** Gives up the open pulls; what they would have brought was never received. */
  pause(): void {
    this.isPaused = true;
    this.pulls.abort(this);
    this.pulls = new AbortController();
  }

  /** Asks the tracker to answer the open pulls, empty, and waits a moment for it; what it had sent already still comes. */
  async withdraw(): Promise<void> {
    this.isPaused = true;
    const { clock, transport } = this.parts.ports;
    const to = { subject: this.session.subject, deadlineMs: withdrawWithinMs };
    const body = { session: this.session.id, pullId: 0, slots: 0, waitMs: 0 };
    await ask(transport, to, { kind: 'PullJobs', body }).catch(() => undefined);
    await until(clock, withdrawWithinMs, () => this.open.size === 0);
    this.pause();
  }

  /** Opens pulls for free slots. */
  fill(): void {
    while (!this.isPaused && this.session.isServed && this.open.size + this.resting < pullsMax && this.slots.free > 0) {
      const { free } = this.slots;
      void this.pull(this.open.size === 0 ? Math.ceil(free / 2) : free);
    }
  }

  /** Jobs that came with an answer to a pull or a report. Those of a session that was given up count as never received. */
  take(answer: PullAnswer, session: string): void {
    if (session !== this.session.id || !this.session.isAlive) return;
    if (answer.answer === 'refused') this.session.lose();
    else if (answer.answer === 'elsewhere') this.session.move();
    else if (answer.jobs.length > 0) this.onJobs(answer.jobs);
  }

  /** Slots of a report that now wait with an open pull; if that was answered meanwhile, they came back with its jobs. */
  credit({ pullId, slots }: NonNullable<PullAnswer['credited']>): void {
    const open = this.open.get(pullId);
    if (open === undefined) return;
    this.open.set(pullId, open + slots);
    this.slots.promise(slots);
  }

  private async pull(slots: number): Promise<void> {
    const session = this.session.id;
    const { signal } = this.pulls;
    const pullId = this.nextId++;
    this.open.set(pullId, slots);
    this.slots.promise(slots);
    const answer = await this.ask({ session, pullId, slots }, signal);
    this.slots.takeBack(this.open.get(pullId) ?? 0);
    this.open.delete(pullId);
    if (answer && !signal.aborted) this.take(answer, session);
    if (!answer) await this.rest(signal);
    this.fill();
  }

  private async rest(signal: AbortSignal): Promise<void> {
    this.resting++;
    await this.parts.ports.clock.sleep(againAfterMs, signal);
    this.resting--;
  }

  private async ask(
    pull: { session: string; pullId: number; slots: number },
    signal: AbortSignal,
  ): Promise<PullAnswer | undefined> {
    const waitMs = limits.pullWaitMs;
    const to = { subject: this.session.subject, deadlineMs: waitMs + answerMarginMs, signal };
    try {
      return await ask(this.parts.ports.transport, to, { kind: 'PullJobs', body: { ...pull, waitMs } });
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      if (error.code === 'LTS_NO_TRACKER' && !signal.aborted) this.session.move();
      return undefined;
    }
  }
}
