/** One timer for many instants: rings at the earliest that was asked for. */
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';

export interface AlarmOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the earliest instant has come; answers the next one (wall clock), if one is known. */
  readonly onRing: () => Promise<number | undefined>;
}

/** It rests at most this long, so that a jump of the wall clock is noticed. */
const restMsMax = 60_000;

export class Alarm {
  private readonly stopping = new AbortController();
  private resting = new AbortController();
  private ringAt = Number.POSITIVE_INFINITY;
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly options: AlarmOptions) {}

  /** Rings once at once, to learn the first instant. */
  start(): void {
    this.ringAt = Number.NEGATIVE_INFINITY;
    this.ended = this.loop();
  }

  /** Rings at `at` or earlier. */
  set(at: number): void {
    if (at >= this.ringAt) return;
    this.ringAt = at;
    this.resting.abort(this);
  }

  async stop(): Promise<void> {
    this.stopping.abort(this);
    this.resting.abort(this);
    await this.ended;
  }

  private async loop(): Promise<void> {
    const { clock } = this.options;
    while (!this.stopping.signal.aborted) {
      const waitMs = this.ringAt - clock.wallMs();
      if (waitMs <= 0) {
        await this.ring();
        continue;
      }
      this.resting = new AbortController();
      await clock.sleep(Math.min(waitMs, restMsMax), this.resting.signal);
    }
  }

  private async ring(): Promise<void> {
    const { name, log, onRing, clock } = this.options;
    this.ringAt = Number.POSITIVE_INFINITY;
    try {
      this.set((await onRing()) ?? Number.POSITIVE_INFINITY);
    } catch (error) {
      log.error({ alarm: name, error }, `${name} failed; it is tried again in a second`);
      this.set(clock.wallMs() + 1_000);
    }
  }
}
