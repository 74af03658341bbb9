/** The calendar of a cron expression: which days it allows, and the next of them. Days are UTC midnights in ms. */

const dayMs = 86_400_000;
const saturday = 6;
const sunday = 0;

/** What a rule may ask about a day. */
export interface CalendarDay {
  /** 1-31. */
  readonly day: number;
  /** 0 = Sunday. */
  readonly weekday: number;
  /** The last day of its month, 28-31. */
  readonly lastDay: number;
}

export type DayRule = (date: CalendarDay) => boolean;

export interface Calendar {
  /** 1-12. */
  readonly months: ReadonlySet<number>;
  /** Absent: every year. */
  readonly years?: ReadonlySet<number> | undefined;
  readonly isDayAllowed: DayRule;
}

/** `L`, `L-3`: so many days before the last day of the month. */
export const daysBeforeLast =
  (days: number): DayRule =>
  ({ day, lastDay }) =>
    day === lastDay - days;

/** `15W`: the weekday nearest to a day, within the same month. No day in a month that is too short. */
export const nearestWeekday =
  (target: number): DayRule =>
  (date) =>
    isNearestWeekday(date, target);

/** `LW`, `L-3W`: the weekday nearest to so many days before the last day of the month. */
export const nearestWeekdayBeforeLast =
  (days: number): DayRule =>
  (date) =>
    isNearestWeekday(date, date.lastDay - days);

/** `6L`: the last such weekday of the month. */
export const lastWeekday =
  (weekday: number): DayRule =>
  (date) =>
    date.weekday === weekday && date.day > date.lastDay - 7;

/** `6#3`: the third such weekday of the month. */
export const nthWeekday =
  (weekday: number, nth: number): DayRule =>
  (date) =>
    date.weekday === weekday && Math.ceil(date.day / 7) === nth;

function isNearestWeekday({ day, weekday, lastDay }: CalendarDay, target: number): boolean {
  if (target < 1 || target > lastDay) return false;
  const targetWeekday = (weekday + target - day + 35) % 7;
  if (targetWeekday === saturday) return day === (target === 1 ? 3 : target - 1);
  if (targetWeekday === sunday) return day === (target === lastDay ? target - 2 : target + 1);
  return day === target;
}

/** The first allowed day at or after `from`; undefined when there is none in the next 100 years. */
export function nextDay(calendar: Calendar, from: number): number | undefined {
  const start = new Date(from);
  const startYear = start.getUTCFullYear();
  let firstDay = start.getUTCDate();
  for (let index = start.getUTCMonth(); index <= 100 * 12 + 11; index++) {
    const year = startYear + Math.floor(index / 12);
    const month = index % 12;
    if (calendar.months.has(month + 1) && (calendar.years?.has(year) ?? true)) {
      const day = nextDayOfMonth(calendar.isDayAllowed, Date.UTC(year, month), firstDay);
      if (day !== undefined) return day;
    }
    firstDay = 1;
  }
  return undefined;
}

function nextDayOfMonth(isDayAllowed: DayRule, monthStart: number, firstDay: number): number | undefined {
  const start = new Date(monthStart);
  const lastDay = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0)).getUTCDate();
  for (let day = firstDay; day <= lastDay; day++) {
    const weekday = (start.getUTCDay() + day - 1) % 7;
    if (isDayAllowed({ day, weekday, lastDay })) return monthStart + (day - 1) * dayMs;
  }
  return undefined;
}
