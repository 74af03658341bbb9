/**
 * Trigger: fires the slots of schedules by time, and mends what a crash left between two steps.
 *
 *   independent slots (relyOnPrevCycle=false)   fired when due: insert the instance, then advance the schedule
 *   slots that nobody could fire                decided by the schedule's misfire policy, at start and after a pause
 *   sweep, every 60 s                           each schedule gets the open instance that it should have; all are in line with theirs
 */
import { Alarm } from '../cluster/alarm.js';
import { ask } from '../cluster/ask.js';
import { LtsError } from '../errors.js';
import { ended } from '../job/ending.js';
import type { JobRecord, JobState, ScheduleRule, Slot } from '../job/job.js';
import { isEnded, withStatus } from '../job/job.js';
import { instanceId, misfire, slotAfter } from '../job/schedule.js';
import { pagesOf, type Schedules, schedulePages } from './records/schedules.js';
import type { JobWrites, WriteObserver } from './records/writes.js';
import type { TrackerParts } from './tracker-ports.js';

/** A slot this late was not merely slow. */
const misfireGraceMs = 5_000;
const pageMax = 200;
/** How long a tracker that is not the master leaves a due schedule to it. */
const standBackMs = 2_000;
/** Other trackers' schedules are found by then, if their hints were lost. */
const lookAgainMs = 5_000;
/** Who serves answers at once; of who does not answer nothing is known. */
const answerWithinMs = 2_000;
/** Open instances that an independent schedule remembers, to withdraw them when it is cancelled or changed. */
const heldMax = 1_000;

/** A slot whose time passed while nobody fired it. */
interface Missed {
  readonly rule: ScheduleRule;
  readonly slot: Slot;
  readonly now: number;
}

/** Whether a slot is fired, and up to where the slots after it are not judged again. */
interface Verdict {
  readonly fire: boolean;
  readonly catchUpToMs?: number | undefined;
}

/** The slot that a schedule goes on with, if any, and how many were passed over. */
interface Following {
  readonly next?: Slot | undefined;
  readonly skipped: number;
}

