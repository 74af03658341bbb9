/** JobClient as users construct it: submit in LTS's way or typed, and the means to follow, control and explain a job. */

import { type LoadBalance, loadBalances } from '../cluster/tracker-choice.js';
import { LtsError } from '../errors.js';
import type { JobContract } from '../job/contract.js';
import type { Job, JobRecord } from '../job/job.js';
import type { Counts, ListPage, ListRequest } from '../job/listing.js';
import type { JobLogLine } from '../job/log-line.js';
import type { JobResult } from '../job/result.js';
import { checkName, checkOneOf, checkWhole } from '../job/validate.js';
import type { FollowOptions, JobEvent } from '../job-client/follow.js';
import { JobClientRole } from '../job-client/job-client.js';
import type { SubmitOptions } from '../job-client/submit.js';
import { shown } from '../kit/shown.js';
import type { ControlAnswer, Explanation, JobEdit, JobKey } from '../protocol/messages.js';
import { checkNodeOptions, checkOptions, type NodeOptions } from './node-options.js';
import { OnceStarted } from './once-started.js';
import { choosing } from './places/chosen-tracker.js';
import { enterPlace, membershipOf, type PlacedNode, startNode, stopNode } from './places/placed-node.js';
import type { Draft } from './submitting/draft.js';
import type { AskOptions, JobSource, Submitted } from './submitting/job-handle.js';
import { type Response, readField, responseOf } from './submitting/response.js';
import type { TypedSubmit, TypedSubmitAll, TypedSubmitAndWait } from './submitting/submit-types.js';
import { Submitting } from './submitting/submitting.js';
import { clock, codec, ids, schemas } from './system-ports.js';

export interface JobClientOptions extends NodeOptions {
  /** The submitting group: its clients get the feedback. Default 'lts'. */
  readonly nodeGroup?: string | undefined;
  /** Hears of ended jobs of this group, within 30 s, else the same come again; with it, jobs ask for feedback unless they say otherwise. */
  readonly jobCompletedHandler?:
    | { onComplete(results: JobResult[]): unknown }
    | ((results: JobResult[]) => unknown)
    | undefined;
  /** A submission that no tracker answers goes to the FailStore and is sent later. Default true. */
  readonly useRetryClient?: boolean | undefined;
  /** A submit settles within this time, in ms. Default 5,000. */
  readonly submitWithinMs?: number | undefined;
  /**
   * Which JobTracker each request goes to: any ('random', default), each in turn ('round-robin'), one of its own that changes only
   * with the trackers ('consistent-hash'), or the master ('master-slave'). If that one is not there, another.
   */
  readonly loadBalance?: LoadBalance | undefined;
  /** The contracts known in this process: jobs that name such a processor get its defaults, and its schema checks their params. */
  readonly contractOf?: ((processor: string) => JobContract | undefined) | undefined;
}

function checkHandler(handler: JobClientOptions['jobCompletedHandler']): void {
  if (handler === undefined || typeof handler === 'function' || typeof handler?.onComplete === 'function') return;
  throw new LtsError(
    'LTS_CONFIG_INVALID',
    'jobCompletedHandler: give a function, or an object with onComplete(results).',
  );
}

const ownKeys = ['nodeGroup', 'jobCompletedHandler', 'useRetryClient', 'submitWithinMs', 'loadBalance', 'contractOf'];

/** Of which job: its jobId or key, or LTS's (taskId, nodeGroup). */
type WhichJob =
  | [key: string | JobKey, options?: AskOptions | undefined]
  | [taskId: string, nodeGroup: string, options?: AskOptions | undefined];

/** What a JobClient needs of its role. */
export type ClientRole = Pick<JobClientRole, 'submit' | 'result' | 'events' | 'ask'>;

/** Submits, follows and controls jobs. LTS's RetryJobClient is the same class: what no tracker answered is kept and sent later, by default. */
export class JobClient implements JobSource {
  private readonly once = new OnceStarted<PlacedNode<JobClientRole>>();
  private readonly submitting: Submitting;

  /**
   * Throws LTS_CONFIG_INVALID, naming the option. `given` is the role of a client that runs elsewhere, as in a test cluster: then
   * start and stop do nothing, and of the options only `contractOf` counts.
   */
  constructor(
    private readonly options: JobClientOptions = {},
    private readonly given?: ClientRole,
  ) {
    checkOptions(() => {
      checkNodeOptions(options, ownKeys);
      checkHandler(options.jobCompletedHandler);
      checkName('nodeGroup', options.nodeGroup ?? 'lts');
      checkWhole('submitWithinMs', options.submitWithinMs ?? 1, { min: 1, max: 3_600_000 });
      checkOneOf('loadBalance', options.loadBalance ?? 'random', loadBalances);
    });
    const send = (job: Job, how?: SubmitOptions) => submitOne(this.role(), job, how);
    const checkWithinMs = options.submitWithinMs ?? 5_000;
    this.submitting = new Submitting({ source: this, send, schemas, codec, clock, checkWithinMs });
  }

