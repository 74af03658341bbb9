/** Something done again and again: its rhythm, its failures, its end. */
import { expect, it, vi } from 'vitest';
import { Duty } from '../../src/cluster/duty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const silent = () => ({ debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() });

it('the first round comes after its time, and a failed one is logged and does not end it', async () => {
  const clock = new VirtualClock();
  const log = silent();
  const run = vi.fn(async () => {
    throw new Error('no luck');
  });
  const duty = new Duty({ name: 'sweep', everyMs: 1_000, clock, log, run });
  duty.start();
  await clock.advance(999);
  expect(run).not.toHaveBeenCalled();
  await clock.advance(2_001);
  expect(run).toHaveBeenCalledTimes(3);
  expect(log.error).toHaveBeenCalledTimes(3);
  expect(log.error.mock.calls[0]?.[1]).toBe('sweep failed; it is tried again in 1000 ms');
  await duty.stop();
  await clock.advance(10_000);
  expect(run).toHaveBeenCalledTimes(3);
});

it('rounds never overlap, and stop waits for the one under way', async () => {
  const clock = new VirtualClock();
  let open = 0;
  let most = 0;
  const run = async () => {
    most = Math.max(most, ++open);
    await clock.sleep(5_000);
    open--;
  };
  const duty = new Duty({ name: 'slow', everyMs: 1_000, clock, log: silent(), run });
  duty.start();
  await clock.advance(3_000);
  let isStopped = false;
  const stopped = duty.stop().then(() => {
    isStopped = true;
  });
  await clock.advance(2_999);
  expect(isStopped).toBe(false);
  await clock.advance(1);
  await stopped;
  expect([open, most]).toEqual([0, 1]);
});
