/** Periodic jobs: every slot once, none overlapping unless asked, and what becomes of slots that were missed. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/job/job.js';
import { Result } from '../../src/job/result.js';
import { startCluster, TestCluster } from '../helpers/start-cluster.js';

const minute = 60_000;
const hour = 60 * minute;

/** Starts a worker that notes when and for which slot it ran, relative to the beginning of the cluster's time. */
async function noting(cluster: TestCluster, body: () => unknown = () => undefined) {
  const began = cluster.clock.wallMs() - cluster.time.nowMs;
  const runs: { at: number; slot: number; run: number }[] = [];
  await cluster.startWorker({
    jobRunner: ({ scheduledFor, repeatedCount }) => {
      runs.push({
        at: Math.round(cluster.time.nowMs / 100) / 10,
        slot: (scheduledFor.getTime() - began) / 1_000,
        run: repeatedCount,
      });
      return body();
    },
  });
  return runs;
}

const states = async (cluster: TestCluster, schedule: string) =>
  (await cluster.instances(schedule)).map(({ status }) => status.state);

describe('triggers', () => {
  it('repeat runs its count and ends the schedule; the phase never shifts', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster, () => cluster.clock.sleep(7_000));
    const schedule = await cluster.submit({ repeat: { interval: '10s', count: 4 } });
    await cluster.advance(5 * minute);
    expect(runs.map(({ slot, run }) => [slot, run])).toEqual([
      [0, 1],
      [10, 2],
      [20, 3],
      [30, 4],
    ]);
    expect(await cluster.state(schedule)).toBe('succeeded');
    await cluster.stop();
  });

  it('repeat with count -1 goes on until it is cancelled', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster);
    const schedule = await cluster.submit({
      repeat: { interval: '1m', count: -1 },
      triggerTime: cluster.clock.wallMs() + minute,
    });
    await cluster.advance(10 * minute + 500);
    expect(runs).toHaveLength(10);
    await cluster.until(cluster.client.role.ask('CancelJob', { jobId: schedule }));
    await cluster.advance(10 * minute);
    expect(runs).toHaveLength(10);
    await cluster.stop();
  });

  it('fixed delay counts from the end of the previous run', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster, () => cluster.clock.sleep(5_000));
    await cluster.submit({ fixedDelay: '10s' });
    await cluster.advance(minute);
    expect(runs.map(({ at }) => Math.round(at))).toEqual([0, 15, 30, 45, 60]);
    await cluster.stop();
  });

  it('cron fires at its local times, never early, in its zone', async () => {
    const cluster = await startCluster();
    // Time begins at 08:00 UTC.
    const runs = await noting(cluster);
    await cluster.submit({ cron: '0 5/20 8-9 * * ?' });
    await cluster.submit({ cron: '10 17 * * *', timeZone: 'Asia/Tokyo' });
    await cluster.advance(30 * minute);
    expect(runs.map(({ slot }) => slot / 60)).toEqual([5, 10, 25]);
    for (const { at, slot } of runs) {
      expect(at).toBeGreaterThanOrEqual(slot);
      expect(at - slot).toBeLessThan(0.2);
    }
    await cluster.stop();
  });

  it.each([
    ['has no such time', Date.UTC(2027, 2, 28, 0, 25), '2027-03-28T01:00:00.000Z'],
    ['has it twice', Date.UTC(2027, 9, 31, 0, 25), '2027-10-31T00:30:00.000Z'],
  ])('a daily job fires once on the day that %s', async (_, from, slot) => {
    const cluster = await TestCluster.open();
    await cluster.advance(from - cluster.clock.wallMs());
    await cluster.startTracker();
    cluster.client = await cluster.startClient();
    const slots: string[] = [];
    await cluster.startWorker({ jobRunner: ({ scheduledFor }) => slots.push(scheduledFor.toISOString()) });
    await cluster.submit({ cron: '0 30 2 * * ?', timeZone: 'Europe/Berlin' });
    // Past the second 2:30 of the night that has two.
    await cluster.advance(hour + 10 * minute);
    expect(slots).toEqual([slot]);
    await cluster.stop();
  });
});

