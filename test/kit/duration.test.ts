/** Durations as users write them. */
import { expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { durationMs } from '../../src/kit/duration.js';
import { shown } from '../../src/kit/shown.js';

it.each([
  [0, 0],
  [200, 200],
  [1.6, 2],
  ['200', 200],
  ['200ms', 200],
  ['30s', 30_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['3d', 259_200_000],
  [' 3 d ', 259_200_000],
])('%j is %d ms', (duration, ms) => {
  expect(durationMs(duration, 'delay')).toBe(ms);
});

it.each([
  '',
  's',
  '-5s',
  '5 weeks',
  '5S',
  '1e3',
  '٣s',
  '0x10',
  'Infinity',
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
  {},
  true,
])('%j is refused, naming the field and the forms that are allowed', (duration) => {
  try {
    durationMs(duration as string, 'retryInterval');
    expect.unreachable();
  } catch (error) {
    expect(LtsError.is(error, 'LTS_DURATION_INVALID')).toBe(true);
    const sentence = `retryInterval: ${shown(duration)} is not a duration. Write milliseconds (200) or text such as '200ms', '30s', '5m', '2h', '3d'.`;
    expect((error as LtsError).message).toBe(sentence);
  }
});