  /** Between a start and the stop that follows it. */
  get isRunning(): boolean {
    return this.once.now !== undefined;
  }

  async start(): Promise<this> {
    if (!this.given) await this.once.start((interruption) => this.open(interruption));
    return this;
  }

  private async open(interruption: AbortSignal): Promise<PlacedNode<JobClientRole>> {
    const { loadBalance } = this.options;
    const entered = await enterPlace(this.options, 'JOB_CLIENT', { stop: () => this.stop(), interruption });
    const place = await choosing(entered, { loadBalance });
    const { nodeGroup = 'lts', useRetryClient = true, submitWithinMs = 5_000, jobCompletedHandler } = this.options;
    const onComplete =
      typeof jobCompletedHandler === 'object'
        ? (results: JobResult[]) => jobCompletedHandler.onComplete(results)
        : jobCompletedHandler;
    const { cluster, identity, transport, failStore, log, oldDataHandler } = place;
    const role = new JobClientRole(
      { transport, failStore, codec, clock, ids, log, oldDataHandler },
      { cluster, identity, nodeGroup, useRetryClient, submitWithinMs, onComplete },
    );
    return startNode({ place, role, membership: membershipOf(place, this.options, { nodeGroup }) });
  }

  /**
   * Ends within the deadline (default 25,000 ms), and so does every submit under way: by its answer, or as one that nobody answered.
   * Open waits for results end with LTS_NOT_STARTED.
   */
  async stop(deadlineMs = 25_000): Promise<void> {
    await this.once.stop((node) => stopNode(node, deadlineMs, (role) => role.stop(deadlineMs)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** One job or many; each settles within the deadline with its own Response. Throws only LTS_NOT_STARTED. */
  submitJob(job: Job, options?: SubmitOptions): Promise<Response>;
  submitJob(jobs: readonly Job[], options?: SubmitOptions): Promise<Response[]>;
  async submitJob(jobs: Job | readonly Job[], options?: SubmitOptions): Promise<Response | Response[]> {
    const role = this.role();
    if (this.options.contractOf) return this.submitKnown(jobs, options?.signal);
    if (isMany(jobs)) return Promise.all(jobs.map((job) => submitOne(role, job, options)));
    // Not as a list of one: that would cost 0.2 µs more for each job, twice as much (2026-11).
    return submitOne(role, jobs, options);
  }

  /** What the builder submits: jobs, some of them with their contract. Throws only LTS_NOT_STARTED. */
  async submitDrafts(drafts: readonly Draft[]): Promise<Submitted[]> {
    this.role();
    return this.submitting.submitDrafts(
      drafts.map((draft) => ({ ...draft, contract: draft.contract ?? this.contractOf(draft.job) })),
    );
  }

  /**
   * `submit(Orders, 'sync', params, options?)` for a method, `submit(SpringBean, params, options?)` for a class with `run`,
   * `submit(contract, params, options?)` for what defineJob made. Options win over the contract's defaults, these over the client's.
   * Throws unless the job was accepted, replaced, kept locally or is a duplicate: LTS_PARAMS_INVALID, LTS_JOB_INVALID, LTS_CRON_INVALID,
   * LTS_DURATION_INVALID, LTS_PAYLOAD_INVALID, LTS_PAYLOAD_TOO_LARGE, LTS_BUSY, LTS_NO_TRACKER, LTS_TIMEOUT (it may have been accepted),
   * LTS_ABORTED, LTS_PROCESSOR_INVALID, LTS_NOT_STARTED.
   */
  readonly submit: TypedSubmit = async (...list: unknown[]): Promise<never> => {
    this.role();
    return (await this.submitting.submit(list)) as never;
  };

  /** `submit` and then the job's value, waited for 5 minutes or `waitTimeout`. Throws as `submit` and `result` do. */
  readonly submitAndWait: TypedSubmitAndWait = async (...list: unknown[]): Promise<never> => {
    this.role();
    return (await this.submitting.submitAndWait(list)) as never;
  };

  /**
   * Many typed submits at once, each written as the argument list of `submit`: `[[Orders, 'sync', params], [contract, params, options]]`.
   * Handles come in the same order. A job that was not accepted does not throw: its handle says so in `success`, `code` and `msg`.
   */
  readonly submitAll: TypedSubmitAll = async (items) => {
    this.role();
    return (await this.submitting.submitAll(items)) as never;
  };

  /** The job's value once it succeeded. Throws LTS_JOB_FAILED, LTS_TIMEOUT, LTS_ABORTED, LTS_JOB_NOT_FOUND. */
  async result(jobId: string, options?: FollowOptions): Promise<unknown> {
    return this.role().result(jobId, options);
  }

  /** The job's states, progress and log lines until it ended. Throws as `result` does, except LTS_JOB_FAILED. */
  events(jobId: string, options?: FollowOptions): AsyncGenerator<JobEvent, void, void> {
    return this.role().events(jobId, options);
  }

  /** Undefined when no such job is known (any more). By taskId only open jobs are found. */
  async getJob(...which: WhichJob): Promise<JobRecord | undefined> {
    const { key, signal } = keyOf(which);
    return (await this.role().ask('GetJob', key, signal)).job;
  }

  async listJobs(request: Partial<ListRequest> = {}): Promise<ListPage> {
    return this.role().ask('ListJobs', { limit: 100, ...request });
  }

  /** Number of jobs by node group and state. */
  async countJobs(): Promise<Counts> {
    return (await this.role().ask('CountJobs', {})).counts;
  }

  /** Lines after the cursor, and the cursor for what comes later. */
  async readLog(
    jobId: string,
    cursor?: string,
    options?: AskOptions,
  ): Promise<{ lines: readonly JobLogLine[]; cursor?: string | undefined }> {
    return this.role().ask('ReadLog', { jobId, cursor, limit: 500 }, options?.signal);
  }

  /** One primary reason why the job is not running, or what became of it. Throws LTS_JOB_NOT_FOUND. */
  async explain(...which: WhichJob): Promise<Explanation> {
    const { key, signal } = keyOf(which);
    return this.role().ask('ExplainJob', key, signal);
  }

  /** By jobId, or by taskId and nodeGroup. The receipt tells what was reached. Throws LTS_JOB_NOT_FOUND. */
  async cancelJob(...which: WhichJob): Promise<ControlAnswer> {
    const { key, signal } = keyOf(which);
    return this.role().ask('CancelJob', key, signal);
  }

  /** The same as `cancelJob`. */
  cancel(...which: WhichJob): Promise<ControlAnswer> {
    return this.cancelJob(...which);
  }

  /** Holds a waiting job or a schedule. Throws LTS_JOB_NOT_FOUND, LTS_STATE_CONFLICT. */
  async suspendJob(key: string | JobKey): Promise<ControlAnswer> {
    return this.role().ask('SuspendJob', keyOf([key]).key);
  }

  /** Goes on with a suspended job, or with a schedule's next slot. Throws LTS_JOB_NOT_FOUND, LTS_STATE_CONFLICT. */
  async resumeJob(key: string | JobKey): Promise<ControlAnswer> {
    return this.role().ask('ResumeJob', keyOf([key]).key);
  }

  /** Runs a waiting job now, or a schedule once beside its slots. The same requestId again runs nothing more. */
  async triggerJob(key: string | JobKey, requestId: string = ids.random()): Promise<ControlAnswer> {
    return this.role().ask('TriggerJob', { ...keyOf([key]).key, requestId });
  }

  /** Changes a waiting job or a schedule; `params` are plain data. */
  async editJob(key: string | JobKey, edit: Omit<JobEdit, 'params'> & { params?: unknown }): Promise<ControlAnswer> {
    const { params, ...rest } = edit ?? {};
    const encoded = params === undefined ? rest : { ...rest, params: codec.encode(params, 'params') };
    return this.role().ask('EditJob', { ...keyOf([key]).key, edit: encoded });
  }

  /** Jobs of processors known here go through their contracts; the others as they are. */
  private async submitKnown(
    jobs: Job | readonly Job[],
    signal: AbortSignal | undefined,
  ): Promise<Response | Response[]> {
    const list = isMany(jobs) ? jobs : [jobs];
    const submitted = await this.submitDrafts(list.map((job) => ({ job, signal })));
    const responses = submitted.map(({ response }) => response);
    return isMany(jobs) ? responses : (responses[0] as Response);
  }

  private contractOf(job: Job): JobContract | undefined {
    const processor = readField(job, 'processor');
    return processor === undefined ? undefined : this.options.contractOf?.(processor);
  }

  private role(): ClientRole {
    if (this.given) return this.given;
    if (this.once.now) return this.once.now.role;
    throw new LtsError('LTS_NOT_STARTED', notRunningText);
  }
}

/** Also met by beans that have the client injected: their constructors run before it starts. */
const notRunningText =
  'The JobClient is not running. Call start() first and await it; in an application it starts after the beans are built: submit from a method, or after LtsApplication.run.';

async function submitOne(role: ClientRole, job: Job, options: SubmitOptions | undefined): Promise<Response> {
  return responseOf(job, await role.submit(job, options));
}

function isMany(jobs: Job | readonly Job[]): jobs is readonly Job[] {
  try {
    return Array.isArray(jobs);
  } catch {
    // A revoked Proxy: it is answered as a job that cannot be read.
    return false;
  }
}

function keyOf([key, second, third]: WhichJob): { key: JobKey; signal: AbortSignal | undefined } {
  if (typeof key === 'string' && typeof second === 'string') {
    return { key: { taskId: key, nodeGroup: second }, signal: third?.signal };
  }
  const { signal } = (second ?? {}) as AskOptions;
  if (typeof key === 'string') return { key: { jobId: key }, signal };
  if (typeof key === 'object' && key !== null) return { key, signal };
  throw new LtsError('LTS_JOB_NOT_FOUND', `${shown(key)} names no job. Give a jobId, or { taskId, nodeGroup }.`);
}