export class Trigger implements WriteObserver {
  private readonly alarm: Alarm;

  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
    private readonly schedules: Schedules,
  ) {
    const { clock, log } = parts.ports;
    this.alarm = new Alarm({ name: 'schedule timer', clock, log, onRing: () => this.fireDue() });
  }

  start(): void {
    this.alarm.start();
  }

  stop(): Promise<void> {
    return this.alarm.stop();
  }

  written({ body, status }: JobRecord): void {
    if (body.rule && status.state === 'waiting' && status.dueAt !== undefined) this.expect(status.dueAt);
  }

  /** A schedule is to be fired then. */
  expect(dueAt: number): void {
    this.alarm.set(dueAt + this.standBackMs);
  }

  /** The master fires; the others only what it has left lying. */
  private get standBackMs(): number {
    return this.parts.peers.isMaster() ? 0 : standBackMs;
  }

  /** Every schedule that relies on the previous cycle has an open instance afterwards, or has ended; all instances are in line. */
  async sweep(): Promise<void> {
    await this.forEachSchedule(['waiting', 'suspended'], (schedule, instance) => this.mend(schedule, instance));
    await this.alignSuspended();
  }

  private async mend(schedule: JobRecord, instance: JobRecord | undefined): Promise<void> {
    const { state, heldBy = [] } = schedule.status;
    if (state === 'suspended') return this.schedules.alignAll(schedule);
    const isOpen = instance && !isEnded(instance.status.state) && instance.status.state !== 'suspended';
    const isAtRest = schedule.body.rule?.relyOnPrevCycle
      ? isOpen && heldBy.length === 0
      : !heldBy.some((jobId) => isOlder(schedule, jobId));
    if (!isAtRest) await this.schedules.open(schedule);
  }

  /** Instances that are suspended without their schedule: the suspend did not reach it, or the resume not them, or it is over. */
  private async alignSuspended(): Promise<void> {
    const { queue } = this.parts.ports;
    for await (const page of pagesOf(queue, { schedules: false, states: ['suspended'] })) {
      const instances = page.filter(({ body }) => body.origin);
      const schedules = await queue.get(instances.map(({ body }) => body.origin?.scheduleId ?? ''));
      for (const [i, instance] of instances.entries())
        if (schedules[i]?.status.state !== 'suspended') await this.schedules.align(instance);
    }
  }

  /**
   * Before it serves anybody: slots that nobody could fire are judged. Asked are the trackers themselves, for the registry knows of
   * those too that are only starting: of several that start at once, none would judge.
   */
  async catchUpAtStart(): Promise<void> {
    if (this.parts.isAlone || !(await this.isAnyServing())) await this.catchUp();
  }

  private async isAnyServing(): Promise<boolean> {
    const { ports, subjects, settings } = this.parts;
    const to = { subject: subjects.tracker, deadlineMs: answerWithinMs };
    try {
      await ask(ports.transport, to, { kind: 'GetJob', body: { jobId: settings.identity } });
      return true;
    } catch (error) {
      return !LtsError.is(error, 'LTS_NO_TRACKER');
    }
  }

  /** Slots from `since` on whose time passed while no tracker was there. */
  async catchUp(since = Number.NEGATIVE_INFINITY): Promise<void> {
    const lateBefore = this.parts.ports.clock.wallMs() - misfireGraceMs;
    await this.forEachSchedule(['waiting'], async (schedule, instance) => {
      const { slot } = schedule.status;
      const isRelying = schedule.body.rule?.relyOnPrevCycle;
      if (!isRelying || !instance || !slot || slot.at >= lateBefore || slot.at < since) return;
      if (instance.status.state === 'waiting' && instance.status.attempt === 0)
        await this.judgeMissed(schedule, instance, slot);
    });
  }

  private async judgeMissed(schedule: JobRecord, instance: JobRecord, slot: Slot): Promise<void> {
    const { rule } = schedule.body;
    const isJudged = slot.at <= (schedule.status.catchUpTo ?? Number.NEGATIVE_INFINITY);
    if (!rule || isJudged) return;
    const now = this.parts.ports.clock.wallMs();
    const verdict = misfire(rule, slot, now);
    if (verdict.catchUpToMs !== undefined) {
      await this.writes.update([{ before: schedule, after: withStatus(schedule, { catchUpTo: verdict.catchUpToMs }) }]);
    }
    if (verdict.fire) return;
    const { skipTo = null, skipped } = verdict;
    const after = ended(instance, {
      state: 'skipped',
      now,
      nextSlot: skipTo,
      skipped,
      message: `missed at ${isoTime(slot.at)}`,
    });
    const [written] = await this.writes.update([{ before: instance, after }]);
    if (written) await this.schedules.follow([written]);
  }

  /** Schedules in these states, each with the instance of its current slot. */
  private async forEachSchedule(
    states: readonly JobState[],
    visit: (schedule: JobRecord, instance: JobRecord | undefined) => Promise<void>,
  ): Promise<void> {
    const { queue } = this.parts.ports;
    for await (const page of schedulePages(queue, states)) {
      const instances = await queue.get(page.map(currentInstanceId));
      for (const [i, schedule] of page.entries()) await visit(schedule, instances[i]);
    }
  }

  /** Fires the independent schedules that are due; answers when the next one is. */
  private async fireDue(): Promise<number | undefined> {
    const { queue, clock } = this.parts.ports;
    const { standBackMs } = this;
    const { due, nextAt } = await queue.dueSchedules(clock.wallMs() - standBackMs, pageMax);
    await Promise.all(due.map((schedule) => this.fire(schedule)));
    const next = due.length > 0 ? clock.wallMs() : (nextAt ?? Number.POSITIVE_INFINITY) + standBackMs;
    return this.parts.isAlone ? next : Math.min(next, clock.wallMs() + lookAgainMs);
  }

  /** Insert the slot's instance, then advance the schedule; a crash between repeats the first, which changes nothing. */
  private async fire(schedule: JobRecord): Promise<void> {
    const { rule } = schedule.body;
    const { slot } = schedule.status;
    if (!rule || !slot) return;
    const now = this.parts.ports.clock.wallMs();
    const isMissed = now - slot.at > misfireGraceMs;
    const { fire, catchUpToMs }: Verdict = isMissed
      ? await this.verdictOn(schedule, { rule, slot, now })
      : { fire: true };
    const inserted = fire ? await this.schedules.fire(schedule, slot) : await this.schedules.skip(schedule, slot);
    const following =
      inserted?.status.state === 'skipped'
        ? skippedFrom(rule, slot, now)
        : slotAfter(rule, slot, { nowMs: now, endedAtMs: now, catchUpToMs: isMissed ? catchUpToMs : now });
    const after = await this.advanced(schedule, following, catchUpToMs);
    const [advanced] = await this.writes.update([{ before: schedule, after }]);
    if (!advanced && inserted) await this.schedules.confirm(schedule, inserted);
  }

  /** On a missed slot, which is judged once: not where it is known to be caught up, or a crash fell between its insert and the advance. */
  private async verdictOn(schedule: JobRecord, { rule, slot, now }: Missed): Promise<Verdict> {
    const { catchUpTo } = schedule.status;
    if (catchUpTo !== undefined && slot.at <= catchUpTo) return { fire: true, catchUpToMs: catchUpTo };
    const [instance] = await this.parts.ports.queue.get([currentInstanceId(schedule)]);
    return instance ? { fire: true, catchUpToMs: catchUpTo } : misfire(rule, slot, now);
  }

  /** The schedule after its slot was fired or skipped. */
  private async advanced(schedule: JobRecord, to: Following, catchUpTo: number | undefined): Promise<JobRecord> {
    const skipped = (schedule.status.skipped ?? 0) + to.skipped;
    if (!to.next) return ended(schedule, { state: 'succeeded', now: this.parts.ports.clock.wallMs(), skipped });
    const heldBy = (await this.schedules.holders(schedule)).slice(-heldMax);
    return withStatus(schedule, { slot: to.next, heldBy, dueAt: to.next.at, skipped, catchUpTo });
  }
}

const currentInstanceId = ({ jobId, status }: JobRecord): string =>
  instanceId(jobId, status.generation ?? 1, status.slot?.id ?? '');

/** The instance is of another rule that the schedule had before. */
const isOlder = ({ jobId, status }: JobRecord, instance: string): boolean =>
  !instance.startsWith(instanceId(jobId, status.generation ?? 1, ''));

/** Where a schedule goes on after a slot that was skipped. */
function skippedFrom(rule: ScheduleRule, slot: Slot, now: number): Following {
  const { fire, skipTo, skipped } = misfire(rule, slot, now);
  if (!fire) return { next: skipTo, skipped };
  return slotAfter(rule, slot, { nowMs: now, endedAtMs: now, catchUpToMs: now });
}

const isoTime = (at: number): string => new Date(at).toISOString();
