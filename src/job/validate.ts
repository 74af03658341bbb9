/** The rules of a submitted job, with the exact sentence for each breach; used by client and tracker alike. */
import { LtsError } from '../errors.js';
import { hintAt } from '../kit/nearest.js';
import { shown } from '../kit/shown.js';
import { backoffs, type JobBody, jobFields, leaseLostChoices, type RetryPolicy } from './job.js';

const namePattern = /^[A-Za-z0-9_-]{1,64}$/;
const jobIdPattern = /^[A-Za-z0-9_.:-]{1,200}$/;
const priorityMax = 1_000_000_000;
/** One year: longer pauses are mistakes in the unit. */
const intervalMsMax = 366 * 86_400_000;

function invalid(field: string, value: unknown, rule: string): never {
  throw new LtsError('LTS_JOB_INVALID', `${field}: ${shown(value)} ${rule}`);
}

/** Cluster, group and lane names become part of subjects and keys. */
export function checkName(field: string, value: unknown): asserts value is string {
  // The one word that would reach into every object when it is used as a key.
  if (value === '__proto__') invalid(field, value, 'means something else in JavaScript. Use another name.');
  if (typeof value === 'string' && namePattern.test(value)) return;
  invalid(field, value, 'is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.');
}

export function checkJobId(value: unknown): asserts value is string {
  if (typeof value === 'string' && value.length <= 128 && isJobId(value)) return;
  invalid('jobId', value, 'is not a jobId. Use 1 to 128 of A-Z a-z 0-9 _ . : -, or leave it out.');
}

export function checkInstant(field: string, value: unknown): asserts value is number {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 8.64e15) return;
  invalid(field, value, 'is not an instant. Use a valid Date, or whole milliseconds since 1970.');
}

function checkText(field: string, value: string, charsMax: number): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= charsMax && !hasControl(value)) return;
  invalid(field, value, `must be 1 to ${charsMax} characters without control characters.`);
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 32) return true;
  return false;
}

export function checkWhole(
  field: string,
  value: unknown,
  range: { min: number; max: number },
): asserts value is number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return;
  invalid(field, value, `must be a whole number from ${range.min} to ${range.max}.`);
}

const knownFields: ReadonlySet<string> = new Set(jobFields);

/** Throws LTS_JOB_INVALID for a field that jobs do not have: a misspelt one would do nothing. */
export function checkFields(job: object): void {
  for (const field in job) {
    if (!knownFields.has(field))
      throw new LtsError('LTS_JOB_INVALID', `${field}: a job has no such field. ${hintAt(field, jobFields)}`);
  }
}

/** Throws LTS_JOB_INVALID naming the first bad field. Cheap: it runs for every job at client and tracker. */
export function checkBody(body: JobBody): void {
  checkName('nodeGroup', body.nodeGroup);
  if (body.taskId !== undefined) checkText('taskId', body.taskId, 64);
  if (body.processor !== undefined) checkText('processor', body.processor, 128);
  if (body.submitNodeGroup !== undefined) checkName('submitNodeGroup', body.submitNodeGroup);
  if (body.lane !== '') checkName('lane', body.lane);
  if (typeof body.params !== 'string') invalid('params', body.params, 'must be encoded as JSON text.');
  checkWhole('priority', body.priority, { min: -priorityMax, max: priorityMax });
  checkRetry(body.retry);
  if (body.timeoutMs !== undefined) checkWhole('timeout', body.timeoutMs, { min: 1, max: intervalMsMax });
  if (body.expireAt !== undefined) checkInstant('expireAt', body.expireAt);
  if (body.leaseLost !== undefined) checkOneOf('leaseLost', body.leaseLost, leaseLostChoices);
  if (body.needFeedback && body.submitNodeGroup === undefined) {
    invalid(
      'submitNodeGroup',
      body.submitNodeGroup,
      'is missing, but needFeedback is true: name the group that gets the feedback.',
    );
  }
}

function checkRetry(retry: RetryPolicy): void {
  checkWhole('maxRetryTimes', retry.maxRetryTimes, { min: 0, max: 1_000_000 });
  checkPause('retryInterval', retry.intervalMs);
  checkPause('retryIntervalMax', retry.intervalMaxMs);
  checkOneOf('backoff', retry.backoff, backoffs);
}

/** The interval of a repeat or fixed-delay trigger. */
export function checkInterval(field: string, value: unknown): asserts value is number {
  checkWhole(field, value, { min: 1, max: intervalMsMax });
}

/** A pause before a retry. */
export function checkPause(field: string, value: unknown): asserts value is number {
  checkWhole(field, value, { min: 0, max: intervalMsMax });
}

/** One word of a closed set. */
export function checkOneOf(field: string, value: unknown, words: readonly string[]): void {
  if (typeof value === 'string' && words.includes(value)) return;
  const quoted = words.map((word) => `'${word}'`);
  invalid(field, value, `is unknown. Use ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}.`);
}

/** For lookups: an id that cannot be one is not worth asking a store about. */
export const isJobId = (value: unknown): value is string => typeof value === 'string' && jobIdPattern.test(value);
