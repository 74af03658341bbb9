/**
 * Shapes of jobs: as submitted, as stored, and as told of. They guarantee types, not the rules of a job: those are answered
 * job by job, in the words of `job/validate.ts`.
 */
import { backoffs, jobStates, leaseLostChoices, misfirePolicies } from '../../job/job.js';
import { logLevels } from '../../job/log-line.js';
import { limits } from '../limits.js';
import {
  absent,
  either,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  record,
  scalar,
  text,
  truth,
  union,
  whole,
} from './shape.js';

export const idCharsMax = 200;
export const id = text({ charsMax: idCharsMax });
/** Of cluster, groups and identities: parts of subjects. */
export const name = text({ pattern: `^[A-Za-z0-9_-]{1,${limits.nameCharsMax}}$` });
export const session = text({ pattern: '^[A-Za-z0-9_-]{1,128}$' });
/** What a person or the other side's stack says of a run. */
const message = text({ charsMax: limits.messageCharsMax });
/** Milliseconds since 1970; what a Date can hold. */
const instant = whole(-8.64e15, 8.64e15);
export const count = whole(0, Number.MAX_SAFE_INTEGER);
/** A number that has its rule in `job/validate.ts`. */
const amount = number(-Number.MAX_VALUE, Number.MAX_VALUE);
const params = text();
/** Of a record: it was weighed when it was reported. */
const result = text({ charsMax: limits.resultBytesMax });
const reportedResult = text({ bytesMax: limits.resultBytesMax });
const expression = text({ charsMax: 1_000 });
const timeZone = text({ charsMax: 100 });

const misfire = oneOf(...misfirePolicies);
const backoff = oneOf(...backoffs);
const leaseLost = oneOf(...leaseLostChoices);
export const state = oneOf(...jobStates);
const reason = oneOf('failed', 'exhausted', 'timed-out', 'lost', 'superseded');

/** When a submitted job first runs. */
export const submittedTrigger = union({
  at: object({ at: amount }),
  delay: object({ delayMs: amount }),
  cron: object({ expression, timeZone: optional(timeZone) }),
  repeat: object({ intervalMs: amount, count: amount, firstAt: optional(instant) }),
  'fixed-delay': object({ delayMs: amount, firstAt: optional(instant) }),
});

/** Of a body: what the client says and the JobTracker keeps. */
const asSubmitted = {
  nodeGroup: text(),
  taskId: optional(text()),
  processor: optional(text()),
  params,
  submitNodeGroup: optional(text()),
  priority: amount,
  lane: text(),
  timeoutMs: optional(amount),
  expireAt: optional(amount),
  needFeedback: truth,
  leaseLost: optional(leaseLost),
  submittedAt: instant,
};

export const submittedJob = object({
  jobId: text(),
  body: object({
    ...asSubmitted,
    retry: object({
      maxRetryTimes: optional(amount),
      intervalMs: optional(amount),
      backoff: optional(backoff),
      intervalMaxMs: optional(amount),
    }),
    // The JobTracker's own: with them a stranger could pass a job off as part of somebody's schedule.
    rule: absent,
    origin: absent,
  }),
  trigger: submittedTrigger,
  replaceOnExist: truth,
  relyOnPrevCycle: truth,
  misfire,
});

const slot = object({ id: text({ charsMax: idCharsMax }), at: instant, run: count });

const rule = object({
  trigger: union({
    cron: object({ expression, timeZone }),
    repeat: object({ intervalMs: amount, count: amount, firstAt: instant }),
    'fixed-delay': object({ delayMs: amount, firstAt: instant }),
  }),
  relyOnPrevCycle: truth,
  misfire,
});

const jobBody = object({
  ...asSubmitted,
  retry: object({ maxRetryTimes: amount, intervalMs: amount, backoff, intervalMaxMs: amount }),
  rule: optional(rule),
  origin: optional(object({ scheduleId: id, generation: count, slot })),
});

const jobStatus = object({
  rev: count,
  state,
  reason: optional(reason),
  dueAt: optional(instant),
  attempt: count,
  retryTimes: count,
  losses: count,
  isAlone: optional(truth),
  runId: optional(id),
  session: optional(id),
  claimedAt: optional(instant),
  lastRunId: optional(id),
  cancelAskedAt: optional(instant),
  endedAt: optional(instant),
  result: optional(result),
  message: optional(text()),
  feedbackAt: optional(instant),
  nextSlot: optional(nullable(slot)),
  slot: optional(slot),
  generation: optional(count),
  heldBy: optional(list(id, 10_000)),
  skipped: optional(count),
  catchUpTo: optional(instant),
  aliases: optional(list(id, 1_000)),
});

export const jobRecord = object({ jobId: id, body: jobBody, status: jobStatus });

/** One job: by its id, or by its key among open jobs. */
export const jobKey = either('jobId', {
  with: object({ jobId: id }),
  without: object({ nodeGroup: text({ charsMax: idCharsMax }), taskId: text({ charsMax: idCharsMax }) }),
});

/** One job as in `jobKey`, with the same further fields either way. */
export const triggerKey = either('jobId', {
  with: object({ ...jobKey.with.fields, requestId: id }),
  without: object({ ...jobKey.without.fields, requestId: id }),
});

const jobEdit = object({
  params: optional(text({ bytesMax: limits.paramsBytesMax })),
  priority: optional(amount),
  dueAt: optional(amount),
  maxRetryTimes: optional(amount),
  trigger: optional(submittedTrigger),
});
export const editKey = either('jobId', {
  with: object({ ...jobKey.with.fields, edit: jobEdit }),
  without: object({ ...jobKey.without.fields, edit: jobEdit }),
});

/** What became of a run. */
export const runOutcome = union({
  success: object({ result: optional(reportedResult), message: optional(message) }),
  failed: object({ message: optional(message) }),
  later: object({ message: optional(message), delayMs: optional(count) }),
  exception: object({ message: optional(message) }),
  timeout: object({ message: optional(message) }),
  returned: object({ message: optional(message) }),
  missed: object({ message: optional(message) }),
  lost: object({ others: count, message: optional(message) }),
});

export const runReport = object({ jobId: id, runId: id, outcome: runOutcome });

export const jobLogLine = object({
  jobId: id,
  runId: optional(id),
  seq: count,
  at: instant,
  level: oneOf(...logLevels),
  type: text({ charsMax: limits.nameCharsMax }),
  text: text({ charsMax: 2 * limits.logLineBytesMax }),
});

export const finishedJob = object({
  jobId: id,
  taskId: optional(text()),
  nodeGroup: text(),
  success: truth,
  state: text(),
  reason: optional(text()),
  message: optional(text()),
  endedAt: instant,
  result: optional(result),
});

export const counts = record(
  object({
    waiting: optional(count),
    executing: optional(count),
    suspended: optional(count),
    succeeded: optional(count),
    failed: optional(count),
    cancelled: optional(count),
    expired: optional(count),
    skipped: optional(count),
    schedules: optional(count),
  }),
);

export const explanation = object({
  code: oneOf(
    'not-due',
    'waiting-for-retry',
    'no-worker',
    'no-runner',
    'no-free-slot',
    'suspect-waiting',
    'about-to-start',
    'running',
    'cancel-asked',
    'suspended',
    'schedule-active',
    'ended',
  ),
  text: text(),
  facts: record(scalar),
});
