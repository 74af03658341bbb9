/** Something a node does again and again until it stops. */
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';

export interface DutyOptions {
  readonly name: string;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** One round. What it throws is logged; the next round comes all the same. */
  readonly run: () => Promise<void>;
}

export class Duty {
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly options: DutyOptions) {}

  /** The first round comes after `everyMs`, the others at this rate; after a long one there is a pause all the same. */
  start(): void {
    this.ended = this.loop();
  }

  /** Resolves when no round is under way. */
  async stop(): Promise<void> {
    this.stopping.abort(this);
    await this.ended;
  }

  private async loop(): Promise<void> {
    const { clock, everyMs, log, name, run } = this.options;
    const { signal } = this.stopping;
    for (let restMs = everyMs; !signal.aborted; ) {
      await clock.sleep(restMs, signal);
      if (signal.aborted) return;
      const began = clock.monoMs();
      try {
        await run();
      } catch (error) {
        log.error({ duty: name, error }, `${name} failed; it is tried again in ${everyMs} ms`);
      }
      restMs = Math.max(everyMs / 10, everyMs - (clock.monoMs() - began));
    }
  }
}
