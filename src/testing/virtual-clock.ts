/** The Clock port in virtual time: for unit tests on its own, in the simulator one for each life of a node. */
import type { Clock } from '../ports/clock.js';
import { type Scheduler, ticksPerMs, VirtualTime } from './virtual-time.js';

/** 2027-01-15 08:00 UTC: a weekday in no zone's change of clocks. */
export const worldBeganAt = Date.UTC(2027, 0, 15, 8);

/** What a machine's clocks show. Its wall clock outlives its processes, and may be wrong and be set. */
export interface ClockError {
  /** Added to the wall clock; may change while the clock is in use. */
  offsetMs: number;
  /** Seconds that this machine counts in one true second. */
  readonly rate: number;
}

export class VirtualClock implements Clock {
  private turn: Promise<void> | undefined;

  constructor(
    private readonly scheduler: Scheduler = new VirtualTime(),
    private readonly error: ClockError = { offsetMs: 0, rate: 1 },
  ) {}

  wallMs(): number {
    return Math.floor(worldBeganAt + this.error.offsetMs + this.monoMs());
  }

  monoMs(): number {
    return Math.floor(this.scheduler.nowMs * this.error.rate * ticksPerMs) / ticksPerMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        event.isCancelled = true;
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const event = this.scheduler.schedule(ms / this.error.rate, end);
      signal?.addEventListener('abort', end);
    });
  }

  /** All callers of one turn share one event. */
  endOfTurn(): Promise<void> {
    this.turn ??= new Promise((resolve) => {
      this.scheduler.schedule(0, () => {
        this.turn = undefined;
        resolve();
      });
    });
    return this.turn;
  }

  /** Lets `ms` pass, waking sleepers in order. Only for a clock that was made without a scheduler of its own. */
  async advance(ms: number): Promise<void> {
    if (!(this.scheduler instanceof VirtualTime))
      throw new Error('Advance the time of the world, not the clock of one node.');
    await this.scheduler.advance(ms);
  }
}
