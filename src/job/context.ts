/** What a runner is handed: the job, where in its life this run stands, and the means to log, report and stop. */
import type { AbortReason, Slot } from './job.js';

/** The reason in a run's AbortSignal; what the runner throws because of it is not its own failure. */
export class RunAborted extends Error {
  override readonly name = 'RunAborted';

  constructor(readonly reason: AbortReason) {
    super(`The run is to stop: ${reason}.`);
  }
}

/** The current run's lines, kept under the job. Never throws and never waits. */
export interface BizLogger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** The job as its runner sees it. */
export class RunningJob<P = Record<string, unknown>> {
  constructor(
    readonly jobId: string,
    readonly taskId: string | undefined,
    readonly params: P,
    readonly priority: number,
  ) {}

  getParam<K extends keyof P>(name: K): P[K] {
    return this.params?.[name] as P[K];
  }
}

export interface JobContextFields<P> {
  readonly job: RunningJob<P>;
  readonly nodeGroup: string;
  readonly runId: string;
  readonly attempt: number;
  readonly retryTimes: number;
  readonly slot: Slot | undefined;
  readonly scheduledFor: Date;
  /** The next two are made when the runner first asks for them: most runs never do. */
  readonly bizLogger: () => BizLogger;
  readonly signal: () => AbortSignal;
  readonly reportProgress: (percent: number, text?: string) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: params are the user's own data; a typed submit narrows them.
export class JobContext<P = Record<string, any>> {
  readonly job: RunningJob<P>;
  /** The group this run was dispatched to. */
  readonly nodeGroup: string;
  /** Names this run; a result counts only while it is the job's current one. */
  readonly runId: string;
  /** 1 for the first run of this job, retries and losses included. */
  readonly attempt: number;
  /** 0 for the first run; grows with each retry, not with losses. */
  readonly retryTimes: number;
  /** Run number of a periodic job, from 1; 0 for one-shot jobs. */
  readonly repeatedCount: number;
  /** When this run was due. */
  readonly scheduledFor: Date;
  private readonly fields: JobContextFields<P>;

  constructor(fields: JobContextFields<P>) {
    this.job = fields.job;
    this.nodeGroup = fields.nodeGroup;
    this.runId = fields.runId;
    this.attempt = fields.attempt;
    this.retryTimes = fields.retryTimes;
    this.repeatedCount = fields.slot?.run ?? 0;
    this.scheduledFor = fields.scheduledFor;
    this.fields = fields;
  }

  /** The same run with other params: what a schema made of them. */
  withParams<Q>(params: Q): JobContext<Q> {
    const { jobId, taskId, priority } = this.job;
    return new JobContext({ ...this.fields, job: new RunningJob(jobId, taskId, params, priority) });
  }

  /** Lines that are kept under this job. */
  get bizLogger(): BizLogger {
    return this.fields.bizLogger();
  }

  /** Fires when the run should stop; its reason is a RunAborted that says why: cancelled, timeout, lease-lost or shutdown. */
  get signal(): AbortSignal {
    return this.fields.signal();
  }

  /** `progress(percent, text?)` tells watchers how far the run is, 0 to 100. A getter, so that it may be taken out of the context. */
  get progress(): JobContextFields<P>['reportProgress'] {
    return this.fields.reportProgress;
  }
}
