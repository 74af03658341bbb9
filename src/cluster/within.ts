/** A wait with an end. */
import type { Clock } from '../ports/clock.js';

/** Resolves when `work` does, or after `ms`; true if the work was done. What `work` rejects with is passed on. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const end = clock.sleep(Math.max(0, ms), over.signal).then(() => false);
  try {
    return await Promise.race([work.then(() => true), end]);
  } finally {
    over.abort(over);
  }
}

/** Looks every few ms whether `isDone`, for at most `ms`. */
export async function until(clock: Clock, ms: number, isDone: () => boolean): Promise<void> {
  const untilMono = clock.monoMs() + ms;
  while (!isDone() && clock.monoMs() < untilMono) await clock.sleep(10);
}
