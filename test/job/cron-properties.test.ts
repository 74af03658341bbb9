/** Cron rules against independent answers: a walk through every minute, every zone of the engine, and the package cron-parser. */
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextFireAt, preview } from '../../src/job/cron/cron.js';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const zones = Intl.supportedValuesOf('timeZone');
const seed = 20_260_101;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Local time by another way than the code under test: part by part. Written as if it were UTC. */
function localOf(zone: string, ms: number): number {
  let formatter = formatters.get(zone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
    formatters.set(zone, formatter);
  }
  return Date.parse(`${formatter.format(ms).replace(' ', 'T')}Z`);
}

/** The instants of a year at which the zone's offset changes, to the minute; searched by days, then by halves. */
function changesOf(zone: string, year: number): number[] {
  const offset = (ms: number): number => localOf(zone, ms) - ms;
  const changes: number[] = [];
  for (let day = Date.UTC(year, 0); day < Date.UTC(year + 1, 0); day += dayMs) {
    if (offset(day) === offset(day + dayMs)) continue;
    let low = day;
    let high = day + dayMs;
    while (high - low > minuteMs) {
      const middle = low + Math.floor((high - low) / 2 / minuteMs) * minuteMs;
      if (offset(middle) === offset(low)) low = middle;
      else high = middle;
    }
    changes.push(high);
  }
  return changes;
}

/** An expression together with what it allows, made from the same choice. */
interface Sample {
  readonly text: string;
  readonly hours: readonly number[];
  readonly allows: (local: Date) => boolean;
}

const list = (min: number, max: number, maxLength: number) =>
  fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength }).map((values) => values.sort((a, b) => a - b));
const range = (min: number, max: number): number[] => Array.from({ length: max - min + 1 }, (_, i) => min + i);
type Choice = { readonly text: string; readonly values: readonly number[] };
const choice = (min: number, max: number): fc.Arbitrary<Choice> => {
  const span = max - min + 1;
  return fc.oneof(
    fc.constant({ text: '*', values: range(min, max) }),
    list(min, max, 4).map((values) => ({ text: values.join(','), values })),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([from, to]) => ({
      text: `${from}-${to}`,
      values: range(from, from <= to ? to : to + span).map((value) => (value > max ? value - span : value)),
    })),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 1, max: max - 1 })).map(([from, step]) => ({
      text: `${from}/${step}`,
      values: range(from, max).filter((value) => (value - from) % step === 0),
    })),
  );
};

/** Day rules by a list of the month's days, not by arithmetic on one day. */
const monthDays = (date: Date): Date[] => {
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return range(1, 31)
    .map((day) => new Date(Date.UTC(year, month, day)))
    .filter((day) => day.getUTCMonth() === month);
};
const isSameDay = (a: Date | undefined, b: Date): boolean => a?.getUTCDate() === b.getUTCDate();
const nearestTo = (days: Date[], target: Date | undefined): Date | undefined =>
  target &&
  days
    .filter((day) => day.getUTCDay() % 6 !== 0)
    .sort((a, b) => Math.abs(Number(a) - Number(target)) - Math.abs(Number(b) - Number(target)))[0];

const dayChoice: fc.Arbitrary<{ text: [dom: string, dow: string]; allows: (date: Date) => boolean }> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ text: ['*', '?'] as [string, string], allows: () => true }) },
  choice(1, 31).map(({ text, values }) => ({
    text: [text, '?'] as [string, string],
    allows: (date: Date) => values.includes(date.getUTCDate()),
  })),
  choice(1, 7).map(({ text, values }) => ({
    text: ['?', text] as [string, string],
    allows: (date: Date) => values.includes(date.getUTCDay() + 1),
  })),
  fc.integer({ min: 0, max: 30 }).map((back) => ({
    text: [back === 0 ? 'L' : `L-${back}`, '?'] as [string, string],
    allows: (date: Date) => isSameDay(monthDays(date).at(-1 - back), date),
  })),
  fc.integer({ min: 1, max: 31 }).map((day) => ({
    text: [`${day}W`, '?'] as [string, string],
    allows: (date: Date) => isSameDay(nearestTo(monthDays(date), monthDays(date)[day - 1]), date),
  })),
  fc.constant({
    text: ['LW', '?'] as [string, string],
    allows: (date: Date) => isSameDay(nearestTo(monthDays(date), monthDays(date).at(-1)), date),
  }),
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 })).map(([dow, nth]) => ({
    text: ['?', `${dow}#${nth}`] as [string, string],
    allows: (date: Date) => isSameDay(monthDays(date).filter((day) => day.getUTCDay() + 1 === dow)[nth - 1], date),
  })),
  fc.integer({ min: 1, max: 7 }).map((dow) => ({
    text: ['?', `${dow}L`] as [string, string],
    allows: (date: Date) =>
      isSameDay(
        monthDays(date)
          .filter((day) => day.getUTCDay() + 1 === dow)
          .at(-1),
        date,
      ),
  })),
);

