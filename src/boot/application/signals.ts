/** The end of the process: the first SIGTERM or SIGINT drains, the second one ends it at once; so does a node that gave up, with code 1. */
import { constants } from 'node:os';
import type { Log } from '../../ports/log.js';
import { clock } from '../system-ports.js';

const names = ['SIGTERM', 'SIGINT'] as const;
/** A terminal and the npm that started us both pass the same Ctrl-C on. */
const sameSignalMs = 500;

export class Signals {
  private isStopping = false;
  private firstMono = 0;
  private readonly onSignal = (signal: (typeof names)[number]) => void this.hear(signal);

  constructor(
    private readonly stop: () => Promise<unknown>,
    private readonly log: Log,
  ) {}

  listen(): void {
    for (const name of names) process.on(name, this.onSignal);
  }

  ignore(): void {
    for (const name of names) process.off(name, this.onSignal);
  }

  /** Stops as the first signal does, and tells a supervisor to start the process again. */
  async fail(): Promise<void> {
    await this.stopAndExit(1);
  }

  private async hear(signal: (typeof names)[number]): Promise<void> {
    if (this.isStopping && clock.monoMs() - this.firstMono < sameSignalMs) return;
    if (this.isStopping) {
      this.log.warn({ signal }, 'a second signal: the process ends at once; what ran is run again elsewhere');
      // The conventional code of a process that a signal ended.
      process.exit(128 + constants.signals[signal]);
    }
    this.isStopping = true;
    this.firstMono = clock.monoMs();
    this.log.info({ signal }, 'stopping: what runs may finish; a second signal ends the process at once');
    await this.stopAndExit(0);
  }

  private async stopAndExit(code: number): Promise<void> {
    try {
      await this.stop();
      process.exit(code);
    } catch (error) {
      this.log.error({ error }, 'the application could not stop in order');
      process.exit(1);
    }
  }
}
