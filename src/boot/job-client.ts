/** JobClient as users construct it: LTS's submitJob and cancelJob, and the means to follow, control and explain a job. */
import { LtsError } from '../errors.js';
import type { Job, JobRecord } from '../job/job.js';
import type { Counts, ListPage, ListRequest } from '../job/listing.js';
import type { JobLogLine } from '../job/log-line.js';
import type { JobResult } from '../job/result.js';
import { checkName, checkWhole } from '../job/validate.js';
import type { FollowOptions, JobEvent } from '../job-client/follow.js';
import { JobClientRole } from '../job-client/job-client.js';
import type { SubmitOptions, SubmitOutcome } from '../job-client/submit.js';
import { shown } from '../kit/shown.js';
import type { ControlAnswer, Explanation, JobEdit, JobKey } from '../protocol/messages.js';
import { checkNodeOptions, checkOptions, type NodeOptions } from './node-options.js';
import { enterCluster, leaveCluster, type PlacedNode, startRole } from './node-place.js';
import { OnceStarted } from './once-started.js';
import { clock, codec, ids } from './system-ports.js';

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
}

/** LTS's answer to a submit. */
export interface Response extends Omit<SubmitOutcome, 'jobId'> {
  /** The job stands: accepted, replaced, a duplicate of an open one, or kept locally to be sent later. */
  readonly success: boolean;
  readonly jobId: string;
  readonly taskId?: string | undefined;
  readonly failedJobs: readonly Job[];
}

interface Running extends PlacedNode {
  readonly role: JobClientRole;
}

function checkHandler(handler: JobClientOptions['jobCompletedHandler']): void {
  if (handler === undefined || typeof handler === 'function' || typeof handler?.onComplete === 'function') return;
  throw new LtsError(
    'LTS_CONFIG_INVALID',
    'jobCompletedHandler: give a function, or an object with onComplete(results).',
  );
}

const none: readonly Job[] = [];
const standing: ReadonlySet<SubmitOutcome['code']> = new Set(['accepted', 'duplicate', 'replaced', 'stored-locally']);

export class JobClient {
  private readonly once = new OnceStarted<Running>();

  /** Throws LTS_CONFIG_INVALID, naming the option. */
  constructor(private readonly options: JobClientOptions = {}) {
    checkOptions(() => {
      checkNodeOptions(options, ['nodeGroup', 'jobCompletedHandler', 'useRetryClient', 'submitWithinMs']);
      checkHandler(options.jobCompletedHandler);
      checkName('nodeGroup', options.nodeGroup ?? 'lts');
      checkWhole('submitWithinMs', options.submitWithinMs ?? 1, { min: 1, max: 3_600_000 });
    });
  }

  async start(): Promise<this> {
    await this.once.start(() => this.open());
    return this;
  }

  private async open(): Promise<Running> {
    const place = await enterCluster(this.options, 'JC');
    const transport = place.embedded.network.transport();
    const { nodeGroup = 'lts', useRetryClient = true, submitWithinMs = 5_000, jobCompletedHandler } = this.options;
    const onComplete =
      typeof jobCompletedHandler === 'object'
        ? (results: JobResult[]) => jobCompletedHandler.onComplete(results)
        : jobCompletedHandler;
    const role = new JobClientRole(
      { transport, failStore: place.embedded.failStore, codec, clock, ids, log: place.log },
      { cluster: place.cluster, identity: place.identity, nodeGroup, useRetryClient, submitWithinMs, onComplete },
    );
    await startRole(role, { place, transport });
    return { place, role, transport };
  }

