/** From a submitted job to the records that stand for it; pure. */
import { LtsError } from '../../errors.js';
import type { JobBody, JobRecord, JobStatus, RetryPolicy, ScheduleRule } from '../../job/job.js';
import { isEnded, isSchedule, misfirePolicies, newStatus } from '../../job/job.js';
import { firstSlot } from '../../job/schedule.js';
import { checkBody, checkInstant, checkInterval, checkJobId, checkOneOf, checkWhole } from '../../job/validate.js';
import { tooLarge } from '../../kit/wire-bytes.js';
import { limits } from '../../protocol/limits.js';
import type { SubmittedJob, SubmittedTrigger } from '../../protocol/messages.js';

export interface Defaults {
  readonly now: number;
  readonly timeZone: string;
  readonly retry: RetryPolicy;
}

/** Ids kept of the submissions that replaced a record: enough for any resend that is still on its way. */
const aliasesMax = 64;

/** Throws LTS_JOB_INVALID, LTS_CRON_INVALID or LTS_PAYLOAD_TOO_LARGE. */
export function recordOf(job: SubmittedJob, defaults: Defaults): JobRecord {
  checkJobId(job.jobId);
  const rule = ruleOf(job, defaults);
  const body: JobBody = { ...job.body, retry: retryOf(job, defaults), rule };
  checkBody(body);
  checkParamsSize(body.params);
  const { jobId } = job;
  if (rule) return { jobId, body, status: { ...newStatus, ...firstOf(rule, defaults.now) } };
  return { jobId, body, status: { ...newStatus, dueAt: startOf(job.trigger, defaults.now) } };
}

/** Jobs that say nothing share one policy. */
function retryOf({ body: { retry } }: SubmittedJob, defaults: Defaults): RetryPolicy {
  for (const _ in retry) return { ...defaults.retry, ...retry };
  return defaults.retry;
}

/** Throws LTS_PAYLOAD_TOO_LARGE. */
export function checkParamsSize(params: string): void {
  const what = tooLarge(params, limits.paramsBytesMax);
  if (what === undefined) return;
  throw new LtsError('LTS_PAYLOAD_TOO_LARGE', `params: ${what}. Store the data elsewhere and pass a reference.`);
}

function startOf(trigger: SubmittedTrigger, now: number): number {
  if (trigger.kind === 'at') {
    checkInstant('triggerTime', trigger.at);
    return trigger.at;
  }
  if (trigger.kind !== 'delay') throw new LtsError('LTS_JOB_INVALID', `trigger: ${trigger.kind} is unknown.`);
  checkWhole('delay', trigger.delayMs, { min: 0, max: Number.MAX_SAFE_INTEGER });
  checkInstant('delay', now + trigger.delayMs);
  return now + trigger.delayMs;
}

/** The schedule rule of a periodic trigger; undefined for a one-shot one. */
export function ruleOf(
  job: Pick<SubmittedJob, 'trigger' | 'relyOnPrevCycle' | 'misfire'>,
  defaults: Pick<Defaults, 'now' | 'timeZone'>,
): ScheduleRule | undefined {
  const { trigger, relyOnPrevCycle, misfire } = job;
  const how = { relyOnPrevCycle, misfire };
  checkOneOf('misfire', misfire, misfirePolicies);
  switch (trigger.kind) {
    case 'at':
    case 'delay':
      return undefined;
    case 'cron': {
      const { expression, timeZone = defaults.timeZone } = trigger;
      return { ...how, trigger: { kind: 'cron', expression, timeZone } };
    }
    case 'repeat':
      checkInterval('repeat.interval', trigger.intervalMs);
      checkWhole('repeat.count', trigger.count, { min: -1, max: Number.MAX_SAFE_INTEGER });
      if (trigger.count === 0)
        throw new LtsError('LTS_JOB_INVALID', 'repeat.count: 0 runs. Use 1 or more, or -1 for endless.');
      return { ...how, trigger: { ...trigger, firstAt: Math.max(trigger.firstAt ?? defaults.now, defaults.now) } };
    case 'fixed-delay':
      checkInterval('fixedDelay', trigger.delayMs);
      // The next run counts from the end of the previous one, so cycles can never be independent.
      return {
        misfire,
        relyOnPrevCycle: true,
        trigger: { ...trigger, firstAt: Math.max(trigger.firstAt ?? defaults.now, defaults.now) },
      };
  }
}

/** The start of a generation: its first slot, and for independent slots when that is to be fired. */
function firstOf(rule: ScheduleRule, now: number): Partial<JobStatus> {
  const slot = firstSlot(rule, now);
  if (!slot) {
    const text = rule.trigger.kind === 'cron' ? `cron ${JSON.stringify(rule.trigger.expression)}` : rule.trigger.kind;
    throw new LtsError('LTS_JOB_INVALID', `${text} never fires again. Correct the expression or its year.`);
  }
  return { slot, generation: 1, dueAt: rule.relyOnPrevCycle ? undefined : slot.at };
}

/**
 * The existing open record with the new job's body, in place: the jobId stays. A suspended one stays suspended.
 * `heldBy` names the instances of older generations that must be out of the way first.
 */
export function replaced(existing: JobRecord, fresh: JobRecord, heldBy: readonly string[]): JobRecord {
  const { status } = existing;
  return {
    jobId: existing.jobId,
    body: fresh.body,
    status: {
      ...fresh.status,
      rev: status.rev + 1,
      state: status.state,
      attempt: status.attempt,
      losses: status.losses,
      lastRunId: status.lastRunId,
      ...(isSchedule(fresh) ? { heldBy, skipped: status.skipped } : {}),
      // Never starts again from 1, also not by way of a one-shot job: instance ids would come twice.
      generation: isSchedule(fresh) ? (status.generation ?? 0) + 1 : status.generation,
      aliases: [...(status.aliases ?? []), fresh.jobId].slice(-aliasesMax),
    },
  };
}

/** Whether this open record may be replaced in place: nothing of it is running. */
export const isReplaceable = ({ status }: JobRecord): boolean => status.state !== 'executing' && !isEnded(status.state);
