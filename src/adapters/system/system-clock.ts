/** The time of the machine. */
import type { Clock } from '../../ports/clock.js';

/** The longest delay that Node's timers keep; a longer one would fire at once. */
const timerMaxMs = 2 ** 31 - 1;

/**
 * The clock of a running node. Its timers keep the process alive on purpose: a node that runs is not an idle process.
 */
export class SystemClock implements Clock {
  private turn: Promise<void> | undefined;

  wallMs(): number {
    return Date.now();
  }

  monoMs(): number {
    return performance.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // Not a sum of lengths: timers of weeks drift, the monotonic clock does not.
    const endsAt = this.monoMs() + ms;
    for (let leftMs = ms; leftMs > 0 && !signal?.aborted; leftMs = endsAt - this.monoMs()) {
      await timer(Math.min(leftMs, timerMaxMs), signal);
    }
  }

  /** All callers of one turn share one immediate. */
  endOfTurn(): Promise<void> {
    this.turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.turn = undefined;
        resolve();
      });
    });
    return this.turn;
  }
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timeout = setTimeout(end, Math.ceil(ms));
    signal?.addEventListener('abort', end);
  });
}