  async stop(): Promise<void> {
    await this.once.stop(async ({ role, ...node }) => {
      try {
        await role.stop();
      } finally {
        await leaveCluster(node);
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** One job or many; each settles within the deadline with its own Response. Throws only LTS_NOT_STARTED. */
  submitJob(job: Job, options?: SubmitOptions): Promise<Response>;
  submitJob(jobs: readonly Job[], options?: SubmitOptions): Promise<Response[]>;
  async submitJob(jobs: Job | readonly Job[], options?: SubmitOptions): Promise<Response | Response[]> {
    const role = this.role();
    if (isMany(jobs)) return Promise.all(jobs.map((job) => submitOne(role, job, options)));
    return submitOne(role, jobs, options);
  }

  /** The job's value once it succeeded. Throws LTS_JOB_FAILED, LTS_TIMEOUT, LTS_ABORTED, LTS_JOB_NOT_FOUND. */
  async result(jobId: string, options?: FollowOptions): Promise<unknown> {
    return this.role().result(jobId, options);
  }

  /** The job's states, progress and log lines until it ended. Throws as `result` does, except LTS_JOB_FAILED. */
  events(jobId: string, options?: FollowOptions): AsyncGenerator<JobEvent, void, void> {
    return this.role().events(jobId, options);
  }

  /** Undefined when no such job is known (any more). By taskId only open jobs are found. */
  async getJob(key: string | JobKey): Promise<JobRecord | undefined> {
    return (await this.role().ask('GetJob', keyOf(key))).job;
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
  ): Promise<{ lines: readonly JobLogLine[]; cursor?: string | undefined }> {
    return this.role().ask('ReadLog', { jobId, cursor, limit: 500 });
  }

  /** One primary reason why the job is not running, or what became of it. Throws LTS_JOB_NOT_FOUND. */
  async explain(key: string | JobKey): Promise<Explanation> {
    return this.role().ask('ExplainJob', keyOf(key));
  }

  /** By jobId, or by taskId and nodeGroup. The receipt tells what was reached. */
  cancelJob(jobId: string): Promise<ControlAnswer>;
  cancelJob(taskId: string, nodeGroup: string): Promise<ControlAnswer>;
  async cancelJob(id: string, nodeGroup?: string): Promise<ControlAnswer> {
    return this.role().ask('CancelJob', nodeGroup === undefined ? { jobId: id } : { taskId: id, nodeGroup });
  }

  /** Holds a waiting job or a schedule. Throws LTS_JOB_NOT_FOUND, LTS_STATE_CONFLICT. */
  async suspendJob(key: string | JobKey): Promise<ControlAnswer> {
    return this.role().ask('SuspendJob', keyOf(key));
  }

  /** Goes on with a suspended job, or with a schedule's next slot. Throws LTS_JOB_NOT_FOUND, LTS_STATE_CONFLICT. */
  async resumeJob(key: string | JobKey): Promise<ControlAnswer> {
    return this.role().ask('ResumeJob', keyOf(key));
  }

  /** Runs a waiting job now, or a schedule once beside its slots. The same requestId again runs nothing more. */
  async triggerJob(key: string | JobKey, requestId: string = ids.random()): Promise<ControlAnswer> {
    return this.role().ask('TriggerJob', { ...keyOf(key), requestId });
  }

  /** Changes a waiting job or a schedule; `params` are plain data. */
  async editJob(key: string | JobKey, edit: Omit<JobEdit, 'params'> & { params?: unknown }): Promise<ControlAnswer> {
    const { params, ...rest } = edit ?? {};
    const encoded = params === undefined ? rest : { ...rest, params: codec.encode(params, 'params') };
    return this.role().ask('EditJob', { ...keyOf(key), edit: encoded });
  }

  private role(): JobClientRole {
    if (this.once.now) return this.once.now.role;
    throw new LtsError('LTS_NOT_STARTED', 'The JobClient is not running. Call start() first and await it.');
  }
}

async function submitOne(role: JobClientRole, job: Job, options: SubmitOptions | undefined): Promise<Response> {
  const outcome = await role.submit(job, options);
  const success = standing.has(outcome.code);
  const { code, jobId, msg } = outcome;
  return { success, code, msg, jobId, taskId: job?.taskId, failedJobs: success ? none : [job] };
}

const isMany = (jobs: Job | readonly Job[]): jobs is readonly Job[] => Array.isArray(jobs);

function keyOf(key: string | JobKey): JobKey {
  if (typeof key === 'string') return { jobId: key };
  if (typeof key === 'object' && key !== null) return key;
  throw new LtsError('LTS_JOB_NOT_FOUND', `${shown(key)} names no job. Give a jobId, or { taskId, nodeGroup }.`);
}
