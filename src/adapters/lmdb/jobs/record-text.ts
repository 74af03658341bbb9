/** Job records as text and back: the body and the status are stored apart, and what cannot be read is named. */
import { LtsError } from '../../../errors.js';
import { type JobBody, type JobRecord, type JobStatus, jobStates } from '../../../job/job.js';

const states: ReadonlySet<unknown> = new Set(jobStates);

/** A stored record that cannot be read; `message` says why. */
export class UndecodableRecord extends Error {
  constructor(
    readonly jobId: string,
    reason: string,
  ) {
    super(reason);
  }
}

export const bodyText = (body: JobBody): string => JSON.stringify(body);
export const statusText = (status: JobStatus): string => JSON.stringify(status);

/** What `bodies` holds under the jobId of a submission that replaced another record in place: that record's jobId. */
export const redirectText = (jobId: string): string => JSON.stringify(jobId);
export const isRedirect = (text: string): boolean => text.startsWith('"');
export const redirectTarget = (text: string): string => JSON.parse(text) as string;

/** Throws UndecodableRecord. */
export function parseRecord(jobId: string, body: string, status: string | undefined): JobRecord {
  if (status === undefined) throw new UndecodableRecord(jobId, 'its status is missing');
  return { jobId, body: parseBody(jobId, body), status: parseStatus(jobId, status) };
}

/** Throws UndecodableRecord. */
export function parseStatus(jobId: string, text: string): JobStatus {
  const status = parsed(jobId, text, 'status') as Partial<JobStatus>;
  if (typeof status.rev === 'number' && states.has(status.state)) return status as JobStatus;
  throw new UndecodableRecord(jobId, 'its status has no rev or no known state');
}

/** Throws UndecodableRecord. */
export function parseBody(jobId: string, text: string): JobBody {
  const body = parsed(jobId, text, 'body') as Partial<JobBody>;
  const isBody =
    typeof body.nodeGroup === 'string' && typeof body.lane === 'string' && typeof body.priority === 'number';
  if (isBody) return body as JobBody;
  throw new UndecodableRecord(jobId, 'its body has no nodeGroup, lane or priority');
}

function parsed(jobId: string, text: string, part: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new UndecodableRecord(jobId, `its ${part} is not a JSON object`);
}

export const keyTextMax = 200;

/** Throws LTS_JOB_INVALID for a record whose keys the store could not hold; before anything is written. */
export function assertStorable({ jobId, body, status }: JobRecord): void {
  if (jobId === '') throw invalid(jobId, 'jobId', 'is empty');
  assertShort(jobId, 'jobId', jobId);
  assertShort(jobId, 'nodeGroup', body.nodeGroup);
  assertShort(jobId, 'lane', body.lane);
  if (body.taskId !== undefined) assertShort(jobId, 'taskId', body.taskId);
  if (body.submitNodeGroup !== undefined) assertShort(jobId, 'submitNodeGroup', body.submitNodeGroup);
  assertFinite(jobId, 'priority', body.priority);
  assertStatusStorable({ jobId, status });
}

/** The same for a record whose body is stored already. */
export function assertStatusStorable({ jobId, status }: Pick<JobRecord, 'jobId' | 'status'>): void {
  if (status.dueAt !== undefined) assertFinite(jobId, 'dueAt', status.dueAt);
  if (status.endedAt !== undefined) assertFinite(jobId, 'endedAt', status.endedAt);
  if (status.feedbackAt !== undefined) assertFinite(jobId, 'feedbackAt', status.feedbackAt);
}

function assertShort(jobId: string, field: string, text: string): void {
  if (text.length > keyTextMax) throw invalid(jobId, field, `has more than ${keyTextMax} characters`);
}

function assertFinite(jobId: string, field: string, number: number): void {
  if (!Number.isFinite(number)) throw invalid(jobId, field, `is ${number}`);
}

function invalid(jobId: string, field: string, what: string): LtsError {
  return new LtsError('LTS_JOB_INVALID', `job ${jobId.slice(0, 40)}: ${field} ${what}. Correct it and submit again.`);
}
