/**
 * Submitting: from a class, a contract or a plain job to the handles and answers of submitted jobs.
 *
 *   target (target.ts) -> draft (draft.ts): defaults, params checked -> send -> response (response.ts) -> handle (job-handle.ts)
 */
import { LtsError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import type { SubmitOptions } from '../../job-client/submit.js';
import { shown } from '../../kit/shown.js';
import { completed, type Draft, type DraftPorts } from './draft.js';
import { JobHandle, type JobSource, type Submitted } from './job-handle.js';
import { failureOf, type Response, rejectedResponse } from './response.js';
import type { SubmitAndWaitOptions } from './submit-types.js';
import { targetOf } from './target.js';

export interface SubmittingParts extends DraftPorts {
  readonly source: JobSource;
  /** Settles with the answer; jobs sent in one turn travel together. */
  readonly send: (job: Job, options?: SubmitOptions) => Promise<Response>;
  /** Params that are checked by rules which wait for the world must settle within this time. In ms. */
  readonly checkWithinMs: number;
}

interface Call extends Draft {
  readonly name: string;
  readonly options: SubmitAndWaitOptions;
}

/** The typed door; its callers give it the types (submit-types.ts). */
export class Submitting {
  constructor(private readonly parts: SubmittingParts) {}

  /** Throws the LtsError that says why, unless the job stands. */
  async submit(list: readonly unknown[]): Promise<JobHandle> {
    const submitted = await this.submitCall(callOf(list));
    if (submitted.failure) throw submitted.failure;
    return new JobHandle(this.parts.source, submitted);
  }

  /** The job's value: submit and `result()`. */
  async submitAndWait(list: readonly unknown[]): Promise<unknown> {
    const call = callOf(list);
    const submitted = await this.submitCall(call);
    if (submitted.failure) throw submitted.failure;
    const { waitTimeout, signal } = call.options;
    const follow = waitTimeout === undefined ? { signal } : { timeout: waitTimeout, signal };
    return this.parts.source.result(submitted.response.jobId, follow);
  }

  /** All checks first, then all jobs in one turn, so that they travel together. Only handles tell what went wrong. */
  async submitAll(lists: readonly (readonly unknown[])[]): Promise<JobHandle[]> {
    const calls = lists.map((list) => orError(() => callOf(list)));
    const checked = await Promise.all(calls.map((call) => (LtsError.is(call) ? call : this.check(call, call.options))));
    const submitted = checked.map((found, index) => {
      const call = calls[index];
      if (!LtsError.is(found) && !LtsError.is(call) && call) return this.send(found, call);
      return notSent(LtsError.is(call) ? {} : (call?.job ?? {}), found as LtsError);
    });
    return (await Promise.all(submitted)).map((each) => new JobHandle(this.parts.source, each));
  }

  /** Untyped jobs that may have a contract: never throws for a bad job. */
  async submitDrafts(drafts: readonly Draft[], options: SubmitOptions = {}): Promise<Response[]> {
    const checked = await Promise.all(drafts.map((draft) => this.check(draft, options)));
    const responses = checked.map((found, index) =>
      LtsError.is(found) ? rejectedResponse(drafts[index]?.job as Job, found.message) : this.parts.send(found, options),
    );
    return Promise.all(responses);
  }

  private async submitCall(call: Call): Promise<Submitted> {
    const found = await this.check(call, call.options);
    return LtsError.is(found) ? notSent(call.job, found) : this.send(found, call);
  }

  private async send(job: Job, { name, options }: Call): Promise<Submitted> {
    const { signal } = options;
    const response = await this.parts.send(job, { signal });
    return { response, failure: failureOf(response, name, signal) };
  }

  /** The whole job, or what is wrong with it. */
  private async check(draft: Draft, { signal }: SubmitOptions): Promise<Job | LtsError> {
    try {
      return await completed(draft, this.parts, { withinMs: this.parts.checkWithinMs, signal });
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      return new LtsError(error.code, `Job ${draft.contract?.processor}: ${error.message}`, { cause: error.cause });
    }
  }
}

const notSent = (job: Job, failure: LtsError): Submitted => ({
  response: rejectedResponse(job, failure.message),
  failure,
});

function orError<T>(make: () => T): T | LtsError {
  try {
    return make();
  } catch (error) {
    if (!LtsError.is(error)) throw error;
    return error;
  }
}

/** An argument list as a draft. Throws LTS_PROCESSOR_INVALID, and LTS_JOB_INVALID for options that are no object. */
function callOf(list: readonly unknown[]): Call {
  const { contract, rest } = targetOf(list);
  const [params, options = {}] = rest;
  if (typeof options !== 'object' || options === null) {
    throw new LtsError('LTS_JOB_INVALID', `Job ${contract.processor}: options: ${shown(options)} is no object.`);
  }
  const { signal: _signal, waitTimeout: _waitTimeout, ...own } = options as SubmitAndWaitOptions;
  return { name: contract.processor, contract, job: { ...own, params }, options: options as SubmitAndWaitOptions };
}
