/** Reads the text of a cron expression: Quartz with 6 or 7 fields, unix with 5. */
import { LtsError } from '../../errors.js';
import { shown } from '../../kit/shown.js';
import {
  type Calendar,
  type DayRule,
  daysBeforeLast,
  lastWeekday,
  nearestWeekday,
  nearestWeekdayBeforeLast,
  nthWeekday,
} from './cron-days.js';

/** What an expression allows, independent of a zone. Lists are sorted. */
export interface CronFields extends Calendar {
  readonly dialect: 'quartz' | 'unix';
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
}

interface Field {
  readonly name: string;
  readonly min: number;
  /** The largest number that may be written. */
  readonly max: number;
  /** How many different values there are; the unix day of week writes Sunday as 0 and as 7. */
  readonly size: number;
  readonly stepMax: number;
  readonly names?: readonly string[];
  /** Forms beyond numbers, lists, ranges and steps, for error messages. */
  readonly extras?: string;
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const second: Field = { name: 'second', min: 0, max: 59, size: 60, stepMax: 59 };
const minute: Field = { name: 'minute', min: 0, max: 59, size: 60, stepMax: 59 };
const hour: Field = { name: 'hour', min: 0, max: 23, size: 24, stepMax: 23 };
const dayOfMonth: Field = {
  name: 'day of month',
  min: 1,
  max: 31,
  size: 31,
  stepMax: 31,
  extras: '?, L, L-3, LW or 15W',
};
const month: Field = { name: 'month', min: 1, max: 12, size: 12, stepMax: 12, names: monthNames };
const quartzDayOfWeek: Field = {
  name: 'day of week',
  min: 1,
  max: 7,
  size: 7,
  stepMax: 7,
  names: dayNames,
  extras: '?, L, 6L or 6#3 (1 is Sunday, 7 is Saturday)',
};
const unixDayOfWeek: Field = { ...quartzDayOfWeek, min: 0, extras: '?, 5L or 5#3 (0 and 7 are Sunday)' };
const year: Field = { name: 'year', min: 1970, max: 2199, size: 230, stepMax: 229 };

/** Listing every value of every field but the year takes about half of this. */
const expressionLengthMax = 1_024;

/** Throws LTS_CRON_INVALID with a sentence that names the field, the bad text and what is allowed. */
export function parseCronFields(expression: string): CronFields {
  if (typeof expression !== 'string') throw invalid(shown(expression), 'it is not a text');
  if (expression.length > expressionLengthMax) {
    throw invalid(expression, `it has ${expression.length} characters; at most ${expressionLengthMax} are allowed`);
  }
  try {
    return parseByLength(expression.trim().split(/\s+/));
  } catch (error) {
    throw error instanceof FieldError ? invalid(expression, error.message) : error;
  }
}

/** Inner signal: a sentence without the expression, which the caller adds. */
class FieldError extends Error {}

const invalid = (expression: string, reason: string): LtsError =>
  new LtsError('LTS_CRON_INVALID', `Cron expression '${shortened(expression)}': ${reason}.`);

const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);

function parseByLength(parts: readonly string[]): CronFields {
  if (parts.length === 5) return parseUnix(parts);
  if (parts.length === 6 || parts.length === 7) return parseQuartz(parts);
  if (parts[0]?.startsWith('@')) {
    throw new FieldError(
      `names such as '${shortened(parts[0])}' are not known; write the fields, for example '0 0 0 * * ?' for daily`,
    );
  }
  throw new FieldError(
    `it has ${parts[0] === '' ? 0 : parts.length} fields, not 6 or 7 (second minute hour day-of-month month day-of-week [year]) ` +
      'or 5 (minute hour day-of-month month day-of-week)',
  );
}

function parseUnix(parts: readonly string[]): CronFields {
  const [minutes = '', hours = '', days = '', months = '', weekdays = ''] = parts;
  const isDay = dayOfMonthRule(days);
  const isWeekday = dayOfWeekRule(unixDayOfWeek, weekdays);
  // Classic: two restricted fields mean either; a field that begins with * restricts nothing by itself, so both must fit.
  const isEither = !/^[*?]/.test(days) && !/^[*?]/.test(weekdays);
  return {
    dialect: 'unix',
    seconds: [0],
    minutes: values(minute, minutes),
    hours: values(hour, hours),
    months: new Set(values(month, months)),
    isDayAllowed: isEither ? (date) => isDay(date) || isWeekday(date) : (date) => isDay(date) && isWeekday(date),
  };
}

function parseQuartz(parts: readonly string[]): CronFields {
  const [seconds = '', minutes = '', hours = '', days = '', months = '', weekdays = '', years] = parts;
  checkQuestionMarks(parts);
  return {
    dialect: 'quartz',
    seconds: values(second, seconds),
    minutes: values(minute, minutes),
    hours: values(hour, hours),
    months: new Set(values(month, months)),
    years: years === undefined || years === '*' ? undefined : new Set(values(year, years)),
    isDayAllowed: weekdays === '?' ? dayOfMonthRule(days) : dayOfWeekRule(quartzDayOfWeek, weekdays),
  };
}

