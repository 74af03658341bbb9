/** From the Job a user wrote to the submission that goes to the tracker: defaults filled in, params encoded once. */
import { LtsError } from '../errors.js';
import { nextFireAt } from '../job/cron/cron.js';
import { type Job, misfirePolicies } from '../job/job.js';
import {
  checkBody,
  checkFields,
  checkInstant,
  checkInterval,
  checkJobId,
  checkOneOf,
  checkWhole,
} from '../job/validate.js';
import { durationMs } from '../kit/duration.js';
import { shown } from '../kit/shown.js';
import type { SubmittedBody, SubmittedJob, SubmittedTrigger } from '../protocol/messages.js';
import type { ClientParts, ClientPorts } from './client-ports.js';

const fallbackRetry = { maxRetryTimes: 0, intervalMs: 0, backoff: 'fixed', intervalMaxMs: 0 } as const;

interface PreparingParts {
  readonly ports: Pick<ClientPorts, 'ids' | 'codec' | 'clock'>;
  readonly settings: Pick<ClientParts['settings'], 'nodeGroup' | 'defaultNodeGroup' | 'onComplete'>;
}

/** Throws LTS_JOB_INVALID, LTS_CRON_INVALID, LTS_DURATION_INVALID, LTS_PAYLOAD_INVALID or LTS_PAYLOAD_TOO_LARGE. */
export function prepare(job: Job, { ports, settings }: PreparingParts): SubmittedJob {
  if (typeof job !== 'object' || job === null)
    throw new LtsError('LTS_JOB_INVALID', `${String(job)} is not a job. Submit an object.`);
  checkFields(job);
  const jobId = job.jobId ?? ports.ids.jobId();
  checkJobId(jobId);
  const body: SubmittedBody = {
    nodeGroup: job.nodeGroup ?? settings.defaultNodeGroup,
    taskId: job.taskId,
    processor: job.processor,
    params: ports.codec.encode(job.params ?? {}, 'params'),
    submitNodeGroup: job.submitNodeGroup ?? settings.nodeGroup,
    priority: job.priority ?? 100,
    lane: job.lane ?? '',
    retry: retryOf(job),
    timeoutMs: optionalMs(job.timeout, 'timeout'),
    expireAt: instantOf(job.expireAt, 'expireAt'),
    needFeedback: job.needFeedback ?? settings.onComplete !== undefined,
    leaseLost: job.leaseLost,
    submittedAt: ports.clock.wallMs(),
  };
  checkBody({ ...body, retry: { ...fallbackRetry, ...body.retry } });
  const trigger = triggerOf(job);
  checkOneOf('misfire', job.misfire ?? 'fire-once', misfirePolicies);
  checkPeriodic(job, trigger);
  return {
    jobId,
    body,
    trigger,
    replaceOnExist: job.replaceOnExist ?? false,
    relyOnPrevCycle: job.relyOnPrevCycle ?? true,
    misfire: job.misfire ?? 'fire-once',
  };
}

/** Only what the job says; the tracker's settings fill in the rest. */
function retryOf(job: Job): SubmittedBody['retry'] {
  const retry: { -readonly [K in keyof SubmittedBody['retry']]: SubmittedBody['retry'][K] } = {};
  if (job.maxRetryTimes !== undefined) retry.maxRetryTimes = job.maxRetryTimes;
  if (job.retryInterval !== undefined) retry.intervalMs = durationMs(job.retryInterval, 'retryInterval');
  if (job.backoff !== undefined) retry.backoff = job.backoff;
  if (job.retryIntervalMax !== undefined) retry.intervalMaxMs = durationMs(job.retryIntervalMax, 'retryIntervalMax');
  return retry;
}

const triggerFields = ['cron', 'repeat', 'fixedDelay'] as const;

function triggerOf(job: Job): SubmittedTrigger {
  const named = triggerFields.filter((field) => job[field] !== undefined);
  if (named.length > 1)
    throw new LtsError('LTS_JOB_INVALID', `${named.join(' and ')} exclude each other. Keep one of them.`);
  const firstAt = instantOf(job.triggerTime, 'triggerTime');
  if (firstAt !== undefined && job.delay !== undefined) {
    throw new LtsError('LTS_JOB_INVALID', 'triggerTime and delay exclude each other. Keep one of them.');
  }
  if (job.cron !== undefined) return cronOf(job.cron, job.timeZone);
  if (job.repeat !== undefined) {
    checkRepeat(job.repeat);
    const intervalMs = durationMs(job.repeat.interval, 'repeat.interval');
    checkInterval('repeat.interval', intervalMs);
    checkWhole('repeat.count', job.repeat.count, { min: -1, max: Number.MAX_SAFE_INTEGER });
    return { kind: 'repeat', intervalMs, count: job.repeat.count, firstAt };
  }
  if (job.fixedDelay !== undefined) {
    const delayMs = durationMs(job.fixedDelay, 'fixedDelay');
    checkInterval('fixedDelay', delayMs);
    return { kind: 'fixed-delay', delayMs, firstAt };
  }
  if (firstAt !== undefined) return { kind: 'at', at: firstAt };
  return { kind: 'delay', delayMs: optionalMs(job.delay, 'delay') ?? 0 };
}

function checkRepeat(repeat: unknown): void {
  if (typeof repeat === 'object' && repeat !== null) return;
  throw new LtsError('LTS_JOB_INVALID', `repeat: ${shown(repeat)} is no { interval, count }.`);
}

/** Checked here as well, so that a typing error is answered before anything is sent. */
function cronOf(expression: string, timeZone: string | undefined): SubmittedTrigger {
  nextFireAt(expression, timeZone ?? 'UTC', 0);
  return { kind: 'cron', expression, timeZone };
}

function checkPeriodic(job: Job, trigger: SubmittedTrigger): void {
  if (job.timeZone !== undefined && trigger.kind !== 'cron') {
    throw new LtsError(
      'LTS_JOB_INVALID',
      'timeZone belongs to cron; give the job a cron expression, or leave the zone out.',
    );
  }
  const isPeriodic = trigger.kind !== 'at' && trigger.kind !== 'delay';
  if (isPeriodic && job.expireAt !== undefined) {
    throw new LtsError(
      'LTS_JOB_INVALID',
      'expireAt belongs to one-shot jobs; a periodic job is ended by cancel or by its count.',
    );
  }
  if (isPeriodic && job.delay !== undefined) {
    throw new LtsError('LTS_JOB_INVALID', 'delay belongs to one-shot jobs; give a periodic job its triggerTime.');
  }
  if (job.relyOnPrevCycle === false && trigger.kind === 'fixed-delay') {
    throw new LtsError(
      'LTS_JOB_INVALID',
      'relyOnPrevCycle: a fixedDelay counts from the end of the previous run, so it cannot be false.',
    );
  }
}

function optionalMs(duration: Job['timeout'], field: string): number | undefined {
  return duration === undefined ? undefined : durationMs(duration, field);
}

function instantOf(instant: Date | number | undefined, field: string): number | undefined {
  if (instant === undefined) return undefined;
  const at = instant instanceof Date ? instant.getTime() : instant;
  checkInstant(field, at);
  return at;
}
