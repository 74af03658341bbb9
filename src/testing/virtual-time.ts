/** Time that passes only when it is told to: runs one event, lets every promise that follows from it settle, then the next. */
import { EventHeap, type PlannedEvent } from './event-heap.js';

/** Where things are planned: the whole simulated world, or one life of one node in it. */
export interface Scheduler {
  /** Milliseconds since the world began. */
  readonly nowMs: number;
  schedule(delayMs: number, run: () => void): PlannedEvent;
}

/** Captured at load, so that a run may replace the globals by ones that throw. */
const nextTurn = setImmediate;

/**
 * Lets all microtasks run, however deep their chains. Counting awaits would miss deep chains, and a timer of 0 ms costs
 * 1.1 ms where this costs 1.3 µs.
 */
export const settled = (): Promise<void> => new Promise((resolve) => nextTurn(resolve));

/**
 * Instants are whole ticks of 1/64 ms: sums of them are exact, also beside wall clock times, so that no remainder is ever lost
 * in rounding and leaves a timer due now for ever.
 */
export const ticksPerMs = 64;

/** More events of one instant than this are a loop that never waits. */
const standingMax = 100_000;

export class VirtualTime implements Scheduler {
  nowMs = 0;
  /** Events run so far. */
  events = 0;
  private standing = 0;
  private readonly heap = new EventHeap();

  /** `settle` resolves when nothing is left to happen at this instant. */
  constructor(private readonly settle: () => Promise<void> = settled) {}

  schedule(delayMs: number, run: () => void): PlannedEvent {
    return this.heap.add(Math.ceil((this.nowMs + Math.max(0, delayMs)) * ticksPerMs) / ticksPerMs, run);
  }

  /** Runs everything that is due up to `ms` from now; the time is then exactly that. */
  advance(ms: number): Promise<void> {
    return this.runUntil(this.nowMs + ms);
  }

  /** Runs everything that is due up to the instant `at`. */
  async runUntil(at: number): Promise<void> {
    await this.runWhile(() => true, at);
    this.arrive(at);
  }

  /** An event is due at this very instant. */
  get isDue(): boolean {
    return (this.heap.nextAt() ?? Number.POSITIVE_INFINITY) <= this.nowMs;
  }

  /** Nothing is due before `at`: the time is now that. */
  arrive(at: number): void {
    this.nowMs = Math.max(this.nowMs, at);
  }

  /** Runs events up to `at` for as long as `condition` holds; it is looked at before each event. */
  async runWhile(condition: () => boolean, at: number): Promise<void> {
    await this.settle();
    while (condition() && this.step(at)) await this.settle();
  }

  /** Begins the earliest event, if it is due up to `at`. What follows from it has to settle before the next step. */
  step(at: number): boolean {
    const nextAt = this.heap.nextAt();
    if (nextAt === undefined || nextAt > at) return false;
    const event = this.heap.take() as PlannedEvent;
    this.pass(event.at);
    event.run();
    return true;
  }

  private pass(at: number): void {
    this.standing = at > this.nowMs ? 0 : this.standing + 1;
    if (this.standing > standingMax)
      throw new Error(`Time stands still at ${this.nowMs} ms: ${standingMax} events of one instant.`);
    this.nowMs = Math.max(this.nowMs, at);
    this.events++;
  }
}
