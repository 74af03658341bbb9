/** Sends again, in order, what a FailStore kept while nobody answered. */
import { LtsError } from '../errors.js';
import type { Clock } from '../ports/clock.js';
import type { FailEntry, FailStore, FailTopic } from '../ports/fail-store.js';
import type { Log } from '../ports/log.js';
import type { OldDataHandler } from '../ports/old-data.js';
import { limits } from '../protocol/limits.js';
import type { ReportAnswer } from '../protocol/messages.js';
import { isFaultOfMessage, isUnsendable } from './ask.js';
import { Duty } from './duty.js';
import { OldDataJudge } from './old-data.js';

/** Why each was refused for good; undefined, or nothing at all, where it was taken. */
export type Refusals = readonly (string | undefined)[];

export interface ReplayOptions<Value> {
  readonly topic: FailTopic;
  readonly failStore: FailStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  /**
   * Sends one batch. Throws an LtsError when none of it was answered: then all of it stays for the next round, unless the message was
   * at fault and its parts get through alone.
   */
  readonly send: (values: readonly Value[]) => Promise<Refusals>;
  /** Decides about what has waited too long. Default: all of it is sent, whatever its age. */
  readonly oldDataHandler?: OldDataHandler | undefined;
  /** Told when nothing is kept any more, whoever sent it. */
  readonly onEmpty?: (() => void) | undefined;
}

const batchMax = 200;

