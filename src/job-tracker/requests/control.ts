/**
 * Control: what people do to a job. Each is one conditional write of the record, decided on what it is now.
 *
 *   cancel      waiting or suspended: cancelled at once; executing: asked, its run is told, it ends when the run does;
 *               a schedule: the schedule, then its waiting instance (an executing one runs on)
 *   suspend     a waiting one-shot job or a schedule; an executing job or one instance alone is refused
 *   resume      goes on: a schedule with its next slot from now
 *   trigger     a waiting job becomes due now; a schedule gets one instance beside its slots
 *   edit        fields of a waiting job or of a schedule; a new rule starts a new generation
 */

import { ask } from '../../cluster/ask.js';
import { LtsError } from '../../errors.js';
import { ended } from '../../job/ending.js';
import type { JobRecord, JobStatus, Slot } from '../../job/job.js';
import { isEnded, isSchedule, withStatus } from '../../job/job.js';
import { firstSlot, instanceId, type NextSlot, slotAfter } from '../../job/schedule.js';
import { checkInstant, checkName, checkWhole } from '../../job/validate.js';
import type { BodyOf, ControlAnswer, JobEdit, JobKey } from '../../protocol/messages.js';
import { instanceIdsOf, type Schedules } from '../records/schedules.js';
import { checkParamsSize, ruleOf } from '../records/submitted.js';
import type { TrackerLog } from '../records/tracker-log.js';
import type { JobWrites } from '../records/writes.js';
import type { Sessions } from '../sessions/sessions.js';
import type { TrackerParts } from '../tracker-ports.js';
import { findJob } from './queries.js';

const tellWithinMs = 2_000;
const editable: readonly string[] = ['params', 'priority', 'dueAt', 'maxRetryTimes', 'trigger'];

type Decide = (record: JobRecord) => JobRecord | undefined | Promise<JobRecord | undefined>;

/** What exists of a schedule when it is changed. */
interface Instances {
  /** Of the current slot. */
  readonly instance: JobRecord | undefined;
  readonly heldBy: readonly string[];
}

export interface ControlParts {
  readonly writes: JobWrites;
  readonly schedules: Schedules;
  readonly sessions: Sessions;
  readonly log: TrackerLog;
}

export class Control {
  constructor(
    private readonly parts: TrackerParts,
    private readonly own: ControlParts,
  ) {}

  async cancel(key: JobKey): Promise<ControlAnswer> {
    const found = await this.find(key);
    const { jobId } = found;
    const now = this.now();
    await this.withdrawInstances(found);
    const following = await this.followingOf(jobId);
    const job = await this.change(jobId, (record) => {
      if (isEnded(record.status.state)) return undefined;
      if (record.status.state !== 'executing') return ended(record, { state: 'cancelled', now, ...following });
      return record.status.cancelAskedAt === undefined ? withStatus(record, { cancelAskedAt: now }) : undefined;
    });
    if (job.status.state === 'executing') return { job, receipt: await this.tellRun(job) };
    if (job.status.state !== 'cancelled') return { job, receipt: 'already-ended' };
    if (!isSchedule(job)) await this.own.schedules.follow([job]);
    await this.withdrawInstances(job);
    return { job, receipt: 'done' };
  }

  /**
   * Before and after the schedule itself: a crash in between must not leave an instance that runs without its schedule, and one
   * may have been inserted in between.
   */
  private async withdrawInstances(job: JobRecord): Promise<void> {
    if (isSchedule(job) && !isEndedByItself(job)) await this.own.schedules.withdrawAll(instanceIdsOf(job));
  }

  async suspend(key: JobKey): Promise<ControlAnswer> {
    const found = await this.find(key);
    refuseSuspend(found);
    await this.suspendInstances(found);
    const job = await this.change(found.jobId, (record) => {
      if (record.status.state === 'suspended') return undefined;
      refuseSuspend(record);
      return withStatus(record, { state: 'suspended' });
    });
    await this.suspendInstances(job);
    return { job, receipt: 'done' };
  }

  async resume(key: JobKey): Promise<ControlAnswer> {
    const { jobId } = await this.find(key);
    const job = await this.change(jobId, async (record) => {
      if (record.status.state === 'waiting') return undefined;
      refuseInstance(record, 'resumed');
      refuseUnless(record, 'suspended', 'resumed');
      return isSchedule(record)
        ? this.resumed(record, await this.instancesOf(record))
        : withStatus(record, { state: 'waiting' });
    });
    if (isSchedule(job)) await this.own.schedules.open(job);
    return { job, receipt: 'done' };
  }

