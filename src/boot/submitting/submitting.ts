/**
 * Submitting: from a class, a contract or a plain job to the handles and answers of submitted jobs.
 *
 *   target (target.ts) -> draft (draft.ts): defaults, params checked -> send -> response (response.ts) -> handle (job-handle.ts)
 */
import { LtsError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import type { SubmitOptions } from '../../job-client/submit.js';
import { durationMs } from '../../kit/duration.js';
import { shown, textOf } from '../../kit/shown.js';
import { completed, type Draft, type DraftPorts } from './draft.js';
import { JobHandle, type JobSource, type Submitted } from './job-handle.js';
import { failureOf, type Response, rejectedResponse } from './response.js';
import type { SubmitAndWaitOptions } from './submit-types.js';
import { type Target, targetOf } from './target.js';

export interface SubmittingParts extends DraftPorts {
  readonly source: JobSource;
  /** Settles with the answer; jobs sent in one turn travel together. */
  readonly send: (job: Job, options?: SubmitOptions) => Promise<Response>;
}

/** The typed door; its callers give it the types (submit-types.ts). */
export class Submitting {
  constructor(private readonly parts: SubmittingParts) {}

  /** Throws the LtsError that says why, unless the job stands. */
  async submit(list: readonly unknown[]): Promise<JobHandle> {
    const draft = draftOf(list);
    const { response, failure } = await this.send(draft, await this.check(draft));
    if (failure) throw failure;
    return new JobHandle(this.parts.source, { response });
  }

  /** The job's value: submit and `result()`. */
  async submitAndWait(list: readonly unknown[]): Promise<unknown> {
    const { waitTimeout, signal } = optionsOf(targetOf(list));
    const timeout = durationMs(waitTimeout ?? '5m', 'waitTimeout');
    return (await this.submit(list)).result({ timeout, signal });
  }

  /** Only handles tell what went wrong. */
  async submitAll(lists: readonly (readonly unknown[])[]): Promise<JobHandle[]> {
    const submitted = await this.submitDrafts(lists.map(draftOf));
    return submitted.map((each) => new JobHandle(this.parts.source, each));
  }

  /** All checks first, then all jobs in one turn, so that they travel together. Never throws for a bad job. */
  async submitDrafts(drafts: readonly Draft[]): Promise<Submitted[]> {
    const checked = await Promise.all(drafts.map((draft) => this.check(draft)));
    return Promise.all(drafts.map((draft, index) => this.send(draft, checked[index] as Job | LtsError)));
  }

  /** The whole job, or why it is not sent. */
  private async check(draft: Draft): Promise<Job | LtsError> {
    try {
      return await completed(draft, this.parts);
    } catch (error) {
      const problem = problemOf(error);
      if (!draft.contract) return problem;
      return new LtsError(problem.code, `Job ${draft.contract.processor}: ${problem.message}`, {
        cause: problem.cause,
      });
    }
  }

  private async send({ job, signal }: Draft, checked: Job | LtsError): Promise<Submitted> {
    if (LtsError.is(checked)) return { response: rejectedResponse(job, checked), failure: checked };
    const response = await this.parts.send(checked, { signal });
    return { response, failure: failureOf(checked, response, signal) };
  }
}

/** An argument list as a draft; what is wrong with it is the draft's problem. */
function draftOf(list: readonly unknown[]): Draft {
  try {
    const target = targetOf(list);
    const { signal, waitTimeout: _waitTimeout, ...own } = optionsOf(target);
    return { contract: target.contract, signal, job: { ...own, params: target.rest[0] } };
  } catch (error) {
    return { job: {}, problem: problemOf(error) };
  }
}

/** What a getter of the user's throws is the fault of that one job, like everything that is wrong with it. */
function problemOf(cause: unknown): LtsError {
  if (LtsError.is(cause)) return cause;
  return new LtsError('LTS_JOB_INVALID', `The job cannot be read: ${textOf(cause)}.`, { cause });
}

/** What follows the params. Throws LTS_JOB_INVALID for options that are no object. */
function optionsOf({ contract, rest }: Target): SubmitAndWaitOptions {
  const options = rest[1] ?? {};
  if (typeof options === 'object') return options;
  throw new LtsError('LTS_JOB_INVALID', `Job ${contract.processor}: options: ${shown(options)} is no object.`);
}
