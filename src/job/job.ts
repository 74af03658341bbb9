/**
 * The nouns: what a user submits (`Job`), what is stored for it (`JobRecord` = body + status), and what a run answers.
 * Pure data; the rules stand in `validate.ts`, `next-step.ts`, `schedule.ts` and `cron.ts`.
 */
import type { Duration } from '../kit/duration.js';
import { wireBytes } from '../kit/wire-bytes.js';

/** The four answers of a runner, in LTS's words. */
export enum Action {
  EXECUTE_SUCCESS = 'EXECUTE_SUCCESS',
  EXECUTE_FAILED = 'EXECUTE_FAILED',
  EXECUTE_LATER = 'EXECUTE_LATER',
  EXECUTE_EXCEPTION = 'EXECUTE_EXCEPTION',
}

/** What may pass when a slot could not be fired because no JobTracker was alive. */
export const misfirePolicies = ['fire-once', 'skip', 'fire-all'] as const;
export type MisfirePolicy = (typeof misfirePolicies)[number];

export const backoffs = ['fixed', 'exponential'] as const;
export type Backoff = (typeof backoffs)[number];

/** What a run may do when its node's lease is lost. */
export const leaseLostChoices = ['abort', 'continue'] as const;

/** Reasons in a run's `AbortSignal`. */
export type AbortReason = 'cancelled' | 'timeout' | 'lease-lost' | 'shutdown';

/** What a user submits: LTS's Job, every field optional except where it runs. Durations: ms or '30s'. */
export interface Job {
  /** Unique per nodeGroup among open jobs, at most 64 characters. Default: none, so nothing is ever a duplicate. */
  taskId?: string | undefined;
  /** The group of TaskTrackers that executes it. Default 'lts'. */
  nodeGroup?: string | undefined;
  /** Bean id of the runner. Default: the group's one runner for jobs that name none. */
  processor?: string | undefined;
  /**
   * Plain data for the runner; at most 32 levels deep and 256 KiB as sent, where the quotes and backslashes of its JSON text count twice.
   * As a rule an object, in which `getParam` finds its fields; any other value travels as it is, as `job.params`. Nothing, or null,
   * is {}.
   */
  params?: unknown;
  /** Who gets the feedback. Default: the submitting client's group. */
  submitNodeGroup?: string | undefined;
  /** Smaller is more urgent. Default 100. */
  priority?: number | undefined;
  /** A share of the group's queue; lanes take turns. Default ''. */
  lane?: string | undefined;
  /** Made by the client when absent; the same id again is the same job. */
  jobId?: string | undefined;
  /** First or only fire time; a Date or ms since 1970. Default now. */
  triggerTime?: Date | number | undefined;
  /** Fire this long after acceptance, by the JobTracker's clock. */
  delay?: Duration | undefined;
  /** Quartz 6/7 fields or unix 5 fields. */
  cron?: string | undefined;
  /** IANA zone of the cron expression. Default: the JobTracker's zone, stored at acceptance. */
  timeZone?: string | undefined;
  /** Run every `interval`, `count` times in all; -1 is endless. */
  repeat?: { interval: Duration; count: number } | undefined;
  /** Run again this long after the previous run ended. */
  fixedDelay?: Duration | undefined;
  /** Default 'fire-once'. */
  misfire?: MisfirePolicy | undefined;
  /** Periodic jobs: the next slot waits for the end of the previous one. Default true. */
  relyOnPrevCycle?: boolean | undefined;
  /** Retries after EXECUTE_LATER, EXECUTE_EXCEPTION and timeout. Default 10. */
  maxRetryTimes?: number | undefined;
  /** Default 30 s. */
  retryInterval?: Duration | undefined;
  /** Default 'fixed'; 'exponential' doubles with jitter up to `retryIntervalMax`. */
  backoff?: Backoff | undefined;
  /** Cap of exponential back-off. Default 1 h. */
  retryIntervalMax?: Duration | undefined;
  /** A run longer than this is interrupted. Default: none. */
  timeout?: Duration | undefined;
  /** Not started by then: the job expires. */
  expireAt?: Date | number | undefined;
  /** Default: true when the client has a completed handler. */
  needFeedback?: boolean | undefined;
  /** Replace a waiting job or schedule with the same taskId in place. Default false. */
  replaceOnExist?: boolean | undefined;
  /** What a run does when its node's lease is lost. Default: the TaskTracker's setting, which is 'abort'. */
  leaseLost?: 'abort' | 'continue' | undefined;
}

