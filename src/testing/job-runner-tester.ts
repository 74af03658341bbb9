/** Runs one runner once, as a TaskTracker would, with a context made up by the test: no cluster, no store, no retry. */
import { isRunnerClass } from '../boot/beans/bean-plan.js';
import type { RunnerOptions } from '../boot/runner-table.js';
import { contractOfClass } from '../boot/submitting/target.js';
import { chance, clock, codec, ids } from '../boot/system-ports.js';
import { isProcessorDefinition, type ProcessorDefinition } from '../decorators/define-processor.js';
import { processorMarkOf } from '../decorators/marks.js';
import { LtsError } from '../errors.js';
import type { Class } from '../job/contract.js';
import { type AbortReason, Action, type JobRecord, newStatus } from '../job/job.js';
import type { LogLevel } from '../job/log-line.js';
import type { RunOutcome } from '../job/next-step.js';
import { type Duration, durationMs } from '../kit/duration.js';
import { Chance } from '../ports/chance.js';
import { Clock } from '../ports/clock.js';
import { Ids } from '../ports/ids.js';
import type { Runners } from '../ports/runners.js';
import { Run, type RunVoice } from '../task-tracker/run.js';
import { openTestBeans, type TestBeansOptions } from './test-cluster/test-beans.js';

/** A class, an instance of one (then its constructor's arguments are the test's own affair), a function of the context, a definition. */
// biome-ignore lint/suspicious/noExplicitAny: a runner of any params.
export type RunnerUnderTest = Class | object | ((context: any) => unknown) | ProcessorDefinition<any, any, any>;

export interface JobRunnerTesterOptions extends Pick<TestBeansOptions, 'container' | 'bindings'> {
  /** The method marked `@JobHandler`. Default: `run`. */
  readonly method?: string | undefined;
}

/** The job and where in its life this run stands; everything has a default. */
export interface TestedRun {
  readonly params?: unknown;
  readonly jobId?: string | undefined;
  readonly taskId?: string | undefined;
  /** Default 'lts'. */
  readonly nodeGroup?: string | undefined;
  /** Default 100. */
  readonly priority?: number | undefined;
  /** Default 1. */
  readonly attempt?: number | undefined;
  /** Default: one less than `attempt`. */
  readonly retryTimes?: number | undefined;
  /** Run number of a periodic job. Default: the job is not periodic. */
  readonly repeatedCount?: number | undefined;
  /** Default: now. */
  readonly scheduledFor?: Date | undefined;
  /** The run is told to stop when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** The run is told to stop after this (real) time. */
  readonly abortAfter?: Duration | undefined;
  /** What `context.signal.reason` says then. Default 'cancelled'. */
  readonly abortReason?: AbortReason | undefined;
  /** A run that was told to stop and does not return within this time is given up. Default 1 s. */
  readonly abortGrace?: Duration | undefined;
}

/** What became of the run, as the JobTracker would hear it. */
export interface TestedRunReport {
  /** Of a run that threw, or was told to stop and did not succeed: EXECUTE_EXCEPTION. */
  readonly action: Action;
  readonly message: string | undefined;
  /** The job's result, as it comes back from JSON. */
  readonly value: unknown;
  /** In ms; what `Result.later` asked for. */
  readonly delay: number | undefined;
  readonly logs: readonly { readonly level: LogLevel; readonly text: string }[];
  readonly progress: readonly { readonly percent: number; readonly text: string | undefined }[];
  /** What the runner threw. */
  readonly error: unknown;
}

export class JobRunnerTester {
  private readonly named: Named;

  /** Throws LTS_PROCESSOR_INVALID for what is no runner, or has no such method. */
  constructor(
    runner: RunnerUnderTest,
    private readonly options: JobRunnerTesterOptions = {},
  ) {
    this.named = namedRunner(runner, options.method);
  }

  /**
   * Builds the runner, runs it once and takes the beans down again; of an instance, the same one runs each time. Params go through
   * JSON and are checked by the runner's schema. Real time passes; the Clock is the real one unless `bindings` say otherwise.
   * Throws LTS_PROCESSOR_INVALID for a class that cannot be built, LTS_PAYLOAD_INVALID for params that are no plain data.
   */
  async run(tested: TestedRun = {}): Promise<TestedRunReport> {
    const { container, bindings = [] } = this.options;
    const { listed, processor, own } = this.named;
    const ports = [
      { token: Clock, value: clock },
      { token: Chance, value: chance },
      { token: Ids, value: ids },
    ];
    const beans = await openTestBeans({ ...listed, container, bindings: [...own, ...bindings] }, ports);
    try {
      return await runOnce(beans, processor, tested);
    } finally {
      await beans.close();
    }
  }
}

/** How the beans are told of the runner, and by what name it is found among them. */
interface Named {
  readonly listed: RunnerOptions;
  readonly processor: string | undefined;
  readonly own: readonly { readonly token: Class; readonly value: object }[];
}

