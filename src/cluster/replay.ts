/** Sends again, in order, what a FailStore kept while nobody answered. */
import { LtsError } from '../errors.js';
import type { Clock } from '../ports/clock.js';
import type { FailEntry, FailStore, FailTopic } from '../ports/fail-store.js';
import type { Log } from '../ports/log.js';
import type { OldDataHandler } from '../ports/old-data.js';
import { limits } from '../protocol/limits.js';
import { Duty } from './duty.js';
import { OldDataJudge } from './old-data.js';

export interface ReplayOptions<Value> {
  readonly topic: FailTopic;
  readonly failStore: FailStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  /**
   * Sends one batch. Throws an LtsError when nobody answers: then all of it stays for the next round. Answers, per value, why it
   * was refused for good, or undefined where it was taken.
   */
  readonly send: (values: readonly Value[]) => Promise<readonly (string | undefined)[]>;
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

/** An entry that could be read. */
interface Readable<Value> {
  readonly entry: FailEntry;
  readonly value: Value;
}

export class Replay<Value> {
  private readonly duty: Duty;
  private readonly judge: OldDataJudge | undefined;

  constructor(private readonly options: ReplayOptions<Value>) {
    const { topic, everyMs, clock, log, oldDataHandler } = options;
    this.judge = oldDataHandler && new OldDataJudge(oldDataHandler, options);
    this.duty = new Duty({ name: `replay of ${topic}`, everyMs, clock, log, run: () => this.drain() });
  }

  start(): void {
    this.duty.start();
  }

  stop(): Promise<void> {
    return this.duty.stop();
  }

  /** Until the topic is empty or nobody answers. A refused or unreadable entry is set aside; it never blocks those behind it. */
  async drain(): Promise<void> {
    const { failStore, topic } = this.options;
    for (;;) {
      const entries = oneMessage(await failStore.peek(topic, batchMax));
      if (entries.length === 0) return this.options.onEmpty?.();
      const readable = await this.withoutDropped(await this.readable(entries));
      if (readable.length > 0 && !(await this.isSent(readable))) return;
    }
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

  private async isSent(readable: readonly Readable<Value>[]): Promise<boolean> {
    const { failStore, topic, send } = this.options;
    let refusals: readonly (string | undefined)[];
    try {
      refusals = await send(readable.map(({ value }) => value));
    } catch (error) {
      if (LtsError.is(error)) return false;
      throw error;
    }
    const keys = readable.map(({ entry }) => entry.key);
    for (const [i, key] of keys.entries()) {
      const refusal = refusals[i];
      if (refusal !== undefined) await failStore.quarantine(topic, key, refusal);
    }
    await failStore.remove(
      topic,
      keys.filter((_, i) => refusals[i] === undefined),
    );
    return true;
  }

  private async readable(entries: readonly FailEntry[]): Promise<Readable<Value>[]> {
    const found: Readable<Value>[] = [];
    for (const entry of entries) {
      try {
        found.push({ entry, value: JSON.parse(entry.value) as Value });
      } catch (error) {
        await this.options.failStore.quarantine(this.options.topic, entry.key, `unreadable: ${String(error)}`);
      }
    }
    return found;
  }
}

/** Everything that is kept belongs to a job; another version's entry may not say so. */
function jobIdOf(value: unknown): string {
  const { jobId } = (value ?? {}) as { jobId?: unknown };
  return typeof jobId === 'string' ? jobId : '';
}
