/**
 * Local time of a zone and back, on top of the zone data of the JavaScript engine.
 * A local time is written as the milliseconds that it would be if it were UTC. The offset is assumed to change at most
 * once within any 26 hours, which holds for every zone since 1970.
 */
import { assert, LtsError } from '../../errors.js';
import { memoize } from '../../kit/memo.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Where a local time lies on the time line. */
export interface LocalPlace {
  /** Its first instant; for a local time in a gap, the first instant after the gap. */
  readonly at: number;
  /** Its second instant, if the clock shows it twice. */
  readonly again?: number;
  /** True if the clock never shows it. */
  readonly isInGap: boolean;
}

export interface Zone {
  /** Local time minus UTC at an instant, in ms. */
  offsetAt(ms: number): number;
  /** The local time at an instant. */
  toLocal(ms: number): number;
  place(local: number): LocalPlace;
  /** The first instant with another offset in (from, to]; `to` lies at most a day after `from`. */
  changeBetween(from: number, to: number): number | undefined;
}

/** The zone of this IANA name, or LTS_CRON_INVALID. */
export function zoneOf(timeZone: string): Zone {
  return knownZone(timeZone);
}

// A formatter takes some 50 KiB, so zones are shared and few are kept.
const knownZone = memoize((timeZone: string) => createZone(formatterOf(timeZone)), 128);

function createZone(formatter: Intl.DateTimeFormat): Zone {
  // Formatting takes 2-3 us and most days have one offset: it is asked for once at each midnight UTC.
  const atMidnight = memoize((day: number) => formattedOffset(formatter, day * dayMs), 64);
  const offsetAt = (ms: number): number => {
    const day = Math.floor(ms / dayMs);
    const offset = atMidnight(day);
    return offset === atMidnight(day + 1) ? offset : formattedOffset(formatter, ms);
  };
  return {
    offsetAt,
    toLocal: (ms) => ms + offsetAt(ms),
    place: (local) => placeOf(offsetAt, local),
    changeBetween: (from, to) => changeBetween(offsetAt, from, to),
  };
}

/** Offsets lie between -12 h and +14 h, so the offsets at both ends of that window are the only ones that can apply. */
function placeOf(offsetAt: Zone['offsetAt'], local: number): LocalPlace {
  const before = offsetAt(local - 14 * hourMs);
  const after = offsetAt(local + 12 * hourMs);
  if (before === after) return { at: local - before, isInGap: false };
  const isBefore = offsetAt(local - before) === before;
  const isAfter = offsetAt(local - after) === after;
  if (isBefore && isAfter) return { at: local - before, again: local - after, isInGap: false };
  if (isBefore || isAfter) return { at: local - (isBefore ? before : after), isInGap: false };
  const change = changeBetween(offsetAt, local - 14 * hourMs, local + 12 * hourMs);
  assert(change !== undefined, 'a local time without an instant lies in a gap');
  return { at: change, isInGap: true };
}

function changeBetween(offsetAt: Zone['offsetAt'], from: number, to: number): number | undefined {
  const before = offsetAt(from);
  if (offsetAt(to) === before) return undefined;
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

function formattedOffset(formatter: Intl.DateTimeFormat, ms: number): number {
  const second = Math.floor(ms / 1_000) * 1_000;
  const [month, day, year, hour, minute, seconds] = formatter.format(second).match(/\d+/g)?.map(Number) ?? [];
  return Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, seconds) - second;
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  // Newer engines also take offsets such as +02:00; all nodes must agree, so only names count.
  if (/^[A-Za-z][\w+/-]{0,63}$/.test(timeZone)) {
    try {
      const digits = {
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      } as const;
      return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...digits });
    } catch {
      // An unknown name ends in the same sentence as a malformed one.
    }
  }
  const text = timeZone.length > 40 ? `${timeZone.slice(0, 40)}...` : timeZone;
  throw new LtsError(
    'LTS_CRON_INVALID',
    `Time zone '${text}' is unknown; write an IANA name such as 'UTC' or 'Europe/Berlin'.`,
  );
}