const sample: fc.Arbitrary<Sample> = fc
  .tuple(
    choice(0, 59),
    choice(0, 23),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({ text: '*', values: range(1, 12) }) },
      { weight: 1, arbitrary: choice(1, 12) },
    ),
    dayChoice,
  )
  .map(([minute, hour, month, day]) => ({
    text: `0 ${minute.text} ${hour.text} ${day.text[0]} ${month.text} ${day.text[1]}`,
    hours: hour.values,
    allows: (local) =>
      minute.values.includes(local.getUTCMinutes()) &&
      hour.values.includes(local.getUTCHours()) &&
      month.values.includes(local.getUTCMonth() + 1) &&
      day.allows(local),
  }));

const summerShift = (zone: string): number => localOf(zone, Date.UTC(2026, 6)) - localOf(zone, Date.UTC(2026, 0));
const changingZones = zones.filter((zone) => summerShift(zone) !== Date.UTC(2026, 6) - Date.UTC(2026, 0));

/** A window of two days: around a clock change of the zone where it has one in that year, else anywhere. */
const window = fc
  .record({
    zone: fc.oneof(fc.constantFrom(...changingZones), fc.constantFrom(...zones)),
    year: fc.integer({ min: 2020, max: 2040 }),
    minute: fc.nat(2 * 1_440),
    pick: fc.nat(20_000),
  })
  .map(({ zone, year, minute, pick }) => {
    const changes = changesOf(zone, year);
    const change = changes[pick % Math.max(changes.length, 1)];
    return { zone, from: (change ?? Date.UTC(year, 0) + pick * 26 * minuteMs) - minute * minuteMs };
  });

/** The rule of the head comment of cron.ts, by walking through every real minute and watching the clock on the wall. */
function walk({ hours, allows }: Sample, zone: string, from: number, until: number): number[] {
  const followsElapsedTime = new Set(hours).size === 24;
  const fires: number[] = [];
  let shown = localOf(zone, from - dayMs);
  for (let at = from - dayMs + minuteMs; at <= until; at += minuteMs) {
    const local = localOf(zone, at);
    const passed = followsElapsedTime
      ? [local]
      : range(1, Math.max((local - shown) / minuteMs, 0)).map((n) => shown + n * minuteMs);
    if (at > from && passed.some((time) => allows(new Date(time)))) fires.push(at);
    shown = Math.max(shown, local);
  }
  return fires;
}

