/**
 * Run: calls the user's runner for one claimed job, and nothing else does. The promise of `execute` always settles, with an
 * outcome: the runner returned or threw; or it was told to stop and its grace ended, then the run is given up, and what the
 * runner does afterwards counts for nothing.
 */
import { LtsError } from '../errors.js';
import { type BizLogger, JobContext, RunAborted, RunningJob } from '../job/context.js';
import type { AbortReason, JobRecord } from '../job/job.js';
import type { RunOutcome } from '../job/next-step.js';
import { Deferred } from '../kit/deferred.js';
import { runAsCurrent } from './current-run.js';
import { outcomeOfAbort, outcomeOfRefusal, outcomeOfReturn, outcomeOfThrow } from './outcome.js';
import type { WorkerPorts, WorkerSettings } from './worker-ports.js';

/** What a run tells while it goes on. */
export interface RunVoice {
  readonly bizLogger: BizLogger;
  readonly progress: (percent: number, text?: string) => void;
}

/** What a run needs of its worker. */
export interface RunParts {
  readonly ports: Pick<WorkerPorts, 'runners' | 'codec' | 'clock'>;
  readonly settings: Required<Pick<WorkerSettings, 'nodeGroup' | 'abortGraceMs'>>;
}

export class Run {
  private controller: AbortController | undefined;
  private aborted: RunAborted | undefined;
  private spoken: RunVoice | undefined;
  private readonly over = new Deferred<RunOutcome>();
  /** Made only for runs that need a timer: most never do, and making one costs more than the rest of a run. */
  private timers: AbortController | undefined;
  /** The outcome stands. */
  private isOver = false;
  /** The user's code came back. */
  isReturned = false;

  constructor(
    private readonly parts: RunParts,
    readonly job: JobRecord,
    private readonly voiceOf: (job: JobRecord) => RunVoice,
  ) {}

  get runId(): string {
    return this.job.status.runId ?? '';
  }

  execute(): Promise<RunOutcome> {
    void this.call();
    if (this.job.body.timeoutMs !== undefined) void this.keepTime(this.job.body.timeoutMs);
    return this.over.promise;
  }

  /** Fires the run's signal, once; after the grace the run is given up. */
  abort(reason: AbortReason): void {
    if (this.isOver || this.aborted) return;
    this.aborted = new RunAborted(reason);
    this.controller?.abort(this.aborted);
    void this.giveUpAfterGrace();
  }

  private signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.aborted);
    }
    return this.controller.signal;
  }

  private async call(): Promise<void> {
    const { runners, codec } = this.parts.ports;
    let outcome: RunOutcome;
    let isUsersTurn = false;
    try {
      const runner = runners.find(this.job.body.processor);
      if (!runner) throw this.unknownRunner();
      const context = this.context();
      isUsersTurn = true;
      outcome = outcomeOfReturn(await runAsCurrent(runner, context), codec);
    } catch (thrown) {
      outcome = isUsersTurn ? outcomeOfThrow(thrown) : outcomeOfRefusal(thrown);
    }
    this.isReturned = true;
    // A success counts even when it came after the abort: the work is done.
    this.end(this.aborted && outcome.kind !== 'success' ? outcomeOfAbort(this.aborted) : outcome);
  }

  private end(outcome: RunOutcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.timers?.abort(this);
    this.over.resolve(outcome);
  }

  private async keepTime(timeoutMs: number): Promise<void> {
    await this.sleep(timeoutMs);
    this.abort('timeout');
  }

  private async giveUpAfterGrace(): Promise<void> {
    await this.sleep(this.parts.settings.abortGraceMs);
    this.giveUp();
  }

  /** Waits no longer for a run that was told to stop: from now on its code can change nothing. */
  giveUp(): void {
    if (this.aborted) this.end(outcomeOfAbort(this.aborted));
  }

  private voice(): RunVoice {
    this.spoken ??= this.voiceOf(this.job);
    return this.spoken;
  }

  private sleep(ms: number): Promise<void> {
    this.timers ??= new AbortController();
    return this.parts.ports.clock.sleep(ms, this.timers.signal);
  }

  private context(): JobContext {
    const { jobId, body, status } = this.job;
    const params = this.parts.ports.codec.decode(body.params) as Record<string, unknown>;
    return new JobContext({
      job: new RunningJob(jobId, body.taskId, params, body.priority),
      nodeGroup: this.parts.settings.nodeGroup,
      runId: this.runId,
      attempt: status.attempt,
      retryTimes: status.retryTimes,
      slot: body.origin?.slot,
      scheduledFor: new Date(body.origin?.slot.at ?? status.dueAt ?? body.submittedAt),
      bizLogger: () => this.voice().bizLogger,
      signal: () => this.signal(),
      reportProgress: (percent, text) => this.voice().progress(percent, text),
    });
  }

  private unknownRunner(): LtsError {
    const { processor } = this.job.body;
    const known = this.parts.ports.runners.ids().map(({ id }) => id);
    const wanted = processor === undefined ? 'a job that names no processor' : `processor ${JSON.stringify(processor)}`;
    const text = `This node has no runner for ${wanted}. Known: ${known.slice(0, 50).join(', ') || '(none)'}.`;
    return new LtsError('LTS_RUNNER_UNKNOWN', text);
  }
}
