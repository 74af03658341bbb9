/**
 * Something that a node needs is away: told once when it goes, once a minute while it stays away, and once when it is back. It has no
 * timer: who meets the outage again and again says so here.
 */

/** What it needs of the Clock and Log ports. */
interface MonotonicClock {
  monoMs(): number;
}
interface Lines {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface OutageOptions {
  readonly clock: MonotonicClock;
  readonly log: Lines;
  /** What is back within this time is not worth a line, in ms. */
  readonly quietMs: number;
  /** What is away, what works all the same, and what to do; `why` is what was met last. */
  readonly away: (why: string) => string;
  readonly back: string;
}

const remindEveryMs = 60_000;

export class Outage {
  private sinceMono: number | undefined;
  private toldMono: number | undefined;
  private workedMono = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: OutageOptions) {}

  /** It was told, and is not over. */
  get isTold(): boolean {
    return this.toldMono !== undefined;
  }

  /** What was tried at `triedMono` (default: now) has failed. It counts only from the last success on. */
  met(why: string, triedMono?: number): void {
    const { clock, log, quietMs, away } = this.options;
    const now = clock.monoMs();
    this.sinceMono ??= Math.max(triedMono ?? now, this.workedMono);
    const awayMs = Math.round(now - this.sinceMono);
    const isDue = this.toldMono === undefined ? awayMs >= quietMs : now - this.toldMono >= remindEveryMs;
    if (!isDue) return;
    this.toldMono = now;
    log.warn({ awayMs }, away(why.replace(/\.$/, '')));
  }

  /** What is needed has worked. */
  over(): void {
    const { clock, log, back } = this.options;
    this.workedMono = clock.monoMs();
    if (this.isTold) log.info({ awayMs: Math.round(this.workedMono - (this.sinceMono ?? this.workedMono)) }, back);
    this.sinceMono = undefined;
    this.toldMono = undefined;
  }
}
