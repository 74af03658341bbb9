/** What cron expressions mean: the vectors of Quartz and unix, and the sentences for what cannot be read. */
import { describe, expect, test } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { nextFireAt, parseCron, preview } from '../../src/job/cron/cron.js';

const fires = (expression: string, after: string, count: number, zone = 'UTC'): string[] =>
  preview(expression, zone, { count, afterMs: Date.parse(after) }).map((date) =>
    date.toISOString().replace(/(:00)?\.000Z$/, ''),
  );

describe('the dialect: the next fires in UTC', () => {
  const after = '2025-01-01T12:00:00Z';
  const cases: [expression: string, after: string, next: string[]][] = [
    // Vectors taken from Quartz.
    ['0 0/7 * * * ?', '2025-01-01T00:50:00Z', ['2025-01-01T00:56', '2025-01-01T01:00', '2025-01-01T01:07']],
    ['0 0 0 31 * ?', after, ['2025-01-31T00:00', '2025-03-31T00:00', '2025-05-31T00:00', '2025-07-31T00:00']],
    ['0 0 0 ? * 6#5', after, ['2025-01-31T00:00', '2025-05-30T00:00', '2025-08-29T00:00']],
    ['0 0 0 1W * ?', after, ['2025-02-03T00:00', '2025-03-03T00:00', '2025-04-01T00:00']],
    ['0 0 0 15,L * ?', after, ['2025-01-15T00:00', '2025-01-31T00:00', '2025-02-15T00:00', '2025-02-28T00:00']],
    [
      '0 0 0 LW * ?',
      after,
      ['2025-01-31T00:00', '2025-02-28T00:00', '2025-03-31T00:00', '2025-04-30T00:00', '2025-05-30T00:00'],
    ],
    ['0 0 0 ? * L', after, ['2025-01-04T00:00', '2025-01-11T00:00']],
    ['0 0 0 30 2 ?', after, []],
    ['0 0 0 1 1 ? 2024', after, []],
    ['0 0 0 1 1 ? 2150', after, []],
    // Quartz, further forms.
    ['0 0 12 * * ?', after, ['2025-01-02T12:00', '2025-01-03T12:00']],
    ['*/20 * * * * ?', after, ['2025-01-01T12:00:20', '2025-01-01T12:00:40', '2025-01-01T12:01']],
    [
      '5/25 59 23 31 12 ?',
      after,
      ['2025-12-31T23:59:05', '2025-12-31T23:59:30', '2025-12-31T23:59:55', '2026-12-31T23:59:05'],
    ],
    ['/30 * * * * ?', after, ['2025-01-01T12:00:30', '2025-01-01T12:01']],
    [
      '0 0 22-2 * * ?',
      after,
      [
        '2025-01-01T22:00',
        '2025-01-01T23:00',
        '2025-01-02T00:00',
        '2025-01-02T01:00',
        '2025-01-02T02:00',
        '2025-01-02T22:00',
      ],
    ],
    ['0 0 22-2/2 * * ?', after, ['2025-01-01T22:00', '2025-01-02T00:00', '2025-01-02T02:00', '2025-01-02T22:00']],
    ['0 0 0 ? NOV-FEB 1#1', after, ['2025-01-05T00:00', '2025-02-02T00:00', '2025-11-02T00:00', '2025-12-07T00:00']],
    ['0 0 0 30-1 * ?', after, ['2025-01-30T00:00', '2025-01-31T00:00', '2025-02-01T00:00', '2025-03-01T00:00']],
    [
      '0 0 0 ? * fri-MON',
      after,
      ['2025-01-03T00:00', '2025-01-04T00:00', '2025-01-05T00:00', '2025-01-06T00:00', '2025-01-10T00:00'],
    ],
    ['0 0 0 ? * 7-1', after, ['2025-01-04T00:00', '2025-01-05T00:00', '2025-01-11T00:00']],
    ['0 0 0 ? * 2', after, ['2025-01-06T00:00', '2025-01-13T00:00']],
    ['0 0 0 ? * 6L', after, ['2025-01-31T00:00', '2025-02-28T00:00', '2025-03-28T00:00']],
    ['0 0 0 ? * FRIL', after, ['2025-01-31T00:00', '2025-02-28T00:00', '2025-03-28T00:00']],
    ['0 0 0 ? * MON#1,WED#3', after, ['2025-01-06T00:00', '2025-01-15T00:00', '2025-02-03T00:00', '2025-02-19T00:00']],
    ['0 0 0 L-3 * ?', after, ['2025-01-28T00:00', '2025-02-25T00:00', '2025-03-28T00:00']],
    ['0 0 0 L-30 * ?', after, ['2025-03-01T00:00', '2025-05-01T00:00']],
    ['0 0 0 L-2W * ?', after, ['2025-01-29T00:00', '2025-02-26T00:00', '2025-03-28T00:00']],
    [
      '0 0 0 15W * ?',
      after,
      [
        '2025-01-15T00:00',
        '2025-02-14T00:00',
        '2025-03-14T00:00',
        '2025-04-15T00:00',
        '2025-05-15T00:00',
        '2025-06-16T00:00',
      ],
    ],
    [
      '0 0 0 31W * ?',
      after,
      ['2025-01-31T00:00', '2025-03-31T00:00', '2025-05-30T00:00', '2025-07-31T00:00', '2025-08-29T00:00'],
    ],
    ['0 0 0 LW 5 ? 2026', after, ['2026-05-29T00:00']],
    ['0 0 0 1 1 ? 2027-2031/2', after, ['2027-01-01T00:00', '2029-01-01T00:00', '2031-01-01T00:00']],
    ['0 0 0 1 1 ? *', after, ['2026-01-01T00:00', '2027-01-01T00:00']],
    ['0 0 0 29 2 ?', after, ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['0 0 0 29 2 ?', '2096-03-01T00:00:00Z', ['2104-02-29T00:00']],
    ['  0   0\t12 * * ? ', after, ['2025-01-02T12:00']],
    // Unix, 5 fields.
    ['*/15 * * * *', after, ['2025-01-01T12:15', '2025-01-01T12:30', '2025-01-01T12:45', '2025-01-01T13:00']],
    ['30 4 * * 0', after, ['2025-01-05T04:30', '2025-01-12T04:30']],
    ['30 4 * * 7', after, ['2025-01-05T04:30', '2025-01-12T04:30']],
    ['30 4 * * 0,7', after, ['2025-01-05T04:30', '2025-01-12T04:30']],
    ['0 0 * * 5-7', after, ['2025-01-03T00:00', '2025-01-04T00:00', '2025-01-05T00:00', '2025-01-10T00:00']],
    ['0 0 * * 7-2', after, ['2025-01-05T00:00', '2025-01-06T00:00', '2025-01-07T00:00', '2025-01-12T00:00']],
    ['0 0 * * 7/3', after, ['2025-01-05T00:00', '2025-01-12T00:00']],
    ['0 0 * * mon', after, ['2025-01-06T00:00', '2025-01-13T00:00']],
    ['0 0 13 * 5', after, ['2025-01-03T00:00', '2025-01-10T00:00', '2025-01-13T00:00', '2025-01-17T00:00']],
    ['0 0 */10 * 1', after, ['2025-03-31T00:00', '2025-04-21T00:00']],
    ['0 0 ? * 1', after, ['2025-01-06T00:00', '2025-01-13T00:00']],
    ['0 0 L * *', after, ['2025-01-31T00:00', '2025-02-28T00:00']],
    ['0 0 * * 5L', after, ['2025-01-31T00:00', '2025-02-28T00:00']],
  ];
  test.each(cases)('%s after %s', (expression, from, next) => {
    expect(fires(expression, from, Math.max(next.length, 1))).toEqual(next);
  });

  test('the answer is strictly after the given instant, to the millisecond', () => {
    const noon = Date.parse('2025-01-01T12:00:00Z');
    expect(nextFireAt('0 0 12 * * ?', 'UTC', noon - 1)).toBe(noon);
    expect(nextFireAt('0 0 12 * * ?', 'UTC', noon)).toBe(noon + 86_400_000);
    expect(nextFireAt('* * * * * ?', 'UTC', noon + 0.5)).toBe(noon + 1_000);
    expect(nextFireAt('* * * * * ?', 'UTC', noon + 999)).toBe(noon + 1_000);
  });

  test('nothing fires before 1970, after 100 years, or after an instant that is none', () => {
    expect(nextFireAt('0 0 0 * * ?', 'UTC', -1e15)).toBe(0);
    expect(nextFireAt('0 0 0 1 1 ? 2126', 'UTC', Date.parse('2025-06-01T00:00Z'))).toBeUndefined();
    expect(nextFireAt('0 0 0 1 1 ? 2125', 'UTC', Date.parse('2025-06-01T00:00Z'))).toBe(Date.UTC(2125, 0));
    for (const instant of [Number.NaN, Number.POSITIVE_INFINITY, 8.64e15])
      expect(nextFireAt('* * * * *', 'UTC', instant)).toBeUndefined();
  });
});

describe('what cannot be read is refused with a sentence', () => {
  const message = (expression: string, zone = 'UTC'): string => {
    try {
      parseCron(expression, zone);
    } catch (error) {
      if (LtsError.is(error, 'LTS_CRON_INVALID')) return error.message;
      throw error;
    }
    return 'accepted';
  };
  const cases: [expression: string, part: string | RegExp][] = [
    ['0 0 12 * * *', "one of the two must be '?', for example '0 0 12 * * ?'"],
    ['0 0 12 * * 2', "one of the two must be '?', for example '0 0 12 ? * 2'"],
    ['0 0 12 1 * *', "one of the two must be '?', for example '0 0 12 1 * ?'"],
    ['0 0 12 1 * 2', "one of the two must be '?'; use two schedules if either should fire"],
    ['0 0 12 ? * ?', "are both '?'; write for example '0 0 12 * * ?'"],
    ['@daily', "names such as '@daily' are not known; write the fields, for example '0 0 0 * * ?'"],
    ['', 'it has 0 fields, not 6 or 7 (second minute'],
    ['* * * *', 'it has 4 fields'],
    ['0 0 0 1 1 ? 2025 x', 'it has 8 fields'],
    ['0 0 0 ? * 0', "the day of week field cannot be '0'; allowed are 1-7 or SUN-SAT"],
    ['0 0 0 ? * 8', "the day of week field cannot be '8'"],
    ['* * * * 8', "the day of week field cannot be '8'; allowed are 0-7 or SUN-SAT"],
    ['0/90 * * * * ?', "the second field has the step '/90'; a step there is 1 to 59"],
    ['0 0/60 * * * ?', "the minute field has the step '/60'"],
    ['0 */0 * * * ?', "the minute field has the step '/0'"],
    ['0 0 0/24 * * ?', "the hour field has the step '/24'; a step there is 1 to 23"],
    ['60 * * * * ?', "the second field cannot be '60'; allowed are 0-59, *, lists"],
    ['0 60 * * * ?', "the minute field cannot be '60'"],
    ['0 0 24 * * ?', "the hour field cannot be '24'; allowed are 0-23"],
    ['0 0 0 32 * ?', "the day of month field cannot be '32'; allowed are 1-31"],
    ['0 0 0 0 * ?', "the day of month field cannot be '0'"],
    ['0 0 0 1 13 ?', "the month field cannot be '13'; allowed are 1-12 or JAN-DEC"],
    ['0 0 0 1 FOO ?', "the month field cannot be 'FOO'"],
    ['0 0 0 ? * MOO', "the day of week field cannot be 'MOO'"],
    ['0 0 0 ? * MON#6', "the day of week field cannot be 'MON#6'"],
    ['0 0 0 ? * 2#0', "the day of week field cannot be '2#0'"],
    ['0 0 0 L-31 * ?', "the day of month field cannot be 'L-31'"],
    ['0 0 0 32W * ?', "the day of month field cannot be '32W'"],
    ['0 0 0 1 1 ? 1969', "the year field cannot be '1969'; allowed are 1970-2199"],
    ['0 0 0 1 1 ? 2030-2025', "the year field cannot be '2030-2025'"],
    ['1,,2 * * * * ?', "the second field cannot be ''"],
    ['1-2-3 * * * * ?', "the second field cannot be '1-2-3'"],
    ['-1 * * * * ?', "the second field cannot be '-1'"],
    ['? * * * * ?', "the second field cannot be '?'"],
    ['0 0 0 1,? * ?', "the day of month field cannot be '?'"],
    ['0 0 H * * ?', "the hour field cannot be 'H'"],
    ['0 0 1.5 * * ?', "the hour field cannot be '1.5'"],
    ['0 0 0x1 * * ?', "the hour field cannot be '0X1'"],
    [`${'1,'.repeat(600)}1 * * * * ?`, 'characters; at most 1024 are allowed'],
  ];
  test.each(cases)('%s', (expression, part) => {
    expect(message(expression)).toContain(part);
    expect(message(expression)).toMatch(/^Cron expression '.*\.$/);
  });

  test.each(['Mars/Base', '', '+02:00', '../etc/passwd', 'UTC\0', `Europe/${'x'.repeat(200)}`])(
    'time zone %j',
    (zone) => {
      expect(message('* * * * *', zone)).toMatch(
        /^Time zone '.*' is unknown; write an IANA name such as 'UTC' or 'Europe\/Berlin'\.$/s,
      );
    },
  );

  test('hostile texts of 100 KiB are refused at once, with a short message', () => {
    const texts = ['x', '* ', '1,', '/', '((', '-', 'L#W', '\t', '1-'].map((text) =>
      text.repeat(Math.ceil(102_400 / text.length)),
    );
    const startedAt = performance.now();
    for (const text of texts) {
      expect(message(text).length).toBeLessThan(300);
      expect(message('* * * * *', text).length).toBeLessThan(300);
    }
    expect((performance.now() - startedAt) / texts.length).toBeLessThan(50);
  });

  test('an expression that never fires is known as such within milliseconds', () => {
    const startedAt = performance.now();
    for (const expression of ['* * * 30 2 ?', '0 0 0 31W 4 ?', '0 0 0 L-29 2 ? 2025', '* * 30 2 *']) {
      expect(nextFireAt(expression, 'Europe/Berlin', Date.UTC(2025, 0))).toBeUndefined();
    }
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});