/** The names of a job's fields. */
export const jobFields = Object.keys({
  taskId: true,
  nodeGroup: true,
  processor: true,
  params: true,
  submitNodeGroup: true,
  priority: true,
  lane: true,
  jobId: true,
  triggerTime: true,
  delay: true,
  cron: true,
  timeZone: true,
  repeat: true,
  fixedDelay: true,
  misfire: true,
  relyOnPrevCycle: true,
  maxRetryTimes: true,
  retryInterval: true,
  backoff: true,
  retryIntervalMax: true,
  timeout: true,
  expireAt: true,
  needFeedback: true,
  replaceOnExist: true,
  leaseLost: true,
} satisfies Record<keyof Job, true>);

export const jobStates = [
  'waiting',
  'executing',
  'suspended',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'skipped',
] as const;
export type JobState = (typeof jobStates)[number];

/** Why a job is `failed`. */
export type FailReason = 'failed' | 'exhausted' | 'timed-out' | 'lost' | 'superseded';

export interface RetryPolicy {
  readonly maxRetryTimes: number;
  readonly intervalMs: number;
  readonly backoff: Backoff;
  readonly intervalMaxMs: number;
}

export interface CronTrigger {
  readonly kind: 'cron';
  readonly expression: string;
  readonly timeZone: string;
}
export interface RepeatTrigger {
  readonly kind: 'repeat';
  readonly intervalMs: number;
  /** Runs in all; -1 is endless. */
  readonly count: number;
  readonly firstAt: number;
}
export interface FixedDelayTrigger {
  readonly kind: 'fixed-delay';
  readonly delayMs: number;
  readonly firstAt: number;
}
export type PeriodicTrigger = CronTrigger | RepeatTrigger | FixedDelayTrigger;

/** The stored rule of a periodic job. */
export interface ScheduleRule {
  readonly trigger: PeriodicTrigger;
  readonly relyOnPrevCycle: boolean;
  readonly misfire: MisfirePolicy;
}

/** One fire time of a schedule. `id` is unique within a generation: the fire time for cron, else the sequence number. */
export interface Slot {
  readonly id: string;
  readonly at: number;
  /** 1 for the first run of the schedule; LTS's repeatedCount. */
  readonly run: number;
}

/** What acceptance fixes; only replace and edit change it. Stored apart from the status, so steps never rewrite params. */
export interface JobBody {
  readonly nodeGroup: string;
  readonly taskId?: string | undefined;
  readonly processor?: string | undefined;
  /** The user's params as one JSON text: encoded once by the client, decoded once by the worker. */
  readonly params: string;
  readonly submitNodeGroup?: string | undefined;
  readonly priority: number;
  readonly lane: string;
  readonly retry: RetryPolicy;
  readonly timeoutMs?: number | undefined;
  readonly expireAt?: number | undefined;
  readonly needFeedback: boolean;
  readonly leaseLost?: 'abort' | 'continue' | undefined;
  readonly submittedAt: number;
  /** Present on schedules only. */
  readonly rule?: ScheduleRule | undefined;
  /** Present on instances of a schedule only. */
  readonly origin?: { readonly scheduleId: string; readonly generation: number; readonly slot: Slot } | undefined;
}

/** The small part that every step rewrites. */
export interface JobStatus {
  /** Counts the writes of this record; every conditional write names the one it saw. */
  readonly rev: number;
  readonly state: JobState;
  readonly reason?: FailReason | undefined;
  /** When it may start (waiting instances), or when its stored slot is to be fired (independent schedules). */
  readonly dueAt?: number | undefined;
  /** Claims so far, except those that never reached their worker. */
  readonly attempt: number;
  readonly retryTimes: number;
  readonly losses: number;
  /** A suspect that must next run on a node that holds nothing else. */
  readonly isAlone?: boolean | undefined;
  /** Executing only. */
  readonly runId?: string | undefined;
  readonly session?: string | undefined;
  readonly claimedAt?: number | undefined;
  /** The run whose report was settled last. */
  readonly lastRunId?: string | undefined;
  readonly cancelAskedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  /** The runner's value as JSON text. */
  readonly result?: string | undefined;
  readonly message?: string | undefined;
  /** Feedback is owed since then; absent once acknowledged. */
  readonly feedbackAt?: number | undefined;
  /** On an ended instance of a schedule: the slot that follows; null when the schedule ends with it. */
  readonly nextSlot?: Slot | null | undefined;
  /** Schedules: the slot whose instance is open, or is to be inserted. */
  readonly slot?: Slot | undefined;
  readonly generation?: number | undefined;
  /**
   * Earlier instances that may still be open. Slots that rely on the previous cycle: those of older generations, which must have
   * ended before this generation's first one is inserted. Independent slots: the newest 1,000.
   */
  readonly heldBy?: readonly string[] | undefined;
  /** Slots passed over, with the last reason written to the job log. */
  readonly skipped?: number | undefined;
  /** Slots up to this instant were missed while no JobTracker was alive and are still to be fired (fire-all). */
  readonly catchUpTo?: number | undefined;
  /** jobIds of submissions that replaced this record in place; the newest 64. */
  readonly aliases?: readonly string[] | undefined;
}

