/** Deadlines of many waiting requests at the price of one sleep per distinct length, not one timer per request. */
import type { Clock } from '../../ports/clock.js';

export interface Expiring {
  /** By the monotonic clock; set by `add`. */
  expiresAt: number;
  expire(): void;
}

/**
 * Things that wait equally long expire in the order in which they came, so a lane needs to watch only its oldest one.
 * `remove` what is no longer waited for; `close` ends every sleep and expires nothing.
 */
export class DeadlineLanes {
  private readonly lanes = new Map<number, Set<Expiring>>();
  private readonly closing = new AbortController();

  constructor(private readonly clock: Clock) {}

  add(waiting: Expiring, lengthMs: number): void {
    waiting.expiresAt = this.clock.monoMs() + lengthMs;
    const lane = this.lanes.get(lengthMs);
    if (lane) {
      lane.add(waiting);
      return;
    }
    const started = new Set([waiting]);
    this.lanes.set(lengthMs, started);
    void this.watch(started, lengthMs);
  }

  remove(waiting: Expiring, lengthMs: number): void {
    this.lanes.get(lengthMs)?.delete(waiting);
  }

  close(): void {
    this.closing.abort();
    this.lanes.clear();
  }

  private async watch(lane: Set<Expiring>, lengthMs: number): Promise<void> {
    const { signal } = this.closing;
    let waitMs = lengthMs;
    while (waitMs > 0 && !signal.aborted) {
      await this.clock.sleep(waitMs, signal);
      waitMs = this.expireDue(lane);
    }
    if (this.lanes.get(lengthMs) === lane) this.lanes.delete(lengthMs);
  }

  /** Time until the oldest one left expires; 0 when none is left. */
  private expireDue(lane: Set<Expiring>): number {
    const now = this.clock.monoMs();
    for (const waiting of lane) {
      if (waiting.expiresAt > now) return waiting.expiresAt - now;
      lane.delete(waiting);
      waiting.expire();
    }
    return 0;
  }
}