  async trigger({ requestId, ...key }: BodyOf<'TriggerJob'>): Promise<ControlAnswer> {
    checkName('requestId', requestId);
    const found = await this.find(key);
    const now = this.now();
    if (!isSchedule(found)) {
      const job = await this.change(found.jobId, (record) => {
        refuseUnless(record, 'waiting', 'triggered');
        return (record.status.dueAt ?? 0) <= now ? undefined : withStatus(record, { dueAt: now });
      });
      return { job, receipt: 'done' };
    }
    refuseUnless(found, 'waiting', 'triggered');
    const job = await this.own.schedules.fire(found, { id: `manual:${requestId}`, at: now, run: 0 });
    return { job: job ?? found, receipt: 'done' };
  }

  async edit({ edit, ...key }: BodyOf<'EditJob'>): Promise<ControlAnswer> {
    const found = await this.find(key);
    const { jobId } = found;
    checkEdit(found, edit);
    const job = await this.change(jobId, async (record) => {
      if (!isSchedule(record) || isEnded(record.status.state)) refuseUnless(record, 'waiting', 'edited');
      return this.edited(record, edit, await this.instancesOf(record));
    });
    if (isSchedule(job)) await this.own.schedules.open(job);
    this.own.log.write({ jobId, type: 'control', level: 'INFO', text: `edited: ${Object.keys(edit).join(', ')}` });
    return { job, receipt: 'done' };
  }

  private async find(key: JobKey): Promise<JobRecord> {
    return findJob(this.parts.ports.queue, key);
  }

  private async change(jobId: string, decide: Decide): Promise<JobRecord> {
    const job = await this.own.writes.change(jobId, decide);
    if (!job) throw new LtsError('LTS_JOB_NOT_FOUND', `Job ${jobId} was removed meanwhile.`);
    return job;
  }

  /** As they are while the schedule is as it was read: the write that uses them is conditional on that. */
  private async instancesOf(record: JobRecord): Promise<Instances> {
    if (!isSchedule(record)) return { instance: undefined, heldBy: [] };
    const [instance] = await this.parts.ports.queue.get([currentInstanceOf(record)]);
    return { instance, heldBy: await this.own.schedules.holders(record) };
  }

  private now(): number {
    return this.parts.ports.clock.wallMs();
  }

  /** What follows if this job ends now. */
  private async followingOf(jobId: string) {
    const records = await this.parts.ports.queue.get([jobId]);
    const following = await this.own.schedules.following(records.filter((record) => record !== undefined));
    return following.get(jobId);
  }

  /** `delivered` once its worker confirmed that it holds the run and told it. */
  private async tellRun({ jobId, status }: JobRecord): Promise<'delivered' | 'asked'> {
    const { session, runId } = status;
    if (session === undefined || runId === undefined) return 'asked';
    const to = { subject: this.parts.subjects.session(session), deadlineMs: tellWithinMs };
    try {
      const { isHeld } = await ask(this.parts.ports.transport, to, { kind: 'CancelRun', body: { jobId, runId } });
      return isHeld ? 'delivered' : 'asked';
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      return 'asked';
    }
  }

  /** Before and after, as with cancel; the sweep mends what is interrupted in between. */
  private async suspendInstances(job: JobRecord): Promise<void> {
    if (isSchedule(job)) await this.own.schedules.suspendAll(instanceIdsOf(job));
  }

  /** A new generation from the next slot on; a slot that was waiting when it was suspended has not been used up. */
  private resumed(schedule: JobRecord, { instance, heldBy }: Instances): JobRecord {
    const { slot } = schedule.status;
    const isIndependent = schedule.body.rule?.relyOnPrevCycle === false;
    // A slot whose instance was inserted and not yet noted is advanced from, as after any crash between the two.
    const isFired = isIndependent && instance !== undefined && slot !== undefined;
    const { next, skipped } = isFired ? { next: slot, skipped: 0 } : this.slotFrom(schedule, instance);
    if (!next) return ended(schedule, { state: 'succeeded', now: this.now() });
    const total = (schedule.status.skipped ?? 0) + skipped;
    // Independent slots that were due before the suspend go on beside those to come: nothing of them is replaced.
    const going = isIndependent ? { slot: next, dueAt: next.at } : nextGeneration(schedule, next, heldBy);
    return withStatus(schedule, { state: 'waiting', skipped: total, ...going });
  }

  /** Where a new generation goes on: a slot that still waits for its time stays; one that is passed or used gives way to the next. */
  private slotFrom({ body, status }: JobRecord, instance: JobRecord | undefined): NextSlot {
    const { rule } = body;
    const { slot } = status;
    const now = this.now();
    if (!rule || !slot) return { skipped: 0 };
    const isUsed = instance !== undefined && (instance.status.state === 'executing' || isEnded(instance.status.state));
    if (!isUsed && slot.at >= now) return { next: slot, skipped: 0 };
    const from = isUsed ? slot : { ...slot, run: slot.run - 1 };
    return slotAfter(rule, from, { nowMs: now, endedAtMs: now });
  }

