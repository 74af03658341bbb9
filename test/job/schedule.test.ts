/** Slots of a schedule: what comes first, what follows, what a misfire does, and the defects of LTS that must not come back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MisfirePolicy, PeriodicTrigger, ScheduleRule, Slot } from '../../src/job/job.js';
import { firstSlot, instanceId, misfire, type NextSlot, slotAfter } from '../../src/job/schedule.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const at = (text: string): number => Date.parse(`2026-01-${text}Z`);

const rule = (trigger: PeriodicTrigger, policy: MisfirePolicy = 'fire-once'): ScheduleRule => ({
  trigger,
  relyOnPrevCycle: true,
  misfire: policy,
});
const cron = (expression: string): PeriodicTrigger => ({ kind: 'cron', expression, timeZone: 'UTC' });
const hourly = cron('0 0 * * * ?');
const cronSlot = (text: string, run = 1): Slot => ({ id: String(at(text)), at: at(text), run });
/** Every 10 minutes from 01T00:00 on, 5 runs in all. */
const repeat = (count: number): PeriodicTrigger => ({
  kind: 'repeat',
  intervalMs: 10 * minuteMs,
  count,
  firstAt: at('01T00:00'),
});
const fixedDelay: PeriodicTrigger = { kind: 'fixed-delay', delayMs: 5 * minuteMs, firstAt: at('01T00:00') };
const slot = (id: number, text: string, run = id): Slot => ({ id: String(id), at: at(text), run });

test('an instance id follows from schedule, generation and slot alone', () => {
  expect(instanceId('01JXY', 3, '1767229200000')).toBe('01JXY.3.1767229200000');
});

describe('the first slot', () => {
  test.each<[string, PeriodicTrigger, string, Slot | undefined]>([
    ['cron: the first fire after now', hourly, '01T00:30', cronSlot('01T01:00')],
    ['cron: a fire at this very instant is over', hourly, '01T01:00', cronSlot('01T02:00')],
    ['cron: none when it never fires', cron('0 0 0 30 2 ?'), '01T00:30', undefined],
    ['repeat: its own first time', repeat(5), '01T00:00', slot(1, '01T00:00')],
    [
      'repeat: a first time far ahead',
      { ...repeat(5), firstAt: at('20T00:00') } as PeriodicTrigger,
      '01T00:00',
      slot(1, '20T00:00'),
    ],
    ['repeat: now when its time is past', repeat(5), '01T00:04', slot(1, '01T00:04')],
    ['fixed delay: now when its time is past', fixedDelay, '01T00:04', slot(1, '01T00:04')],
  ])('%s', (_, trigger, now, first) => {
    expect(firstSlot(rule(trigger), at(now))).toEqual(first);
  });
});

