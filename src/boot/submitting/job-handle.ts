/** JobHandle: one submitted job, with its result, its story and the means to stop it. */
import type { LtsError } from '../../errors.js';
import type { JobRecord } from '../../job/job.js';
import type { FollowOptions, JobEvent } from '../../job-client/follow.js';
import type { ControlAnswer, Explanation, ReplyOf } from '../../protocol/messages.js';
import type { Response } from './response.js';

/** Of one question to a JobTracker; it is answered within 5 s. */
export interface AskOptions {
  /** Ends the wait with LTS_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** What a handle asks about its job: a JobClient, or what stands in for one in a test. */
export interface JobSource {
  result(jobId: string, options?: FollowOptions): Promise<unknown>;
  events(jobId: string, options?: FollowOptions): AsyncGenerator<JobEvent, void, void>;
  readLog(jobId: string, cursor?: string, options?: AskOptions): Promise<ReplyOf<'ReadLog'>>;
  cancelJob(jobId: string, options?: AskOptions): Promise<ControlAnswer>;
  explain(jobId: string, options?: AskOptions): Promise<Explanation>;
  getJob(jobId: string, options?: AskOptions): Promise<JobRecord | undefined>;
}

/** What a submit came to: the answer, and for a job that does not stand the error that says why. */
export interface Submitted {
  readonly response: Response;
  readonly failure?: LtsError | undefined;
}

/**
 * A submitted job; of a duplicate, the existing job. Every wait has a deadline and takes an AbortSignal. On the handle of a job that
 * was not accepted (`submitAll` gives such, `submit` throws instead) every method throws the reason.
 */
export class JobHandle<Value = unknown> {
  constructor(
    private readonly source: JobSource,
    private readonly submitted: Submitted,
  ) {}

  /** Empty when the job was found wrong before it had one. */
  get jobId(): string {
    return this.submitted.response.jobId;
  }

  get taskId(): string | undefined {
    return this.submitted.response.taskId;
  }

  /** `accepted`, `replaced`, `duplicate`, `stored-locally`; after `submitAll` also why not. */
  get code(): Response['code'] {
    return this.submitted.response.code;
  }

  /** The job stands. */
  get success(): boolean {
    return this.submitted.response.success;
  }

  get msg(): string | undefined {
    return this.submitted.response.msg;
  }

  /** The value, once the job succeeded. Waits 5 minutes unless told otherwise. Throws LTS_JOB_FAILED, LTS_TIMEOUT, LTS_ABORTED. */
  async result(options?: FollowOptions): Promise<Value> {
    return (await this.source.result(this.standing(), options)) as Value;
  }

  /** States, progress and log lines until the job ended, for 5 minutes unless told otherwise. Throws LTS_TIMEOUT, LTS_ABORTED. */
  events(options?: FollowOptions): AsyncGenerator<JobEvent, void, void> {
    return this.source.events(this.standing(), options);
  }

  /** Up to 500 log lines, from the start or after the cursor; the answer's cursor leads to what comes later. */
  async log(cursor?: string, options?: AskOptions): Promise<ReplyOf<'ReadLog'>> {
    return this.source.readLog(this.standing(), cursor, options);
  }

  /** The receipt tells what was reached. */
  async cancel(options?: AskOptions): Promise<ControlAnswer> {
    return this.source.cancelJob(this.standing(), options);
  }

  /** Why the job is not running, or what became of it. */
  async explain(options?: AskOptions): Promise<Explanation> {
    return this.source.explain(this.standing(), options);
  }

  /** The job's record; undefined once retention removed it. */
  async get(options?: AskOptions): Promise<JobRecord | undefined> {
    return this.source.getJob(this.standing(), options);
  }

  /** What JSON and logs show of it: the answer, without the client. */
  toJSON(): Pick<Response, 'jobId' | 'taskId' | 'code' | 'msg'> {
    const { jobId, taskId, code, msg } = this.submitted.response;
    return { jobId, taskId, code, msg };
  }

  private standing(): string {
    if (this.submitted.failure) throw this.submitted.failure;
    return this.jobId;
  }
}