  private edited(record: JobRecord, edit: JobEdit, now: Instances): JobRecord {
    const { params = record.body.params, priority = record.body.priority } = edit;
    const { maxRetryTimes = record.body.retry.maxRetryTimes } = edit;
    checkParamsSize(params);
    checkWhole('priority', priority, { min: -1_000_000_000, max: 1_000_000_000 });
    checkWhole('maxRetryTimes', maxRetryTimes, { min: 0, max: 1_000_000 });
    const body = { ...record.body, params, priority, retry: { ...record.body.retry, maxRetryTimes } };
    if (edit.dueAt !== undefined) checkInstant('triggerTime', edit.dueAt);
    if (!isSchedule(record))
      return withStatus({ ...record, body }, edit.dueAt === undefined ? {} : { dueAt: edit.dueAt });
    return this.withRule({ ...record, body }, edit, now);
  }

  /** Any edit of a schedule starts a new generation, so that the waiting instance follows it too. */
  private withRule(schedule: JobRecord, edit: JobEdit, { instance, heldBy }: Instances): JobRecord {
    const now = this.now();
    const old = schedule.body.rule;
    const how = { relyOnPrevCycle: old?.relyOnPrevCycle ?? true, misfire: old?.misfire ?? 'fire-once' } as const;
    const rule = edit.trigger
      ? ruleOf({ trigger: edit.trigger, ...how }, { now, timeZone: this.parts.settings.timeZone })
      : old;
    if (!rule)
      throw new LtsError(
        'LTS_JOB_INVALID',
        `Job ${schedule.jobId} is periodic; a one-shot trigger cannot replace its rule.`,
      );
    const changed = { ...schedule, body: { ...schedule.body, rule } };
    const slot = edit.trigger ? firstSlot(rule, now) : this.slotFrom(changed, instance).next;
    // The last slot is running: nothing is left that the edit could change.
    if (!slot && !edit.trigger) return withStatus(changed, {});
    if (!slot) throw new LtsError('LTS_JOB_INVALID', `The new rule of job ${schedule.jobId} never fires.`);
    return withStatus(changed, nextGeneration(changed, slot, heldBy));
  }
}

function checkEdit(job: JobRecord, edit: JobEdit): void {
  const unknown = Object.keys(edit).find((field) => !editable.includes(field));
  const wrong =
    unknown ?? (isSchedule(job) ? edit.dueAt !== undefined && 'dueAt' : edit.trigger !== undefined && 'trigger');
  if (!wrong) return;
  const kind = isSchedule(job) ? 'a schedule' : 'a one-shot job';
  const fields = editable.filter((field) => field !== (isSchedule(job) ? 'dueAt' : 'trigger')).join(', ');
  throw new LtsError(
    'LTS_JOB_INVALID',
    `${wrong}: cannot be edited, for job ${job.jobId} is ${kind}. It has: ${fields}.`,
  );
}

const currentInstanceOf = ({ jobId, status }: JobRecord): string =>
  status.slot ? instanceId(jobId, status.generation ?? 1, status.slot.id) : jobId;

function nextGeneration({ body, status }: JobRecord, slot: Slot, heldBy: readonly string[]): Partial<JobStatus> {
  return {
    slot,
    generation: (status.generation ?? 1) + 1,
    heldBy,
    dueAt: body.rule?.relyOnPrevCycle ? undefined : slot.at,
  };
}

/** Its last instances go on: nobody cancelled it. */
const isEndedByItself = ({ status }: JobRecord): boolean => isEnded(status.state) && status.state !== 'cancelled';

function refuseSuspend(job: JobRecord): void {
  refuseInstance(job, 'suspended');
  if (job.status.state !== 'suspended') refuseUnless(job, 'waiting', 'suspended');
}

function refuseInstance({ jobId, body }: JobRecord, verb: string): void {
  if (!body.origin) return;
  const text = `Job ${jobId} is one instance of schedule ${body.origin.scheduleId} and cannot be ${verb} alone. Name the schedule.`;
  throw new LtsError('LTS_STATE_CONFLICT', text);
}

function refuseUnless({ jobId, status }: JobRecord, state: JobStatus['state'], verb: string): void {
  if (status.state === state) return;
  throw new LtsError('LTS_STATE_CONFLICT', `Job ${jobId} is ${status.state}; only a ${state} one can be ${verb}.`);
}
