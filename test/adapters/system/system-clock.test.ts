import { afterEach, expect, it, vi } from 'vitest';
import { SystemChance } from '../../../src/adapters/system/system-chance.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';

const dayMs = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('ends a turn for a thousand callers with one immediate', async () => {
  const immediates = vi.spyOn(globalThis, 'setImmediate');
  const clock = new SystemClock();
  await Promise.all(Array.from({ length: 1_000 }, () => clock.endOfTurn()));
  expect(immediates).toHaveBeenCalledTimes(1);
});

it('sleeps 60 days, no shorter and no longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  const clock = new SystemClock();
  let isAwake = false;
  void clock.sleep(60 * dayMs).then(() => (isAwake = true));
  await vi.advanceTimersByTimeAsync(60 * dayMs - 1);
  expect(isAwake).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isAwake).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('leaves no timer behind when the signal ends a sleep', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const abort = new AbortController();
  const slept = new SystemClock().sleep(dayMs, abort.signal);
  expect(vi.getTimerCount()).toBe(1);
  abort.abort();
  await slept;
  expect(vi.getTimerCount()).toBe(0);
});

it('tells the wall clock in milliseconds since 1970', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
  expect(new SystemClock().wallMs()).toBe(1_700_000_000_000);
});

it('has chance in [0, 1)', () => {
  const chance = new SystemChance();
  const numbers = Array.from({ length: 1_000 }, () => chance.next());
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers).size).toBeGreaterThan(990);
});
