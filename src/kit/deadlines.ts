/** Deadlines of many waiting requests at the price of one timer: they share buckets of ten milliseconds. */

export interface Expiring {
  expire(): void;
}

/** What it needs of the Clock port. */
interface MonotonicClock {
  monoMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const bucketMs = 10;

/** What is added expires at its deadline, up to a bucket later, unless it was removed; `close` expires nothing more. */
export class Deadlines {
  private readonly buckets = new Map<number, Set<Expiring>>();
  private readonly places = new Map<Expiring, number>();
  private waking = new AbortController();
  private wakesAt = Number.POSITIVE_INFINITY;
  private isWatching = false;
  private isClosed = false;

  constructor(private readonly clock: MonotonicClock) {}

  add(waiting: Expiring, lengthMs: number): void {
    const place = Math.ceil((this.clock.monoMs() + lengthMs) / bucketMs);
    const bucket = this.buckets.get(place);
    if (bucket) bucket.add(waiting);
    else this.buckets.set(place, new Set([waiting]));
    this.places.set(waiting, place);
    if (place < this.wakesAt) this.waking.abort(this);
    if (!this.isWatching) void this.watch();
  }

  remove(waiting: Expiring): void {
    const place = this.places.get(waiting);
    if (place === undefined) return;
    this.places.delete(waiting);
    const bucket = this.buckets.get(place);
    if (bucket?.delete(waiting) && bucket.size === 0) this.buckets.delete(place);
  }

  close(): void {
    this.isClosed = true;
    this.buckets.clear();
    this.places.clear();
    this.waking.abort(this);
  }

  private async watch(): Promise<void> {
    this.isWatching = true;
    while (this.buckets.size > 0 && !this.isClosed) {
      this.wakesAt = Math.min(...this.buckets.keys());
      this.waking = new AbortController();
      await this.clock.sleep(this.wakesAt * bucketMs - this.clock.monoMs(), this.waking.signal);
      this.expireDue();
    }
    this.wakesAt = Number.POSITIVE_INFINITY;
    this.isWatching = false;
  }

  private expireDue(): void {
    const now = this.clock.monoMs();
    for (const [place, bucket] of this.buckets) {
      if (place * bucketMs > now) continue;
      this.buckets.delete(place);
      for (const waiting of bucket) {
        this.places.delete(waiting);
        waiting.expire();
      }
    }
  }
}
