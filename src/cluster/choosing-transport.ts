/**
 * A node's Transport whose requests to any JobTracker go to the one that it chose. Whatever the registry says, nobody is stranded:
 * when those chosen are not there, any tracker is asked.
 */
import { LtsError } from '../errors.js';
import type { Message, MessageHandler, RequestOptions, Subscription, Transport } from '../ports/transport.js';
import type { TrackerChoice } from './tracker-choice.js';

export interface Choosing {
  readonly choice: TrackerChoice;
  /** Where any JobTracker is asked. */
  readonly any: string;
  /** Where one is asked: below `any`. */
  of(identity: string): string;
  /** The message kinds that choose; others go to any tracker as before. Default: all. */
  readonly kinds?: readonly string[] | undefined;
  /** Called after a request that was not answered in time, though the way to all is open. */
  readonly onSilence?: (() => void) | undefined;
}

/** Chosen trackers that are asked before any. Each that is gone costs a round trip, and a stale registry may list many. */
const chosenMax = 2;

export class ChoosingTransport implements Transport {
  readonly isForeign: boolean | undefined;
  private readonly trackerPrefix: string;

  constructor(
    private readonly inner: Transport,
    private readonly choosing: Choosing,
  ) {
    this.isForeign = inner.isForeign;
    this.trackerPrefix = `${choosing.any}.`;
  }

  /** After an unknown outcome the request is its sender's to repeat; it then goes to another tracker. */
  async request(subject: string, message: Message, options: RequestOptions): Promise<unknown> {
    if (!this.isToChoose(subject, message.kind)) return this.send(subject, message, options);
    for (let tries = 0; tries < chosenMax && this.inner.isUp(); tries++) {
      const identity = this.choosing.choice.next();
      if (identity === undefined) break;
      try {
        return await this.send(this.choosing.of(identity), message, options);
      } catch (error) {
        if (!LtsError.is(error, 'LTS_NO_TRACKER')) throw error;
      }
    }
    return this.send(subject, message, options);
  }

  publish(subject: string, message: Message): void {
    this.inner.publish(subject, message);
  }

  subscribe(subject: string, handler: MessageHandler, options?: { queue?: string }): Subscription {
    return this.inner.subscribe(subject, handler, options);
  }

  isUp(): boolean {
    return this.inner.isUp();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private isToChoose(subject: string, kind: string): boolean {
    const { any, kinds } = this.choosing;
    return subject === any && (kinds === undefined || kinds.includes(kind));
  }

  /** Shows who is there, by name or not. While the way to all is broken it shows nothing. */
  private async send(subject: string, message: Message, options: RequestOptions): Promise<unknown> {
    try {
      return await this.inner.request(subject, message, options);
    } catch (error) {
      if (this.inner.isUp() && LtsError.is(error)) this.heed(error, subject);
      throw error;
    }
  }

  private heed({ code }: LtsError, subject: string): void {
    const isSilent = code === 'LTS_TIMEOUT';
    if ((isSilent || code === 'LTS_NO_TRACKER') && subject.startsWith(this.trackerPrefix))
      this.choosing.choice.avoid(subject.slice(this.trackerPrefix.length));
    if (isSilent) this.choosing.onSilence?.();
  }
}
