/**
 * The slots of a schedule: the first, the one that follows, and what becomes of one that nobody could fire.
 * Everything here is computed from the rule, a slot and an instant, so any JobTracker may do it; it is done once and stored.
 */
import { assert } from '../errors.js';
import { nextFireAt } from './cron/cron.js';
import type { FixedDelayTrigger, PeriodicTrigger, RepeatTrigger, ScheduleRule, Slot } from './job.js';

/** Skipped slots are counted up to this bound; beyond it the count says "at least". */
const skippedMax = 1_000;
/** `fire-once`: slots missed longer ago than this are not fired any more. */
const fireOnceWindowMs = 24 * 3_600_000;
/** `fire-all`: at most this many missed slots are fired. */
const fireAllMax = 100;

export interface SlotEnd {
  readonly nowMs: number;
  /** When the slot's run or retries ended: the start of a fixed delay. */
  readonly endedAtMs: number;
  /** Slots up to here were missed by all trackers and are still to be fired, one after the other. */
  readonly catchUpToMs?: number | undefined;
}

export interface NextSlot {
  /** Absent: the schedule is over. */
  readonly next?: Slot;
  /** Slots passed over, counted up to 1000. */
  readonly skipped: number;
}

export interface Misfire {
  /** Whether this slot is to be fired late. Otherwise it is over, unfired. */
  readonly fire: boolean;
  /** When it is not fired: the slot to go on with; absent when the schedule is over. */
  readonly skipTo?: Slot;
  /** Slots not fired, this one included, counted up to 1000. */
  readonly skipped: number;
  /** To be stored with the schedule and given to `slotAfter`; slots up to it are not to be judged for misfire again. */
  readonly catchUpToMs?: number;
}

/** The same slot of the same rule has the same instance on every tracker. */
export const instanceId = (scheduleId: string, generation: number, slotId: string): string =>
  `${scheduleId}.${generation}.${slotId}`;

/** The first slot of a new or edited rule; undefined when it never fires. Throws LTS_CRON_INVALID. */
export function firstSlot({ trigger }: ScheduleRule, nowMs: number): Slot | undefined {
  if (trigger.kind !== 'cron') return { id: '1', at: Math.max(trigger.firstAt, nowMs), run: 1 };
  const at = nextFireAt(trigger.expression, trigger.timeZone, nowMs);
  return at === undefined ? undefined : { id: String(at), at, run: 1 };
}

/**
 * The slot that follows when `slot` is over. Slots between it and now were passed over while its instance was open: they
 * are skipped and counted, and they use up no run of a `count`. For independent slots that are merely handled a little late,
 * pass `nowMs` = `slot.at`, so that none is passed over. Manual slots have no next one and must not be passed.
 */
export function slotAfter(rule: ScheduleRule, slot: Slot, end: SlotEnd): NextSlot {
  const { trigger } = rule;
  const run = slot.run + 1;
  if (trigger.kind === 'repeat' && trigger.count !== -1 && run > trigger.count) return { skipped: 0 };
  if (trigger.kind === 'fixed-delay')
    return { next: delayedSlot(trigger, slot, { run, from: end.endedAtMs }), skipped: 0 };
  const following = nextAt(trigger, slot.at);
  const isMissed = following !== undefined && following <= (end.catchUpToMs ?? Number.NEGATIVE_INFINITY);
  return followingSlot(trigger, slot, { run, after: isMissed ? slot.at : passedUntil(trigger, slot, end.nowMs) });
}

/**
 * What becomes of a slot that came due while no JobTracker was alive until `nowMs`; the caller's grace is already over.
 * - `fire-once`: it is fired if it is at most 24 h late, and `slotAfter` passes over the others. An older one gives way to the
 *   first slot within the last 24 h, which may itself be late and is then fired, else to the next one to come.
 * - `skip`: it gives way to the next slot to come.
 * - `fire-all`: it and all others up to now are fired, the last 100 at most; when there are more, it gives way to the first of these.
 */
export function misfire(rule: ScheduleRule, slot: Slot, nowMs: number): Misfire {
  switch (rule.misfire) {
    case 'fire-once':
      return nowMs - slot.at <= fireOnceWindowMs
        ? fired
        : skipped(rule.trigger, slot, { after: nowMs - fireOnceWindowMs - 1, nowMs });
    case 'skip':
      return skipped(rule.trigger, slot, { after: nowMs, nowMs });
    case 'fire-all':
      return fireAll(rule.trigger, slot, nowMs);
  }
}

