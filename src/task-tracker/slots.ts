/**
 * How many runs fit. A slot is running, ahead (a job that waits here for a running one to end), promised (in open pulls and in
 * reports under way), or free. Running never exceeds `workThreads`; all together never exceed it either, but while recent runs
 * were short they may be twice as many, so that the next jobs are here when a slot ends.
 */

/** Shorter runs than this, on average, are worth fetching ahead for: about the time of a commit and the way. */
const shortRunMs = 20;
const longRunMs = 1_000;
/** How much the newest run counts in the average. */
const weight = 0.05;

export class Slots {
  private running = 0;
  private ahead = 0;
  private promised = 0;
  private averageMs: number | undefined;

  constructor(private readonly workThreads: number) {}

  get free(): number {
    return Math.max(0, this.capacity - this.running - this.ahead - this.promised);
  }

  /** Another run may start now. */
  get canStart(): boolean {
    return this.running < this.workThreads;
  }

  promise(slots: number): void {
    this.promised += slots;
  }

  takeBack(slots: number): void {
    this.promised -= slots;
  }

  receive(): void {
    this.ahead++;
  }

  /** A job that was received is not run here after all. */
  giveUp(): void {
    this.ahead--;
  }

  /** Runs turned out longer than the average says: fetching ahead has to be earned again. */
  expectLongRuns(): void {
    this.averageMs = longRunMs;
  }

  start(): void {
    this.ahead--;
    this.running++;
  }

  end(ranMs: number): void {
    this.running--;
    this.averageMs = (this.averageMs ?? ranMs) * (1 - weight) + ranMs * weight;
  }

  private get capacity(): number {
    const isShort = this.averageMs !== undefined && this.averageMs < shortRunMs;
    return isShort ? 2 * this.workThreads : this.workThreads;
  }
}
