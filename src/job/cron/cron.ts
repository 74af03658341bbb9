/**
 * Fire times of cron expressions: Quartz with 6 or 7 fields, unix with 5, in an IANA zone.
 *
 * Clock changes:
 * - An expression whose hour field allows every hour (`*`, `0/1`, `0-23`) *follows elapsed time*: it fires at every instant at
 *   which the local clock shows an allowed time. `0 0/30 * * * ?` thus fires every real half hour, whatever the clock does.
 * - Any other names hours of the clock, steps such as `0/2` included, and *keeps to the clock*: each allowed local time counts
 *   once. One that the clock skips fires at the first instant after the gap, together with whatever else falls there; one that
 *   the clock shows twice fires the first time only.
 * Where the clock jumps by less than an hour (Lord Howe), one interval of an hourly expression is longer or shorter by the jump.
 *
 * Why the package cron-parser is not called here: `W`, `LW`, `L-3`, lists of `#`, years, wrap-around ranges and Quartz's day
 * numbers are not in its dialect, and its rules for clock changes differ from ours. What it could still do, the next time of
 * day, is a dozen lines here; its `next()` takes 60-95 us where a whole `nextFireAt` takes 2-14 (5.10.5, Node 20). The tests
 * use it as a second opinion: both must agree wherever they speak the same dialect.
 */
import { memoize } from '../../kit/memo.js';
import { nextDay } from './cron-days.js';
import { type CronFields, parseCronFields } from './cron-fields.js';
import { type Zone, zoneOf } from './zone-time.js';

const dayMs = 86_400_000;

/** An expression that can be read, in a zone that exists. */
export interface CronExpression {
  readonly expression: string;
  readonly timeZone: string;
  readonly fields: CronFields;
  readonly zone: Zone;
}

const knownFields = memoize(parseCronFields, 1_000);

/**
 * Reads an expression and a zone name. Throws LTS_CRON_INVALID with a sentence that names the field, the bad text and what
 * is allowed. An expression that can be read may still never fire (30 February): `nextFireAt` tells.
 */
export function parseCron(expression: string, timeZone: string): CronExpression {
  return { expression, timeZone, fields: knownFields(expression), zone: zoneOf(timeZone) };
}

/**
 * The first instant strictly after `afterMs` (and not before 1970) at which the expression fires; undefined when there is
 * none within about 100 years. Throws as `parseCron`.
 */
export function nextFireAt(expression: string, timeZone: string, afterMs: number): number | undefined {
  return nextFire(parseCron(expression, timeZone), afterMs);
}

/** The first `count` fire times after `afterMs`, fewer if the expression has no more. Throws as `parseCron`. */
export function preview(
  expression: string,
  timeZone: string,
  { count, afterMs }: { count: number; afterMs: number },
): Date[] {
  const cron = parseCron(expression, timeZone);
  const fires: Date[] = [];
  let at = nextFire(cron, afterMs);
  while (at !== undefined && fires.length < count) {
    fires.push(new Date(at));
    at = nextFire(cron, at);
  }
  return fires;
}

/** Beyond year 9000 nothing fires, which keeps every sum inside the range of a Date. */
const lastMs = Date.UTC(9_000, 0);

function nextFire({ fields, zone }: CronExpression, afterMs: number): number | undefined {
  if (!(afterMs < lastMs)) return undefined;
  const after = Math.max(Math.floor(afterMs), -1);
  return fields.hours.length === 24 ? nextByElapsedTime(fields, zone, after) : nextByClock(fields, zone, after);
}

function nextByClock(fields: CronFields, zone: Zone, after: number): number | undefined {
  const local = nextLocal(fields, latestPassed(zone, after));
  return local === undefined ? undefined : zone.place(local).at;
}

/** The latest local time whose first instant is not after `after`: while a repeated hour runs again, the end of that hour. */
function latestPassed(zone: Zone, after: number): number {
  const local = zone.toLocal(after);
  const { at, again } = zone.place(local);
  if (again !== after) return local;
  const change = zone.changeBetween(at, again) ?? after;
  return change - 1 + zone.offsetAt(change - 1);
}

function nextByElapsedTime(fields: CronFields, zone: Zone, after: number): number | undefined {
  const local = nextLocal(fields, zone.toLocal(after));
  const change = zone.changeBetween(after, after + dayMs);
  const isBeforeChange = change === undefined || (local !== undefined && local - zone.offsetAt(after) < change);
  if (isBeforeChange) return instantAfter(fields, zone, { local, after });
  return instantAfter(fields, zone, { local: nextLocal(fields, zone.toLocal(change) - 1), after: change - 1 });
}

/** The instant after `after` at which the clock shows `local`, or the next allowed time if the clock never does. */
function instantAfter(
  fields: CronFields,
  zone: Zone,
  { local, after }: { local: number | undefined; after: number },
): number | undefined {
  if (local === undefined) return undefined;
  const { at, again, isInGap } = zone.place(local);
  if (isInGap) return nextByElapsedTime(fields, zone, at - 1);
  return at > after ? at : again;
}

/** The first allowed local time strictly after a local time. */
function nextLocal(fields: CronFields, after: number): number | undefined {
  const today = Math.floor(after / dayMs) * dayMs;
  const time = nextTimeOfDay(fields, after - today);
  const isLater = time === undefined;
  const day = nextDay(fields, isLater ? today + dayMs : today);
  if (day === undefined) return undefined;
  return day === today && !isLater ? today + time : day + (nextTimeOfDay(fields, -1) ?? 0);
}

/** The first allowed time of day strictly after another one, in ms since midnight. */
function nextTimeOfDay({ hours, minutes, seconds }: CronFields, after: number): number | undefined {
  const second = Math.floor(after / 1_000);
  for (const hour of hours) {
    if (hour * 3_600 + 3_599 <= second) continue;
    for (const minute of minutes) {
      const start = hour * 3_600 + minute * 60;
      if (start + 59 <= second) continue;
      const found = seconds.find((value) => start + value > second);
      if (found !== undefined) return (start + found) * 1_000;
    }
  }
  return undefined;
}