describe('slots that overlap', () => {
  it('relyOnPrevCycle: slots that pass while a run goes on are skipped and counted', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster, () => cluster.clock.sleep(35_000));
    const schedule = await cluster.submit({ repeat: { interval: '10s', count: 3 } });
    await cluster.advance(5 * minute);
    expect(runs.map(({ slot, run }) => [slot, run])).toEqual([
      [0, 1],
      [40, 2],
      [80, 3],
    ]);
    expect((await cluster.record(schedule)).status.skipped).toBe(6);
    await cluster.stop();
  });

  it('independent slots run beside each other, each once', async () => {
    const cluster = await startCluster();
    let open = 0;
    let most = 0;
    const runs = await noting(cluster, async () => {
      most = Math.max(most, ++open);
      await cluster.clock.sleep(35_000);
      open--;
    });
    const schedule = await cluster.submit({ repeat: { interval: '10s', count: 6 }, relyOnPrevCycle: false });
    await cluster.advance(5 * minute);
    expect(runs.map(({ slot }) => slot)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(most).toBe(4);
    expect(await cluster.state(schedule)).toBe('succeeded');
    expect(new Set(await states(cluster, schedule))).toEqual(new Set(['succeeded']));
    await cluster.stop();
  });

  it('a retry that would come after the next slot gives way to it: superseded', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster, () => Result.later('again'));
    const schedule = await cluster.submit({ repeat: { interval: '20s', count: 3 }, maxRetryTimes: 10 });
    await cluster.advance(50_000);
    expect(runs.map(({ slot }) => slot)).toEqual([0, 20, 40]);
    const [first] = await cluster.instances(schedule);
    expect(first?.status).toMatchObject({ state: 'failed', reason: 'superseded' });
    await cluster.stop();
  });

  it('the last slot of a count has no rival and is retried to its end', async () => {
    const cluster = await startCluster();
    await noting(cluster, () => Result.later('again'));
    const schedule = await cluster.submit({ repeat: { interval: '20s', count: 1 }, maxRetryTimes: 2 });
    await cluster.advance(5 * minute);
    const [only] = await cluster.instances(schedule);
    expect(only?.status).toMatchObject({ reason: 'exhausted', retryTimes: 2 });
    expect(await cluster.state(schedule)).toBe('succeeded');
    await cluster.stop();
  });
});

