/** The bounded memory of pure functions. */
import { expect, test, vi } from 'vitest';
import { memoize } from '../../src/kit/memo.js';

test('an answer is made once while it is among the latest, and again after it was forgotten', () => {
  const make = vi.fn((key: number) => key * 2);
  const remembered = memoize(make, 2);
  expect([remembered(1), remembered(1), remembered(2)]).toEqual([2, 2, 4]);
  expect(make).toHaveBeenCalledTimes(2);
  remembered(3);
  expect(remembered(2)).toBe(4);
  expect(make).toHaveBeenCalledTimes(3);
  expect(remembered(1)).toBe(2);
  expect(make).toHaveBeenCalledTimes(4);
});

test('what throws is asked again', () => {
  const make = vi.fn(() => {
    throw new Error('no');
  });
  const remembered = memoize(make, 2);
  expect(() => remembered(1)).toThrow('no');
  expect(() => remembered(1)).toThrow('no');
  expect(make).toHaveBeenCalledTimes(2);
});
