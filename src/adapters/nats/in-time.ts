/** A wait with an end. */
import type { Clock } from '../../ports/clock.js';

/** Resolves when `work` has settled, at the latest after `ms`; what `work` rejects with is dropped. */
export async function inTime(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const settled = work.then(
    () => {},
    () => {},
  );
  await Promise.race([settled, clock.sleep(ms, over.signal)]);
  over.abort(over);
}
