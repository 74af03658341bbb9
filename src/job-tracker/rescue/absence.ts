/**
 * Absence of the tracker itself: held up, its ticks come late; cut off, it reaches nobody. Then it judges no session for a whole lease,
 * and slots may have come due that nobody could fire: they are judged before anything is handed out again.
 */
import { Duty } from '../../cluster/duty.js';
import { LtsError } from '../../errors.js';
import type { Dispatch } from '../dispatch.js';
import type { TrackerParts } from '../tracker-ports.js';
import { type Grace, lateMs, pulseMs } from './grace.js';

export interface AbsenceParts {
  readonly grace: Grace;
  readonly dispatch: Pick<Dispatch, 'pause' | 'goOn'>;
  /** Judges slots from this instant on that nobody could fire. */
  readonly judgeMissed: (since: number) => Promise<void>;
}

export class Absence {
  private readonly pulse: Duty;
  /** Slots from then on are not judged yet. */
  private missedSince: number | undefined;

  constructor(
    private readonly parts: TrackerParts,
    private readonly own: AbsenceParts,
  ) {
    const { clock, log } = parts.ports;
    this.pulse = new Duty({ name: 'pulse', everyMs: pulseMs, clock, log, run: () => this.look() });
  }

  start(): void {
    this.own.grace.pulse();
    this.pulse.start();
  }

  stop(): Promise<void> {
    return this.pulse.stop();
  }

  /** To be called before anything is judged: the work of a tick is no lateness, a pause of the process is. */
  notice(): void {
    const { clock, transport } = this.parts.ports;
    const isLate = this.own.grace.pulse();
    if (isLate && this.isOnlyOne) this.miss(Number.NEGATIVE_INFINITY);
    if (transport.isUp()) return;
    // Who reaches nobody claims nothing: the reply would be lost.
    this.own.grace.begin();
    this.miss(clock.wallMs() - lateMs);
  }

  private miss(since: number): void {
    this.own.dispatch.pause();
    this.missedSince = Math.min(this.missedSince ?? since, since);
  }

  private async look(): Promise<void> {
    this.notice();
    if (this.parts.ports.transport.isUp()) await this.catchUp();
  }

  /**
   * Most often all were cut off. Where this tracker was alone in that, the others have fired these slots, or left one waiting for a
   * free worker, which is then taken for missed.
   */
  private async catchUp(): Promise<void> {
    const since = this.missedSince;
    if (since === undefined) return;
    this.missedSince = undefined;
    try {
      await this.own.judgeMissed(since);
    } catch (error) {
      // The store is away, too: nothing could be handed out, and the next look tries again. Any other failure must not stop all work.
      if (LtsError.is(error) && error.isRetryable) this.miss(since);
      throw error;
    } finally {
      if (this.missedSince === undefined) this.own.dispatch.goOn();
    }
  }

  private get isOnlyOne(): boolean {
    const { peers, settings } = this.parts;
    return peers.trackers().every((tracker) => tracker === settings.identity);
  }
}
