/** Asks the OldDataHandler about what has waited too long, and tells what was dropped. */
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { OldData, OldDataHandler, OldDataVerdict } from '../ports/old-data.js';
import { within } from './within.js';

/** What may be old; its age is the judge's to tell. */
export type Waiting = Omit<OldData, 'ageMs'>;

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

  /** The places of what is to be dropped, logged as such. Never throws; what is in doubt is not dropped. */
  async toDrop(waiting: readonly Waiting[]): Promise<ReadonlySet<number>> {
    const { olderThanMs = tooOldMs } = this.handler;
    const now = this.parts.clock.wallMs();
    const isOld = ({ at }: Waiting) => now - at > olderThanMs;
    // Almost always nothing is old: then nothing is made for it.
    if (!waiting.some(isOld)) return new Set();
    const places = waiting.flatMap((one, place) => (isOld(one) ? place : []));
    const verdicts = await this.verdicts(places.map((place) => oldData(waiting[place] as Waiting, now)));
    const dropped = places.filter((_, i) => verdicts[i] === 'drop');
    if (dropped.length > 0) this.tell(dropped.map((place) => waiting[place] as Waiting));
    return new Set(dropped);
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

const oldData = (waiting: Waiting, now: number): OldData => ({ ...waiting, ageMs: now - waiting.at });