const fired: Misfire = { fire: true, skipped: 0 };

function fireAll(trigger: PeriodicTrigger, slot: Slot, nowMs: number): Misfire {
  if (trigger.kind === 'fixed-delay') return fired;
  const after = startOfLast(trigger, slot.at, nowMs);
  if (after < slot.at) return { ...fired, catchUpToMs: nowMs };
  return { ...skipped(trigger, slot, { after, nowMs }), catchUpToMs: nowMs };
}

/** The latest instant from `slotAt - 1` on after which at most `fireAllMax` slots lie up to now; found by halving, so its cost is bounded. */
function startOfLast(trigger: GridTrigger, slotAt: number, nowMs: number): number {
  let low = slotAt - 1;
  if (countBetween(trigger, { after: low, until: nowMs, max: fireAllMax + 1 }) <= fireAllMax) return low;
  let high = nowMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (countBetween(trigger, { after: middle, until: nowMs, max: fireAllMax + 1 }) <= fireAllMax) high = middle;
    else low = middle;
  }
  return high;
}

/** This slot is over unfired; on with the first one after `after`. The run is not used up, the id is. */
function skipped(trigger: PeriodicTrigger, slot: Slot, { after, nowMs }: { after: number; nowMs: number }): Misfire {
  if (trigger.kind === 'fixed-delay') {
    return { fire: false, skipTo: delayedSlot(trigger, slot, { run: slot.run, from: nowMs }), skipped: 1 };
  }
  const { next, skipped: passed } = followingSlot(trigger, slot, { run: slot.run, after: Math.max(after, slot.at) });
  const count = Math.min(passed + 1, skippedMax);
  return next === undefined ? { fire: false, skipped: count } : { fire: false, skipTo: next, skipped: count };
}

/** Triggers whose fire times are fixed in advance. */
type GridTrigger = Exclude<PeriodicTrigger, FixedDelayTrigger>;

function followingSlot(trigger: GridTrigger, slot: Slot, { run, after }: { run: number; after: number }): NextSlot {
  const skippedSlots = countBetween(trigger, { after: slot.at, until: after, max: skippedMax });
  const at = nextAt(trigger, after);
  if (at === undefined) return { skipped: skippedSlots };
  return { next: { id: trigger.kind === 'cron' ? String(at) : sequelId(slot), at, run }, skipped: skippedSlots };
}

/** A repeat slot that falls on this very millisecond is still to come, as in LTS; a cron slot is over. */
function passedUntil(trigger: GridTrigger, slot: Slot, nowMs: number): number {
  return Math.max(slot.at, trigger.kind === 'repeat' ? nowMs - 1 : nowMs);
}

function delayedSlot({ delayMs }: FixedDelayTrigger, slot: Slot, { run, from }: { run: number; from: number }): Slot {
  return { id: sequelId(slot), at: from + delayMs, run };
}

/** Sequence numbers go on over skipped slots too: a skipped slot may have a record of its own. */
const sequelId = (slot: Slot): string => String(Number(slot.id) + 1);

function countBetween(
  trigger: GridTrigger,
  { after, until, max }: { after: number; until: number; max: number },
): number {
  let count = 0;
  for (let at = nextAt(trigger, after); at !== undefined && at <= until && count < max; at = nextAt(trigger, at))
    count++;
  return count;
}

/** The first fire time strictly after an instant. */
function nextAt(trigger: GridTrigger, afterMs: number): number | undefined {
  return trigger.kind === 'cron'
    ? nextFireAt(trigger.expression, trigger.timeZone, afterMs)
    : nextRepeatAt(trigger, afterMs);
}

/** Always firstAt + k * interval: a late run never shifts the phase. */
function nextRepeatAt({ firstAt, intervalMs }: RepeatTrigger, afterMs: number): number {
  assert(intervalMs > 0, `a repeat interval is positive, not ${intervalMs} ms`);
  const steps = Math.floor((afterMs - firstAt) / intervalMs) + 1;
  return firstAt + Math.max(steps, 0) * intervalMs;
}