function checkQuestionMarks(parts: readonly string[]): void {
  const days = parts[3];
  const weekdays = parts[5];
  if ((days === '?') !== (weekdays === '?')) return;
  const replaced = (index: number, text: string): string =>
    parts.map((part, i) => (i === index ? text : part)).join(' ');
  if (days === '?') {
    throw new FieldError(
      `day of month and day of week are both '?'; write for example '${shortened(replaced(3, '*'))}'`,
    );
  }
  const reason = `day of month is '${shortened(days ?? '')}' and day of week is '${shortened(weekdays ?? '')}'; one of the two must be '?'`;
  if (weekdays !== '*' && days !== '*') throw new FieldError(`${reason}; use two schedules if either should fire`);
  throw new FieldError(`${reason}, for example '${shortened(replaced(weekdays === '*' ? 5 : 3, '?'))}'`);
}

function dayOfMonthRule(text: string): DayRule {
  if (text === '?') return () => true;
  return anyOf(
    items(text).map(
      (item) => lastDayRule(item) ?? nearestRule(item) ?? plainRule(dayOfMonth, item, (date) => date.day),
    ),
  );
}

function lastDayRule(item: string): DayRule | undefined {
  const match = /^L(?:-(\d{1,2}))?(W)?$/.exec(item);
  if (!match) return undefined;
  const days = Number(match[1] ?? 0);
  if (days > 30) throw refused(dayOfMonth, item);
  return match[2] ? nearestWeekdayBeforeLast(days) : daysBeforeLast(days);
}

function nearestRule(item: string): DayRule | undefined {
  const match = /^(\d{1,2})W$/.exec(item);
  return match ? nearestWeekday(numberOf(dayOfMonth, match[1] ?? '', item)) : undefined;
}

function dayOfWeekRule(field: Field, text: string): DayRule {
  if (text === '?') return () => true;
  return anyOf(
    items(text).map(
      (item) => specialWeekdayRule(field, item) ?? plainRule(field, item, (date) => date.weekday + field.min),
    ),
  );
}

function specialWeekdayRule(field: Field, item: string): DayRule | undefined {
  if (item === 'L') return ({ weekday }) => weekday === 6;
  const match = /^(\w+?)(?:L|#(\d+))$/.exec(item);
  if (!match) return undefined;
  const weekday = (numberOf(field, match[1] ?? '', item) - field.min) % 7;
  if (match[2] === undefined) return lastWeekday(weekday);
  const nth = Number(match[2]);
  if (nth < 1 || nth > 5) throw refused(field, item);
  return nthWeekday(weekday, nth);
}

function plainRule(field: Field, item: string, read: (date: Parameters<DayRule>[0]) => number): DayRule {
  const allowed = new Set(expand(field, item));
  return (date) => allowed.has(read(date));
}

const anyOf =
  (rules: readonly DayRule[]): DayRule =>
  (date) =>
    rules.some((rule) => rule(date));

const items = (text: string): string[] => text.toUpperCase().split(',');

function values(field: Field, text: string): number[] {
  const all = new Set(items(text).flatMap((item) => expand(field, item)));
  return [...all].sort((a, b) => a - b);
}

/** The values of one item: `*`, `5`, `1-5`, `5/15`, `1-9/2`, `*` with a step; a range whose end is smaller wraps around. */
function expand(field: Field, item: string): number[] {
  const match = /^(?:\*|(\w+)(?:-(\w+))?)?(?:\/(\d{1,4}))?$/.exec(item);
  if (!match || item === '') throw refused(field, item);
  const [, first, last, every] = match;
  const step = every === undefined ? 1 : Number(every);
  if (step < 1 || step > field.stepMax) {
    throw new FieldError(`the ${field.name} field has the step '/${every}'; a step there is 1 to ${field.stepMax}`);
  }
  const from = first === undefined ? field.min : numberOf(field, first, item);
  const to =
    last === undefined ? openEnd(field, from, first !== undefined && every === undefined) : numberOf(field, last, item);
  if (from > to && field === year) throw refused(field, item);
  const found: number[] = [];
  for (let value = from; value <= (from > to ? to + field.size : to); value += step) {
    found.push(((value - field.min) % field.size) + field.min);
  }
  return found;
}

/** Where `*`, `5/15` and a step without a range end; a single value ends where it begins. */
function openEnd(field: Field, from: number, isSingle: boolean): number {
  return isSingle ? from : Math.max(from, field.min + field.size - 1);
}

function numberOf(field: Field, text: string, item: string): number {
  const index = field.names?.indexOf(text) ?? -1;
  if (index >= 0) return field.min + index;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.min && value <= field.max) return value;
  throw refused(field, item);
}

function refused({ name, min, max, names, extras }: Field, item: string): FieldError {
  const numbers = `${min}-${max}${names ? ` or ${names[0]}-${names.at(-1)}` : ''}`;
  const forms = `lists (${min},${min + 2}), ranges (${min}-${min + 4}), steps (${min}/2)${extras ? `, ${extras}` : ''}`;
  return new FieldError(`the ${name} field cannot be '${shortened(item)}'; allowed are ${numbers}, *, ${forms}`);
}
