/** One timer for many instants, also when the wall clock jumps and when the instant is weeks away. */
import { expect, it, vi } from 'vitest';
import { Alarm } from '../../src/cluster/alarm.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../src/testing/virtual-time.js';

const day = 86_400_000;

function anAlarm(onRing: () => Promise<number | undefined> = async () => undefined) {
  const time = new VirtualTime();
  const error = { offsetMs: 0, rate: 1 };
  const clock = new VirtualClock(time, error);
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const rings: number[] = [];
  const alarm = new Alarm({
    name: 'schedule timer',
    clock,
    log,
    onRing: () => {
      rings.push(time.nowMs);
      return onRing();
    },
  });
  return { alarm, time, clock, error, log, rings };
}

it('rings at once to learn its first instant, then at the earliest that was asked for, once', async () => {
  const { alarm, time, clock, rings } = anAlarm();
  alarm.start();
  await time.advance(0);
  expect(rings).toEqual([0]);
  alarm.set(clock.wallMs() + 9_000);
  alarm.set(clock.wallMs() + 5_000);
  alarm.set(clock.wallMs() + 7_000);
  await time.advance(60_000);
  expect(rings).toEqual([0, 5_000]);
  await alarm.stop();
});

it('goes on with the instant that the ring answers', async () => {
  let left = 3;
  const { alarm, time, clock, rings } = anAlarm(async () => (left-- > 0 ? clock.wallMs() + 1_000 : undefined));
  alarm.start();
  await time.advance(10_000);
  expect(rings).toEqual([0, 1_000, 2_000, 3_000]);
  await alarm.stop();
});

it('reaches an instant beyond 24.8 days exactly', async () => {
  const { alarm, time, clock, rings } = anAlarm();
  alarm.start();
  await time.advance(0);
  alarm.set(clock.wallMs() + 30 * day);
  await time.advance(30 * day - 1);
  expect(rings).toHaveLength(1);
  await time.advance(1);
  expect(rings).toEqual([0, 30 * day]);
  await alarm.stop();
});

it('a wall clock set forward is noticed within a minute, one set back is waited for', async () => {
  const { alarm, time, clock, error, rings } = anAlarm();
  alarm.start();
  await time.advance(0);
  alarm.set(clock.wallMs() + 3_600_000);
  await time.advance(1_000);
  error.offsetMs = 3_600_000;
  await time.advance(60_000);
  expect(rings).toHaveLength(2);
  alarm.set(clock.wallMs() + 10_000);
  error.offsetMs = 0;
  await time.advance(3_600_000);
  expect(rings).toHaveLength(2);
  await time.advance(11_000);
  expect(rings).toHaveLength(3);
  await alarm.stop();
});

it('a ring that fails is logged and repeated a second later', async () => {
  const { alarm, time, log, rings } = anAlarm(async () => {
    if (rings.length === 1) throw new Error('store away');
    return undefined;
  });
  alarm.start();
  await time.advance(5_000);
  expect(rings).toEqual([0, 1_000]);
  expect(log.error.mock.calls[0]?.[1]).toBe('schedule timer failed; it is tried again in a second');
  await alarm.stop();
});

it('stop ends it without a further ring and leaves no timer', async () => {
  const { alarm, time, clock, rings } = anAlarm();
  alarm.start();
  await time.advance(0);
  alarm.set(clock.wallMs() + 5_000);
  await alarm.stop();
  const { events } = time;
  await time.advance(day);
  expect(rings).toEqual([0]);
  expect(time.events).toBe(events);
});
