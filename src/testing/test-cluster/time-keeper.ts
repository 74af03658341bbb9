/** Lets virtual time pass for as long as somebody waits for something in it, and not a moment longer. */
import { Deferred } from '../../kit/deferred.js';
import type { VirtualTime } from '../virtual-time.js';
import type { OpenRuns } from './open-runs.js';

interface Wait {
  readonly isMet: () => boolean;
  /** The wait ends at this instant, met or not. */
  readonly until: number;
  readonly over: Deferred<boolean>;
}

export class TimeKeeper {
  private readonly waits = new Set<Wait>();
  private isPassing = false;
  private closed: Error | undefined;

  constructor(
    private readonly time: VirtualTime,
    private readonly runs: OpenRuns,
  ) {}

  /**
   * Time passes until the condition holds, at most up to the instant `until`; answers whether it holds. The condition is looked
   * at between two events, when nothing is left that needs no time.
   */
  pass(isMet: () => boolean, until: number): Promise<boolean> {
    if (this.closed) return Promise.reject(this.closed);
    const wait: Wait = { isMet, until, over: new Deferred() };
    this.waits.add(wait);
    if (!this.isPassing) void this.keepPassing();
    return wait.over.promise;
  }

  /** Time passes until the promise settles. A handler that calls this waits in virtual time; others let it pass. */
  async during<T>(promise: Promise<T>): Promise<T> {
    if (this.runs.isInside) return this.runs.virtually(promise);
    let isSettled = false;
    const noted = promise.finally(() => {
      isSettled = true;
    });
    noted.catch(() => undefined);
    await this.pass(() => isSettled, Number.POSITIVE_INFINITY);
    return noted;
  }

  /** Time stands still for ever: who waits, and who comes to wait, gets this error. */
  close(error: Error): void {
    this.closed = error;
    this.endAll((wait) => wait.over.reject(error));
  }

  private async keepPassing(): Promise<void> {
    this.isPassing = true;
    try {
      for (;;) {
        // Who has waited goes on first, and may come to wait again.
        do await this.runs.settle();
        while (this.endMet());
        if (this.waits.size === 0) return;
        this.step(Math.min(...[...this.waits].map(({ until }) => until)));
      }
    } catch (error) {
      this.endAll((wait) => wait.over.reject(error));
    } finally {
      this.isPassing = false;
    }
  }

  private step(until: number): void {
    if (this.time.step(until)) return;
    if (until === Number.POSITIVE_INFINITY) {
      throw new Error('Nothing is planned in virtual time, so what is waited for never comes.');
    }
    this.time.arrive(until);
  }

  /** True if somebody's wait is over. */
  private endMet(): boolean {
    let count = 0;
    for (const wait of this.waits) {
      const isMet = wait.isMet();
      if (!isMet && (wait.until > this.time.nowMs || this.time.isDue)) continue;
      this.waits.delete(wait);
      wait.over.resolve(isMet);
      count++;
    }
    return count > 0;
  }

  private endAll(end: (wait: Wait) => void): void {
    const waits = [...this.waits];
    this.waits.clear();
    waits.forEach(end);
  }
}