describe('cron rules in every zone', { timeout: 20_000 }, () => {
  test('the same seconds as a walk through every second of two hours', () => {
    const after = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) });
    fc.assert(
      fc.property(choice(0, 59), choice(0, 59), after, (second, minute, from) => {
        const until = from + 120 * minuteMs;
        const start = Math.floor(from / 1_000) * 1_000;
        const walked = range(1, 7_200).map((n) => new Date(start + n * 1_000));
        const allowed = walked.filter(
          (at) => second.values.includes(at.getUTCSeconds()) && minute.values.includes(at.getUTCMinutes()),
        );
        const found = preview(`${second.text} ${minute.text} * * * ?`, 'UTC', {
          count: allowed.length + 1,
          afterMs: from,
        }).map(Number);
        expect(found.filter((at) => at <= until)).toEqual(allowed.map(Number));
      }),
      { seed, numRuns: 60 },
    );
  });

  test('the same fires as a walk through every minute', () => {
    fc.assert(
      fc.property(sample, window, (cron, { zone, from }) => {
        const until = from + 2 * dayMs;
        const found: number[] = [];
        for (
          let at = nextFireAt(cron.text, zone, from);
          at !== undefined && at <= until && found.length < 3_000;
          at = nextFireAt(cron.text, zone, at)
        )
          found.push(at);
        expect(found).toEqual(walk(cron, zone, from, until));
      }),
      { seed, numRuns: 100 },
    );
  });

  test('fires grow, each is allowed by the clock or ends a gap, and preview agrees with one step at a time', () => {
    fc.assert(
      fc.property(
        sample,
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) }),
        (cron, zone, after) => {
          const fires = preview(cron.text, zone, { count: 6, afterMs: after }).map(Number);
          let last = after;
          for (const at of fires) {
            expect(at).toBeGreaterThan(last);
            expect(nextFireAt(cron.text, zone, last)).toBe(at);
            expect(nextFireAt(cron.text, zone, at - 1)).toBe(at);
            const isAfterGap = localOf(zone, at) - localOf(zone, at - 1_000) > 1_000;
            expect(cron.allows(new Date(localOf(zone, at))) || isAfterGap).toBe(true);
            last = at;
          }
        },
      ),
      { seed, numRuns: 1_000 },
    );
  });

  test('a daily expression fires exactly once on every local day, in every zone', () => {
    zones.forEach((zone, index) => {
      const year = 2020 + (index % 20);
      const text = `0 ${(index * 7) % 60} ${index % 4} * * ?`;
      const days = preview(text, zone, { count: 366, afterMs: Date.UTC(year, 0) - 1 }).map((fire) =>
        Math.floor(localOf(zone, Number(fire)) / dayMs),
      );
      expect(days, `${text} ${zone} ${year}`).toEqual(range(days[0] ?? 0, (days[0] ?? 0) + 365));
    });
  });

  test('an expression for every half hour leaves no hole and doubles nothing, in every zone', () => {
    zones.forEach((zone, index) => {
      const year = 2020 + (index % 20);
      for (const change of changesOf(zone, year)) {
        const fires = preview('0 0/30 * * * ?', zone, { count: 12, afterMs: change - 3 * 60 * minuteMs }).map(Number);
        const gaps = fires.slice(1).map((at, i) => at - (fires[i] ?? 0));
        expect(new Set(gaps), `${zone} ${new Date(change).toISOString()}`).toEqual(new Set([30 * minuteMs]));
      }
    });
  });

  test('the same fires as cron-parser, where both speak the same dialect and the clock does not change', () => {
    const field = (min: number, max: number) =>
      choice(min, max).filter(({ values }) => values.every((value, i) => i === 0 || value > (values[i - 1] ?? 0)));
    const unix = fc.tuple(
      field(0, 59),
      field(0, 23),
      fc.oneof(
        fc.constant({ text: '*' }),
        list(1, 28, 3).map((days) => ({ text: days.join(',') })),
      ),
      field(1, 12),
      fc.oneof(
        fc.constant({ text: '*' }),
        list(0, 6, 3).map((days) => ({ text: days.join(',') })),
      ),
    );
    fc.assert(
      fc.property(unix, fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) }), (fields, after) => {
        const text = fields.map((part) => part.text).join(' ');
        const theirs = CronExpressionParser.parse(text, { tz: 'UTC', currentDate: new Date(after) }).take(4);
        expect(preview(text, 'UTC', { count: 4, afterMs: after }).map(Number)).toEqual(
          theirs.map((date) => date.getTime()),
        );
      }),
      { seed, numRuns: 500 },
    );
  });

  test('a fire time costs well below a millisecond', () => {
    const startedAt = performance.now();
    let count = 0;
    for (const zone of zones.slice(0, 50)) {
      for (const text of ['0 30 2 * * ?', '* * * * * ?', '0 0/5 9-17 ? * MON-FRI', '0 0 0 LW * ?'])
        count += preview(text, zone, { count: 20, afterMs: Date.UTC(2026, 0) }).length;
    }
    expect(count).toBe(4_000);
    expect((performance.now() - startedAt) / count).toBeLessThan(0.5);
  });
});