/** As many of the first entries as one message may carry; one at least. */
function oneMessage(entries: readonly FailEntry[]): readonly FailEntry[] {
  let bytes = 0;
  const end = entries.findIndex(({ value }, i) => {
    bytes += Buffer.byteLength(value);
    return i > 0 && bytes > limits.batchBytesMax;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

interface Refused {
  readonly entry: FailEntry;
  readonly reason: string;
}

/** An entry that could be read. */
interface Readable<Value> {
  readonly entry: FailEntry;
  readonly value: Value;
}

export class Replay<Value> {
  private readonly duty: Duty;
  private readonly judge: OldDataJudge | undefined;
  private held: LtsError | undefined;

  constructor(private readonly options: ReplayOptions<Value>) {
    const { topic, everyMs, clock, log, oldDataHandler } = options;
    this.judge = oldDataHandler && new OldDataJudge(oldDataHandler, options);
    this.duty = new Duty({ name: `replay of ${topic}`, everyMs, clock, log, run: () => this.drain() });
  }

  /** What is kept waits for a person: trying again meets the same refusal. */
  get isHeldForGood(): boolean {
    return this.held !== undefined && !this.held.isRetryable;
  }

  start(): void {
    this.duty.start();
  }

  stop(): Promise<void> {
    return this.duty.stop();
  }

  /**
   * Until the topic is empty or nobody takes anything. What is refused, cannot be read, or cannot be sent while others can, is put
   * aside and logged; it never blocks what is behind it.
   */
  async drain(): Promise<void> {
    const { failStore, topic } = this.options;
    for (;;) {
      const entries = await failStore.peek(topic, batchMax);
      if (entries.length === 0) return this.options.onEmpty?.();
      if (!(await this.isAnyGone(entries))) return;
    }
  }

  private async isAnyGone(entries: readonly FailEntry[]): Promise<boolean> {
    const { failStore, topic } = this.options;
    const failure = await this.failureOf(oneMessage(entries));
    // What could not be read, or was dropped, is gone by now.
    if (failure && isFaultOfMessage(failure)) return this.isAnyGoneAlone(await failStore.peek(topic, batchMax));
    this.tellHeld(failure);
    return failure === undefined;
  }

  /** Each in a message of its own: whether others get through tells a bad entry from a time in which nobody understands any. */
  private async isAnyGoneAlone(entries: readonly FailEntry[]): Promise<boolean> {
    const faulty: { entry: FailEntry; failure: LtsError }[] = [];
    let sent = 0;
    for (const entry of entries) {
      const failure = await this.failureOf([entry]);
      if (!failure) sent++;
      else if (isFaultOfMessage(failure)) faulty.push({ entry, failure });
      else break;
    }
    const bad = faulty.filter(({ failure }) => sent > 0 || isUnsendable(failure));
    await this.putAside(bad.map(({ entry, failure }) => ({ entry, reason: failure.message })));
    const isAny = sent + bad.length > 0;
    this.tellHeld(isAny ? undefined : faulty[0]?.failure);
    return isAny;
  }

  private async withoutDropped(readable: readonly Readable<Value>[]): Promise<readonly Readable<Value>[]> {
    const { topic, failStore } = this.options;
    if (!this.judge) return readable;
    return this.judge.withoutDropped(readable, {
      dataOf: ({ entry: { at }, value }) => ({ kind: topic, jobId: jobIdOf(value), at, value }),
      drop: (dropped) => {
        const keys = dropped.map(({ entry }) => entry.key);
        return failStore.remove(topic, keys);
      },
    });
  }

  /** Why none of them was taken; undefined when each was sent, refused or dropped, and is gone. */
  private async failureOf(entries: readonly FailEntry[]): Promise<LtsError | undefined> {
    const { failStore, topic, send } = this.options;
    const readable = await this.withoutDropped(await this.readable(entries));
    if (readable.length === 0) return undefined;
    let refusals: Refusals;
    try {
      refusals = await send(readable.map(({ value }) => value));
    } catch (error) {
      if (LtsError.is(error)) return error;
      throw error;
    }
    const answered = readable.map(({ entry }, i) => ({ entry, reason: refusals[i] }));
    await this.putAside(answered.filter((one): one is Refused => one.reason !== undefined));
    const taken = answered.filter(({ reason }) => reason === undefined);
    await failStore.remove(
      topic,
      taken.map(({ entry }) => entry.key),
    );
    return undefined;
  }

  private async readable(entries: readonly FailEntry[]): Promise<Readable<Value>[]> {
    const found: Readable<Value>[] = [];
    const unreadable: Refused[] = [];
    for (const entry of entries) {
      try {
        found.push({ entry, value: JSON.parse(entry.value) as Value });
      } catch (error) {
        unreadable.push({ entry, reason: `unreadable: ${String(error)}` });
      }
    }
    await this.putAside(unreadable);
    return found;
  }

  private async putAside(refused: readonly Refused[]): Promise<void> {
    if (refused.length === 0) return;
    const { failStore, topic, log } = this.options;
    for (const { entry, reason } of refused) await failStore.quarantine(topic, entry.key, reason);
    const reasons = refused.map(({ entry, reason }) => ({ key: entry.key, reason }));
    log.error({ topic, refused: reasons }, 'can never be sent and was put aside in the FailStore');
  }

  /** Silence and full queues pass, and are told elsewhere; what a person must mend is told when it begins. */
  private tellHeld(failure: LtsError | undefined): void {
    if (failure?.code === 'LTS_NOT_STARTED') return;
    const isNew = failure?.code !== this.held?.code;
    this.held = failure;
    if (!isNew || !failure || failure.isRetryable) return;
    const { topic, log } = this.options;
    log.error({ topic, error: failure }, 'what is kept cannot be sent; it stays in the FailStore');
  }
}

/** Everything that is kept belongs to a job; another version's entry may not say so. */
function jobIdOf(value: unknown): string {
  const { jobId } = (value ?? {}) as { jobId?: unknown };
  return typeof jobId === 'string' ? jobId : '';
}

/** Of reports of runs. `stale` is recorded by the JobTracker, which has the newer truth; of `unknown` nothing is recorded anywhere. */
export const refusalsOf = (answers: readonly ReportAnswer[]): Refusals =>
  answers.map((answer) => (answer === 'unknown' ? 'The JobTracker has no such job.' : undefined));
