/** Response: LTS's answer to a submit, and the error that says the same to those who prefer throws. */
import { type ErrorCode, errorTable, LtsError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { abortedBeforeText, type SubmitOutcome } from '../../job-client/submit.js';

/** LTS's answer to a submit. */
export interface Response extends Omit<SubmitOutcome, 'jobId'> {
  /** The job stands: accepted, replaced, a duplicate of an open one, or kept locally to be sent later. */
  readonly success: boolean;
  readonly jobId: string;
  readonly taskId?: string | undefined;
  readonly failedJobs: readonly Job[];
}

const none: readonly Job[] = [];
const standing: ReadonlySet<SubmitOutcome['code']> = new Set(['accepted', 'duplicate', 'replaced', 'stored-locally']);

export function responseOf(job: Job, { code, jobId, msg, errorCode }: SubmitOutcome): Response {
  const success = standing.has(code);
  return { success, code, msg, errorCode, jobId, taskId: readField(job, 'taskId'), failedJobs: success ? none : [job] };
}

/** The answer to a job that was found wrong before anything was sent. */
export const rejectedResponse = (job: Job, { message, code }: LtsError): Response =>
  responseOf(job, { code: 'rejected', jobId: readField(job, 'jobId') ?? '', msg: message, errorCode: code });

/** Jobs are the user's objects, and their getters may throw: an answer is given all the same. */
export function readField<Name extends keyof Job>(job: Job, name: Name): Job[Name] {
  try {
    return job?.[name];
  } catch {
    return undefined;
  }
}

const codes: Readonly<Partial<Record<Response['code'], ErrorCode>>> = {
  rejected: 'LTS_JOB_INVALID',
  busy: 'LTS_BUSY',
  'no-tracker': 'LTS_NO_TRACKER',
  unknown: 'LTS_TIMEOUT',
};

/** Undefined for a job that stands. A code that only a later release knows is LTS_JOB_INVALID here. */
export function errorCodeOf({ code, errorCode }: Pick<SubmitOutcome, 'code' | 'errorCode'>): ErrorCode | undefined {
  const isKnown = code === 'rejected' && errorCode !== undefined && Object.hasOwn(errorTable, errorCode);
  return isKnown ? (errorCode as ErrorCode) : codes[code];
}

/** Undefined for a job that stands. `signal` is the one that the submit was given. */
export function failureOf(job: Job, response: Response, signal?: AbortSignal): LtsError | undefined {
  if (response.success) return undefined;
  const { code, jobId, msg } = response;
  const [processor, nodeGroup, taskId] = (['processor', 'nodeGroup', 'taskId'] as const).map((name) =>
    readField(job, name),
  );
  const parts = [
    processor,
    nodeGroup && `for ${nodeGroup}`,
    taskId && `with taskId ${taskId}`,
    jobId && `(jobId ${jobId})`,
  ];
  const name = ['Job', ...parts.filter(Boolean)].join(' ');
  const isAborted = signal?.aborted && (code === 'unknown' || msg === abortedBeforeText);
  const errorCode = isAborted ? 'LTS_ABORTED' : (errorCodeOf(response) ?? 'LTS_INTERNAL');
  return new LtsError(errorCode, `${name} was not submitted, ${code}: ${msg ?? 'no reason was given.'}`);
}