describe('slots that nobody could fire', () => {
  /** The slots, in minutes, that ran when the tracker was away from minute 2.5 to minute 7.5 of a schedule of every minute. */
  async function afterPause(job: Job): Promise<{ slots: number[]; skipped: number | undefined; late: number[] }> {
    const cluster = await startCluster();
    const runs = await noting(cluster);
    const schedule = await cluster.submit({ repeat: { interval: '1m', count: -1 }, ...job });
    await cluster.advance(2.5 * minute);
    await cluster.stopTracker();
    await cluster.advance(5 * minute);
    await cluster.startTracker();
    await cluster.advance(2 * minute);
    const { skipped } = (await cluster.record(schedule)).status;
    await cluster.stop();
    return {
      slots: runs.map(({ slot }) => slot / 60),
      skipped,
      late: runs.map(({ at, slot }) => Math.round(at - slot)),
    };
  }

  it('fire-once: the first missed one runs late, the others are skipped and counted', async () => {
    const { slots, skipped } = await afterPause({});
    expect(slots).toEqual([0, 1, 2, 3, 8, 9]);
    expect(skipped).toBe(4);
  });

  it('skip: none of them runs', async () => {
    const { slots, skipped } = await afterPause({ misfire: 'skip' });
    expect(slots).toEqual([0, 1, 2, 8, 9]);
    expect(skipped).toBe(5);
  });

  it('fire-all: all of them run, one after the other', async () => {
    const { slots, skipped } = await afterPause({ misfire: 'fire-all' });
    expect(slots).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(skipped ?? 0).toBe(0);
  });

  it('independent slots follow the same policies', async () => {
    const once = await afterPause({ relyOnPrevCycle: false });
    expect(once.slots).toEqual([0, 1, 2, 3, 8, 9]);
    expect(once.skipped).toBe(4);
    const skip = await afterPause({ relyOnPrevCycle: false, misfire: 'skip' });
    expect(skip.slots).toEqual([0, 1, 2, 8, 9]);
    const all = await afterPause({ relyOnPrevCycle: false, misfire: 'fire-all' });
    expect(all.slots).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('fixed delay: the missed run comes late and the pause counts from its end', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster);
    await cluster.submit({ fixedDelay: '1m' });
    await cluster.advance(90_000);
    await cluster.stopTracker();
    await cluster.advance(5 * minute);
    await cluster.startTracker();
    await cluster.advance(90_000);
    const at = runs.map((run) => Math.round(run.at));
    expect(at.slice(0, 2)).toEqual([0, 60]);
    expect(at[2]).toBeGreaterThanOrEqual(390);
    expect(at[2]).toBeLessThan(400);
    expect((at[3] as number) - (at[2] as number)).toBe(60);
    await cluster.stop();
  });

  it('a pause shorter than a slot misses nothing', async () => {
    const cluster = await startCluster();
    const runs = await noting(cluster);
    await cluster.submit({ repeat: { interval: '1m', count: -1 } });
    await cluster.advance(70_000);
    await cluster.stopTracker();
    await cluster.advance(30_000);
    await cluster.startTracker();
    await cluster.advance(30_000);
    expect(runs.map(({ slot }) => slot)).toEqual([0, 60, 120]);
    await cluster.stop();
  });

  it('without a worker the slot waits, runs late, and those that passed are skipped', async () => {
    const cluster = await startCluster();
    const schedule = await cluster.submit({ repeat: { interval: '1m', count: -1 } });
    await cluster.advance(5.5 * minute);
    const runs = await noting(cluster);
    await cluster.advance(minute);
    expect(runs.map(({ slot }) => slot / 60)).toEqual([0, 6]);
    expect((await cluster.record(schedule)).status.skipped).toBe(5);
    await cluster.stop();
  });
});

it('a cancelled schedule that is submitted again the same day fires', async () => {
  const cluster = await startCluster();
  const runs = await noting(cluster);
  const job: Job = { taskId: 'daily', cron: '0 20 8 * * ?' };
  const first = await cluster.submit(job);
  await cluster.advance(10 * minute);
  await cluster.until(cluster.client.role.ask('CancelJob', { jobId: first }));
  const second = await cluster.submit(job);
  expect(second).not.toBe(first);
  await cluster.advance(hour);
  expect(runs.map(({ slot }) => slot / 60)).toEqual([20]);
  await cluster.stop();
});

it('a schedule that loses its worker in the middle of a slot goes on', async () => {
  const cluster = await startCluster();
  const worker = await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
  const schedule = await cluster.submit({ repeat: { interval: '1m', count: 3 } });
  await cluster.advance(1_000);
  await worker.kill();
  const runs = await noting(cluster);
  await cluster.advance(5 * minute);
  expect(runs.map(({ slot }) => slot)).toEqual([0, 60, 120]);
  expect(await cluster.state(schedule)).toBe('succeeded');
  await cluster.stop();
});

it('needFeedback: each slot that ended is told, the schedule itself is not', async () => {
  const told: string[] = [];
  const cluster = await startCluster({
    client: { onComplete: (results) => told.push(...results.map(({ jobId }) => jobId)) },
  });
  await noting(cluster);
  const schedule = await cluster.submit({ repeat: { interval: '10s', count: 3 } });
  await cluster.advance(minute);
  expect(told.sort()).toEqual([1, 2, 3].map((slot) => `${schedule}.1.${slot}`));
  await cluster.stop();
});
