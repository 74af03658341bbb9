/** Asks the OldDataHandler about what has waited too long, and tells what was dropped. */
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { OldData, OldDataHandler, OldDataVerdict } from '../ports/old-data.js';
import { within } from './within.js';

/** What may be old; its age is the judge's to tell. */
type Waiting = Omit<OldData, 'ageMs'>;

export interface Judging<Item> {
  readonly dataOf: (item: Item) => Waiting;
  /** Removes them for good. */
  readonly drop: (items: readonly Item[]) => Promise<void>;
}

export interface OldDataParts {
  readonly clock: Clock;
  readonly log: Log;
}

const tooOldMs = 7 * 86_400_000;
/** For all that is asked at once. */
const answerWithinMs = 5_000;

export class OldDataJudge {
  private dropped = 0;

  constructor(
    private readonly handler: OldDataHandler,
    private readonly parts: OldDataParts,
  ) {}

  /** Those that are to be sent. The others are given to `drop` and then logged; what is in doubt is sent. Throws what `drop` throws. */
  async withoutDropped<Item>(items: readonly Item[], { dataOf, drop }: Judging<Item>): Promise<readonly Item[]> {
    const { olderThanMs = tooOldMs } = this.handler;
    const now = this.parts.clock.wallMs();
    const old = items.map((item) => ({ item, data: dataOf(item) })).filter(({ data }) => now - data.at > olderThanMs);
    if (old.length === 0) return items;
    const verdicts = await this.verdicts(old.map(({ data }) => ({ ...data, ageMs: now - data.at })));
    const dropped = old.filter((_, i) => verdicts[i] === 'drop');
    if (dropped.length === 0) return items;
    await drop(dropped.map(({ item }) => item));
    this.tell(dropped.map(({ data }) => data));
    return items.filter((item) => !dropped.some((one) => one.item === item));
  }

  /** Those that have not come in time are `send`. */
  private async verdicts(old: readonly OldData[]): Promise<readonly OldDataVerdict[]> {
    const verdicts: OldDataVerdict[] = old.map(() => 'send');
    const failures: unknown[] = [];
    const asking = old.map(async (data, i) => {
      try {
        if ((await this.handler.handle(data)) === 'drop') verdicts[i] = 'drop';
      } catch (error) {
        failures.push(error);
      }
    });
    const { clock, log } = this.parts;
    if (!(await within(clock, answerWithinMs, Promise.all(asking))))
      log.warn({ asked: old.length, answerWithinMs }, 'the old data handler takes too long; what it left open is sent');
    const [error] = failures;
    if (failures.length > 0)
      log.error({ failures: failures.length, error }, 'the old data handler failed; what it was asked about is sent');
    return verdicts;
  }

  private tell(dropped: readonly Waiting[]): void {
    this.dropped += dropped.length;
    const jobIds = dropped.map(({ jobId }) => jobId);
    const fields = { kind: dropped[0]?.kind, jobIds, droppedSinceStart: this.dropped };
    this.parts.log.error(fields, 'waited too long to be sent and was dropped for good');
  }
}