describe('the slot that follows', () => {
  test.each<[string, PeriodicTrigger, { slot: Slot; now: string; catchUpTo?: string }, NextSlot]>([
    [
      'cron: the next fire',
      hourly,
      { slot: cronSlot('01T01:00'), now: '01T01:10' },
      { next: cronSlot('01T02:00', 2), skipped: 0 },
    ],
    [
      'cron: fires during a long run are skipped',
      hourly,
      { slot: cronSlot('01T01:00'), now: '01T04:10' },
      { next: cronSlot('01T05:00', 2), skipped: 3 },
    ],
    [
      'cron: a fire at this very instant is skipped',
      hourly,
      { slot: cronSlot('01T01:00'), now: '01T02:00' },
      { next: cronSlot('01T03:00', 2), skipped: 1 },
    ],
    [
      'cron: never a slot again, even if the clock went back',
      hourly,
      { slot: cronSlot('01T03:00'), now: '01T01:10' },
      { next: cronSlot('01T04:00', 2), skipped: 0 },
    ],
    [
      'cron: over when no fire is left',
      cron('0 0 1 1 1 ? 2026'),
      { slot: cronSlot('01T01:00'), now: '01T01:10' },
      { skipped: 0 },
    ],
    [
      'cron: skipped slots are counted up to a bound',
      cron('* * * * * ?'),
      { slot: cronSlot('01T01:00'), now: '02T01:00' },
      { next: cronSlot('02T01:00:01', 2), skipped: 1_000 },
    ],
    [
      'cron: missed slots are caught up one by one',
      hourly,
      { slot: cronSlot('01T01:00'), now: '01T04:10', catchUpTo: '01T04:05' },
      { next: cronSlot('01T02:00', 2), skipped: 0 },
    ],
    [
      'cron: after the catch-up the rest is skipped',
      hourly,
      { slot: cronSlot('01T04:00'), now: '01T06:10', catchUpTo: '01T04:05' },
      { next: cronSlot('01T07:00', 2), skipped: 2 },
    ],
    [
      'repeat: first time + k intervals',
      repeat(5),
      { slot: slot(1, '01T00:00'), now: '01T00:03' },
      { next: slot(2, '01T00:10'), skipped: 0 },
    ],
    [
      'repeat: a time at this very instant is still to come',
      repeat(5),
      { slot: slot(1, '01T00:00'), now: '01T00:10' },
      { next: slot(2, '01T00:10'), skipped: 0 },
    ],
    [
      'repeat: missed times are skipped, phase and runs kept',
      repeat(5),
      { slot: slot(2, '01T00:10'), now: '01T00:47' },
      { next: slot(3, '01T00:50'), skipped: 3 },
    ],
    [
      'repeat: a first run moved to now does not shift the phase',
      repeat(5),
      { slot: slot(1, '01T00:04'), now: '01T00:05' },
      { next: slot(2, '01T00:10'), skipped: 0 },
    ],
    ['repeat: over after its last run', repeat(5), { slot: slot(5, '01T00:40'), now: '01T00:41' }, { skipped: 0 }],
    [
      'repeat: missed times are caught up one by one',
      repeat(5),
      { slot: slot(2, '01T00:10'), now: '01T00:47', catchUpTo: '01T00:45' },
      { next: slot(3, '01T00:20'), skipped: 0 },
    ],
    [
      'fixed delay: from the end of the previous run',
      fixedDelay,
      { slot: slot(3, '01T00:00'), now: '01T07:00' },
      { next: slot(4, '01T07:05'), skipped: 0 },
    ],
  ])('%s', (_, trigger, { slot: done, now, catchUpTo }, next) => {
    const end = {
      nowMs: at(now),
      endedAtMs: at(now),
      catchUpToMs: catchUpTo === undefined ? undefined : at(catchUpTo),
    };
    expect(slotAfter(rule(trigger), done, end)).toEqual(next);
  });

  test('fixed delay counts from the end, not from the moment of deciding', () => {
    const end = { nowMs: at('01T08:00'), endedAtMs: at('01T07:00') };
    expect(slotAfter(rule(fixedDelay), slot(1, '01T00:00'), end).next?.at).toBe(at('01T07:05'));
  });

  test('independent slots handled late lose none when now is given as their own time', () => {
    const done = cronSlot('01T01:00');
    expect(slotAfter(rule(cron('* * * * * ?')), done, { nowMs: done.at, endedAtMs: done.at })).toEqual({
      next: cronSlot('01T01:00:01', 2),
      skipped: 0,
    });
  });
});