/**
 * A new record's status, every field named: later steps then change fields instead of adding them, and all records keep one shape.
 */
export const newStatus: JobStatus = {
  rev: 1,
  state: 'waiting',
  reason: undefined,
  dueAt: undefined,
  attempt: 0,
  retryTimes: 0,
  losses: 0,
  isAlone: undefined,
  runId: undefined,
  session: undefined,
  claimedAt: undefined,
  lastRunId: undefined,
  cancelAskedAt: undefined,
  endedAt: undefined,
  result: undefined,
  message: undefined,
  feedbackAt: undefined,
  nextSlot: undefined,
  slot: undefined,
  generation: undefined,
  heldBy: undefined,
  skipped: undefined,
  catchUpTo: undefined,
  aliases: undefined,
};

/** One instance or one schedule. Treated as immutable: a step builds a new one. */
export interface JobRecord {
  readonly jobId: string;
  readonly body: JobBody;
  readonly status: JobStatus;
}

export const isSchedule = (record: JobRecord): boolean => record.body.rule !== undefined;

const endStates: ReadonlySet<JobState> = new Set(['succeeded', 'failed', 'cancelled', 'expired', 'skipped']);
export const isEnded = (state: JobState): boolean => endStates.has(state);

/**
 * What a claimed record weighs on the wire: its texts, and 400 bytes for the rest, which is 450 as a rule and below 800 at most:
 * batches close at half of what a message may hold. Encoding it again only to weigh it would cost more than the step that asks.
 */
export function claimBytes({ jobId, body }: { readonly jobId: string; readonly body: Omit<JobBody, 'retry'> }): number {
  const { nodeGroup, submitNodeGroup = '', lane, taskId = '', processor = '', params, origin } = body;
  const names = jobId.length + nodeGroup.length + submitNodeGroup.length + lane.length;
  return 400 + names + (origin ? 120 + jobId.length : 0) + wireBytes(taskId) + wireBytes(processor) + wireBytes(params);
}

/** What any record weighs on the wire. */
export function recordBytes(record: JobRecord): number {
  const { body, status } = record;
  const { result = '', message = '', heldBy = [], aliases = [] } = status;
  const ids = [...heldBy, ...aliases].reduce((sum, id) => sum + id.length + 3, 0);
  const rule = body.rule ? 200 + (body.rule.trigger.kind === 'cron' ? wireBytes(body.rule.trigger.expression) : 0) : 0;
  return claimBytes(record) + 200 + wireBytes(result) + wireBytes(message) + ids + rule;
}

/** From two losses on an instance is a suspect: it waits in a lane of its own. */
export const isSuspect = (record: JobRecord): boolean => record.status.losses >= 2;

export type ChangingStatus = { -readonly [Field in keyof JobStatus]: JobStatus[Field] };

/**
 * A copy of the record's status with the next rev, to be changed before anybody sees it. A clone and plain stores cost a tenth of
 * a literal that spreads the old status and overrides its fields (0.6 against 6.5 µs for an ended job, 2026-11).
 */
export function nextStatus({ status }: JobRecord): ChangingStatus {
  const next: ChangingStatus = { ...status };
  next.rev = status.rev + 1;
  return next;
}

/** The same record with other status fields and the next rev. */
export function withStatus(record: JobRecord, change: Partial<JobStatus>): JobRecord {
  return { ...record, status: Object.assign(nextStatus(record), change) };
}
