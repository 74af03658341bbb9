/**
 * The runs whose handlers have not come back, and what each of them waits for. Virtual time must not pass while a handler reads
 * a file, and must pass while it sleeps by the virtual clock:
 *
 *   real      the handler awaits something else than virtual time: time stands still for it, at most `realWaitMs`
 *   virtual   it awaits the virtual clock, or the cluster through its JobClient: time passes
 *   given up  `realWaitMs` are over: it is taken to wait for virtual time after all, such as for its abort signal
 *   back      it returned or threw; the cluster hears of it when no handler is in real work, in the order in which runs started
 */
import { SystemClock } from '../../adapters/system/system-clock.js';
import type { JobContext } from '../../job/context.js';
import { Deferred } from '../../kit/deferred.js';
import type { Clock } from '../../ports/clock.js';
import { currentRun } from '../../task-tracker/current-run.js';
import type { NodeLife } from '../node-life.js';
import { settled } from '../virtual-time.js';

/** Promises and short reads settle within so many turns, which cost 0.1 ms in all; then it waits in steps of a millisecond. */
const turnsMax = 50;

interface OpenRun {
  readonly life: NodeLife;
  readonly name: string;
  /** Virtual waits under way. */
  virtual: number;
  /** Steps that time stood still for it. */
  turns: number;
  isBack: boolean;
  readonly heard: Deferred<void>;
}

export interface OpenRunsOptions {
  /** Real milliseconds that virtual time stands still for one handler. */
  readonly realWaitMs: number;
  /** Hears once of each run that took longer. */
  readonly onGivenUp: (name: string) => void;
}

export class OpenRuns {
  /** In the order in which they started. */
  private readonly runs = new Map<JobContext, OpenRun>();
  private readonly real = new SystemClock();

  constructor(private readonly options: OpenRunsOptions) {}

  /** Calls the handler of one run, on the node that lives this life. The run must be the current one. */
  async call(context: JobContext, life: NodeLife, handler: () => unknown): Promise<unknown> {
    const name = `job ${context.job.jobId}, attempt ${context.attempt} on ${life.name}`;
    const run: OpenRun = { life, name, virtual: 0, turns: 0, isBack: false, heard: new Deferred() };
    this.runs.set(context, run);
    try {
      return await handler();
    } finally {
      run.isBack = true;
      await run.heard.promise;
    }
  }

  /** The calling code belongs to a run whose handler has not come back. */
  get isInside(): boolean {
    return this.caller !== undefined;
  }

  /** The life of the node that the calling handler runs on. */
  get life(): NodeLife | undefined {
    return this.caller?.life;
  }

  /** Time passes for the calling handler until the promise settles. */
  async virtually<T>(promise: Promise<T>): Promise<T> {
    const run = this.caller;
    if (!run) return promise;
    run.virtual++;
    try {
      return await promise;
    } finally {
      run.virtual--;
      run.turns = 0;
    }
  }

  /** Handlers that have not come back though time does not wait for them any more. */
  stuck(): string[] {
    const stuck = [...this.runs.values()].filter((run) => this.isGivenUp(run) && !run.isBack && run.virtual === 0);
    return stuck.map(({ name }) => name);
  }

  /** Lets everything settle that needs no virtual time. */
  async settle(): Promise<void> {
    await settled();
    while (this.runs.size > 0) {
      await this.waitForRealWork();
      if (!this.hear()) return;
      await settled();
    }
  }

  private get caller(): OpenRun | undefined {
    const context = currentRun();
    return context && this.runs.get(context);
  }

  private async waitForRealWork(): Promise<void> {
    for (;;) {
      const waiting = [...this.runs.values()].filter((run) => this.isInRealWork(run));
      if (waiting.length === 0) return;
      const turns = Math.min(...waiting.map((run) => run.turns));
      await (turns < turnsMax ? settled() : this.real.sleep(1));
      for (const run of waiting) this.countTurn(run);
    }
  }

  private countTurn(run: OpenRun): void {
    run.turns++;
    if (this.isGivenUp(run) && !run.isBack && run.virtual === 0) this.options.onGivenUp(run.name);
  }

  private isInRealWork(run: OpenRun): boolean {
    return !run.isBack && run.virtual === 0 && run.life.isAlive && !this.isGivenUp(run);
  }

  private isGivenUp(run: OpenRun): boolean {
    return run.turns >= turnsMax + this.options.realWaitMs;
  }

  /** Whoever is back goes on; what became of runs on a dead node nobody hears. */
  private hear(): boolean {
    let count = 0;
    for (const [context, run] of this.runs) {
      if (run.life.isAlive && !run.isBack) continue;
      this.runs.delete(context);
      if (run.life.isAlive) run.heard.resolve();
      count++;
    }
    return count > 0;
  }
}

/** The Clock that handlers are given: the clock of the node they run on; while they sleep by it, time passes. */
export class HandlerClock implements Clock {
  constructor(
    private readonly runs: OpenRuns,
    private readonly clockOf: (life: NodeLife | undefined) => Clock,
  ) {}

  wallMs(): number {
    return this.clockOf(this.runs.life).wallMs();
  }

  monoMs(): number {
    return this.clockOf(this.runs.life).monoMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.runs.virtually(this.clockOf(this.runs.life).sleep(ms, signal));
  }

  endOfTurn(): Promise<void> {
    return this.runs.virtually(this.clockOf(this.runs.life).endOfTurn());
  }
}