describe('defects of LTS that must not come back', () => {
  test('an endless repeat goes on after its first run', () => {
    const next = slotAfter(rule(repeat(-1)), slot(1, '01T00:00'), { nowMs: at('01T00:01'), endedAtMs: at('01T00:01') });
    expect(next).toEqual({ next: slot(2, '01T00:10'), skipped: 0 });
  });

  test('a repeat has exactly count runs, each with an id and a time of its own, however late each one ends', () => {
    const lateness = fc.array(fc.nat(3 * hourMs), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), lateness, (count, late) => {
        const seen: Slot[] = [];
        let next = firstSlot(rule(repeat(count)), at('01T00:00'));
        while (next) {
          seen.push(next);
          const nowMs = next.at + (late[seen.length] ?? 0);
          next = slotAfter(rule(repeat(count)), next, { nowMs, endedAtMs: nowMs }).next;
        }
        expect(seen.map(({ run }) => run)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
        expect(new Set(seen.map(({ id }) => id)).size).toBe(count);
        expect(
          seen.every(
            (one, i) =>
              (one.at - at('01T00:00')) % (10 * minuteMs) === 0 && (i === 0 || one.at > (seen[i - 1]?.at ?? 0)),
          ),
        ).toBe(true);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test('a repeat whose first time is far ahead is one slot, found at once', () => {
    const far: PeriodicTrigger = { kind: 'repeat', intervalMs: 1, count: -1, firstAt: at('01T00:00') + 3_000 * dayMs };
    expect(firstSlot(rule(far), at('01T00:00'))).toEqual({ id: '1', at: at('01T00:00') + 3_000 * dayMs, run: 1 });
  });

  test('trackers with different clocks answer the same slot, as long as no fire lies between them', () => {
    const answers = ['01T01:00:01', '01T01:30', '01T01:59:59'].map((now) =>
      slotAfter(rule(hourly), cronSlot('01T01:00'), { nowMs: at(now), endedAtMs: at(now) }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });
});

describe('a slot that nobody could fire', () => {
  test.each<[string, ScheduleRule, Slot, string, ReturnType<typeof misfire>]>([
    ['fire-once: fired late', rule(hourly), cronSlot('01T01:00'), '01T05:30', { fire: true, skipped: 0 }],
    ['fire-once: still fired after 24 h', rule(hourly), cronSlot('01T01:00'), '02T01:00', { fire: true, skipped: 0 }],
    [
      'fire-once: an older one gives way to the first of the last 24 h',
      rule(hourly),
      cronSlot('01T01:00', 7),
      '04T05:30',
      { fire: false, skipTo: cronSlot('03T06:00', 7), skipped: 53 },
    ],
    [
      'fire-once: a weekly one older than 24 h gives way to the next to come',
      rule(cron('0 0 0 ? * SUN')),
      cronSlot('04T00:00'),
      '06T05:30',
      { fire: false, skipTo: cronSlot('11T00:00'), skipped: 1 },
    ],
    [
      'fire-once: the schedule ends with its last slot',
      rule(cron('0 0 1 1 1 ? 2026')),
      cronSlot('01T01:00'),
      '06T05:30',
      { fire: false, skipped: 1 },
    ],
    [
      'skip: the next to come',
      rule(hourly, 'skip'),
      cronSlot('01T01:00', 7),
      '01T05:30',
      { fire: false, skipTo: cronSlot('01T06:00', 7), skipped: 5 },
    ],
    [
      'skip: a repeat keeps its run, the id moves on',
      rule(repeat(5), 'skip'),
      slot(2, '01T00:10'),
      '01T00:47',
      { fire: false, skipTo: slot(3, '01T00:50', 2), skipped: 4 },
    ],
    [
      'skip: a fixed delay starts again from now',
      rule(fixedDelay, 'skip'),
      slot(2, '01T00:10'),
      '01T07:00',
      { fire: false, skipTo: slot(3, '01T07:05', 2), skipped: 1 },
    ],
    [
      'fire-all: fired, and all up to now after it',
      rule(hourly, 'fire-all'),
      cronSlot('01T01:00'),
      '01T05:30',
      { fire: true, skipped: 0, catchUpToMs: at('01T05:30') },
    ],
    [
      'fire-all: 100 slots are not too many',
      rule(repeat(-1), 'fire-all'),
      slot(1, '01T00:00'),
      '01T16:39',
      { fire: true, skipped: 0, catchUpToMs: at('01T16:39') },
    ],
    [
      'fire-all: of 101 the first is skipped',
      rule(repeat(-1), 'fire-all'),
      slot(1, '01T00:00'),
      '01T16:40',
      { fire: false, skipTo: slot(2, '01T00:10', 1), skipped: 1, catchUpToMs: at('01T16:40') },
    ],
    [
      'fire-all: the last 100 of a month of seconds',
      rule(cron('* * * * * ?'), 'fire-all'),
      cronSlot('01T00:00', 4),
      '31T00:00:00.500',
      { fire: false, skipTo: cronSlot('30T23:58:21', 4), skipped: 1_000, catchUpToMs: at('31T00:00:00.500') },
    ],
    [
      'fire-all: a fixed delay has missed one slot only',
      rule(fixedDelay, 'fire-all'),
      slot(2, '01T00:10'),
      '05T07:00',
      { fire: true, skipped: 0 },
    ],
  ])('%s', (_, given, missed, now, verdict) => {
    expect(misfire(given, missed, at(now))).toEqual(verdict);
  });

  test('a repeat that skipped a misfire still has all its runs, under ids never used before', () => {
    const skipTo = misfire(rule(repeat(3), 'skip'), slot(2, '01T00:10'), at('01T00:47')).skipTo as Slot;
    const third = slotAfter(rule(repeat(3)), skipTo, { nowMs: skipTo.at, endedAtMs: skipTo.at }).next as Slot;
    expect([skipTo, third]).toEqual([slot(3, '01T00:50', 2), slot(4, '01T01:00', 3)]);
    expect(slotAfter(rule(repeat(3)), third, { nowMs: third.at, endedAtMs: third.at }).next).toBeUndefined();
  });

  test('fire-all fires each missed slot once, oldest first, then goes on with the next to come', () => {
    const now = at('01T05:30');
    const { catchUpToMs } = misfire(rule(hourly, 'fire-all'), cronSlot('01T01:00'), now);
    const fired: number[] = [];
    let next: Slot | undefined = cronSlot('01T01:00');
    while (next && next.at <= now) {
      fired.push(next.at);
      next = slotAfter(rule(hourly), next, { nowMs: now, endedAtMs: now, catchUpToMs }).next;
    }
    expect(fired).toEqual(['01T01:00', '01T02:00', '01T03:00', '01T04:00', '01T05:00'].map(at));
    expect(next).toEqual(cronSlot('01T06:00', 6));
  });
});