function namedRunner(runner: RunnerUnderTest, method: string | undefined): Named {
  if (isProcessorDefinition(runner)) return { listed: { processors: [runner] }, processor: runner.processor, own: [] };
  const type = isClass(runner) ? runner : (runner.constructor as Class);
  const own = isClass(runner) ? [] : [{ token: type, value: runner }];
  if (processorMarkOf(type)) {
    return { listed: { processors: [type] }, processor: contractOfClass(type, method).processor, own };
  }
  if (method !== undefined) {
    throw invalid(
      `${type.name} is not marked @Processor, so its method ${method} is no handler. Mark the class, or test a function.`,
    );
  }
  if (isClass(runner) && !isRunnerClass(runner))
    throw invalid(`${type.name} has no run(context). Add it, or name a method.`);
  return { listed: { jobRunner: runner as NonNullable<RunnerOptions['jobRunner']> }, processor: undefined, own: [] };
}

/** Only the prototype of a class cannot be replaced. */
const isClass = (runner: RunnerUnderTest): runner is Class =>
  typeof runner === 'function' && Object.getOwnPropertyDescriptor(runner, 'prototype')?.writable === false;

const invalid = (text: string): LtsError => new LtsError('LTS_PROCESSOR_INVALID', text);

async function runOnce(beans: Runners, processor: string | undefined, tested: TestedRun): Promise<TestedRunReport> {
  const { signal, abortReason = 'cancelled', abortAfter, abortGrace = '1s', nodeGroup = 'lts' } = tested;
  const voice = new HeardVoice();
  const runners = new NotedRunners(beans);
  const settings = { nodeGroup, abortGraceMs: durationMs(abortGrace, 'abortGrace') };
  const run = new Run({ ports: { runners, codec, clock }, settings }, recordOf(tested, processor), () => voice);
  const abort = () => run.abort(abortReason);
  const over = new AbortController();
  signal?.addEventListener('abort', abort, { once: true, signal: over.signal });
  try {
    const outcome = run.execute();
    if (signal?.aborted) abort();
    if (abortAfter !== undefined) {
      void clock.sleep(durationMs(abortAfter, 'abortAfter'), over.signal).then(abort);
    }
    return { ...shownOutcome(await outcome), logs: voice.logs, progress: voice.told, error: runners.thrown };
  } finally {
    over.abort();
  }
}

function recordOf(tested: TestedRun, processor: string | undefined): JobRecord {
  const { attempt = 1, retryTimes = attempt - 1, taskId, nodeGroup = 'lts', priority = 100, repeatedCount } = tested;
  const dueAt = tested.scheduledFor?.getTime() ?? clock.wallMs();
  const retry = { maxRetryTimes: 10, intervalMs: 30_000, backoff: 'fixed', intervalMaxMs: 3_600_000 } as const;
  const slot = { id: String(repeatedCount), at: dueAt, run: repeatedCount ?? 0 };
  const origin = repeatedCount === undefined ? undefined : { scheduleId: 'tested', generation: 1, slot };
  const params = codec.encode(tested.params ?? {}, 'params');
  const runId = ids.random();
  return {
    jobId: tested.jobId ?? ids.jobId(),
    body: {
      nodeGroup,
      taskId,
      processor,
      params,
      priority,
      lane: '',
      retry,
      needFeedback: false,
      submittedAt: dueAt,
      origin,
    },
    status: { ...newStatus, state: 'executing', runId, attempt, retryTimes, dueAt },
  };
}

const actions: Readonly<Record<RunOutcome['kind'], Action>> = {
  success: Action.EXECUTE_SUCCESS,
  failed: Action.EXECUTE_FAILED,
  later: Action.EXECUTE_LATER,
  exception: Action.EXECUTE_EXCEPTION,
  timeout: Action.EXECUTE_EXCEPTION,
  returned: Action.EXECUTE_EXCEPTION,
  missed: Action.EXECUTE_EXCEPTION,
  lost: Action.EXECUTE_EXCEPTION,
};

function shownOutcome(outcome: RunOutcome): Pick<TestedRunReport, 'action' | 'message' | 'value' | 'delay'> {
  const result = outcome.kind === 'success' ? outcome.result : undefined;
  return {
    action: actions[outcome.kind],
    message: outcome.message,
    value: result === undefined ? undefined : codec.decode(result),
    delay: outcome.kind === 'later' ? outcome.delayMs : undefined,
  };
}

class HeardVoice implements RunVoice {
  readonly logs: { level: LogLevel; text: string }[] = [];
  readonly told: { percent: number; text: string | undefined }[] = [];
  readonly bizLogger = {
    debug: (text: string) => void this.logs.push({ level: 'DEBUG', text }),
    info: (text: string) => void this.logs.push({ level: 'INFO', text }),
    warn: (text: string) => void this.logs.push({ level: 'WARN', text }),
    error: (text: string) => void this.logs.push({ level: 'ERROR', text }),
  };
  readonly progress = (percent: number, text?: string) => void this.told.push({ percent, text });
}

/** The same runners; what they throw is noted before it becomes text. */
class NotedRunners implements Runners {
  thrown: unknown;

  constructor(private readonly inner: Runners) {}

  ids() {
    return this.inner.ids();
  }

  find(processor: string | undefined) {
    const runner = this.inner.find(processor);
    if (!runner) return undefined;
    const run: typeof runner.run = async (context) => {
      try {
        return await runner.run(context);
      } catch (error) {
        this.thrown = error;
        throw error;
      }
    };
    return { id: runner.id, run };
  }
}
