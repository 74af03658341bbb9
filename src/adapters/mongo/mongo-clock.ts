/**
 * The time of the MongoDB server, so that trackers whose own clocks are wrong agree on what is due: sampled every ten seconds, carried
 * by the monotonic clock in between, with a bound of its error.
 *
 * Where the error matters: a job must not start before its time, so the earliest instant that the server's clock may show is shown;
 * every due time and every slot is then reached late by at most `errorMs`, never early. A span between two trackers (a delay or a retry
 * that one begins and another ends) may be shorter by the error of the first. Leases need nothing of it: they count beats, and whole
 * leases of each one's own monotonic time, whose drift of 6 ms in 30 s the worker's margin of 5 s covers.
 */
import { assert } from '../../errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { MongoConnection } from './mongo-connection.js';
import { helloOf } from './server-check.js';

/** What the server's clock shows, in ms since 1970. */
export type ReadServerTime = () => Promise<number>;

export const serverTimeOf =
  (connection: MongoConnection): ReadServerTime =>
  async () =>
    ((await helloOf(connection)).localTime as Date).getTime();

interface Sample {
  /** Server time less monotonic time. */
  readonly offsetMs: number;
  /** Either way. */
  readonly errorMs: number;
  readonly takenMono: number;
}

const everyMs = 10_000;
const againMs = 1_000;
/** What two quartz clocks may drift apart, generously: in ten seconds 2 ms. */
const driftRate = 0.0002;
/** After a slow answer the time is asked for again soon: what is due starts so much late. */
const vagueMs = 200;
/** The server shows whole milliseconds. */
const resolutionMs = 1;

export class MongoClock implements Clock {
  private sample: Sample | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly readTime: ReadServerTime,
    /** Of this machine; only its monotonic time is used. */
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Takes the first sample. Throws what the server answers when it cannot be asked. */
  async start(): Promise<void> {
    this.take(await this.measure());
    void this.watch();
  }

  /** The time is carried on from the last sample. */
  stop(): void {
    this.stopping.abort(this);
  }

  /** Never later than the server's clock, unless that was set back since the last sample. */
  wallMs(): number {
    const sample = this.current();
    return Math.floor(this.clock.monoMs() + sample.offsetMs - this.errorOf(sample));
  }

  monoMs(): number {
    return this.clock.monoMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.clock.sleep(ms, signal);
  }

  endOfTurn(): Promise<void> {
    return this.clock.endOfTurn();
  }

  /** How far `wallMs` may be behind the server's clock by now. Grows while the server cannot be asked. */
  get errorMs(): number {
    return 2 * this.errorOf(this.current()) + resolutionMs;
  }

  private current(): Sample {
    assert(this.sample, 'the clock is used after its first sample');
    return this.sample;
  }

  private errorOf({ errorMs, takenMono }: Sample): number {
    return errorMs + driftRate * (this.clock.monoMs() - takenMono);
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    for (let waitMs = everyMs; !signal.aborted; ) {
      await this.clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      try {
        this.take(await this.measure());
        waitMs = this.errorMs > vagueMs ? againMs : everyMs;
      } catch (error) {
        // Whoever needs the store hears of it; the time is carried on.
        this.log.debug({ error }, 'the time of the MongoDB server could not be read');
        waitMs = againMs;
      }
    }
  }

  private async measure(): Promise<Sample> {
    const asked = this.clock.monoMs();
    const serverMs = await this.readTime();
    const answered = this.clock.monoMs();
    const halfMs = (answered - asked) / 2;
    return {
      offsetMs: serverMs + resolutionMs / 2 - asked - halfMs,
      errorMs: halfMs + resolutionMs,
      takenMono: answered,
    };
  }

  /** The surer sample stays, unless the two cannot both be true: then the server's clock was set, or another server answered. */
  private take(fresh: Sample): void {
    const known = this.sample;
    const apartMs = known ? Math.abs(fresh.offsetMs - known.offsetMs) : 0;
    const wasSet = known !== undefined && apartMs > fresh.errorMs + this.errorOf(known);
    if (!known || wasSet || fresh.errorMs <= this.errorOf(known)) this.sample = fresh;
    if (wasSet)
      this.log.warn({ byMs: Math.round(apartMs) }, "the MongoDB server's clock was set, or another server answers");
  }
}
