/** Which job comes first, how many run at a time, and when one runs at all: priority, lanes, delays, expiry, timeout. */
import { describe, expect, it } from 'vitest';
import type { RunAborted } from '../../src/job/context.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

const day = 86_400_000;

/** Runs everything that waits, one at a time, and answers the params in the order of running. */
async function drained(cluster: TestCluster, count: number): Promise<unknown[]> {
  const order: unknown[] = [];
  await cluster.startWorker({
    workThreads: 1,
    jobRunner: async ({ job }) => {
      order.push(job.getParam('n'));
      await cluster.clock.sleep(10);
    },
  });
  await cluster.untilTrue(() => order.length === count);
  await cluster.advance(100);
  return order;
}

describe('order', () => {
  it('a smaller priority goes first, then what was due first', async () => {
    const cluster = await startCluster();
    await cluster.submit({ priority: 200, params: { n: 'low' } });
    for (const n of ['a', 'b']) {
      await cluster.submit({ params: { n } });
      await cluster.advance(10);
    }
    await cluster.submit({ priority: -5, params: { n: 'urgent' } });
    expect(await drained(cluster, 4)).toEqual(['urgent', 'a', 'b', 'low']);
    await cluster.stop();
  });

  it('lanes take turns, however long one of them is', async () => {
    const cluster = await startCluster();
    await cluster.submitAll(Array.from({ length: 20 }, (_, i) => ({ lane: 'big', params: { n: `big${i}` } })));
    await cluster.submitAll([1, 2, 3].map((i) => ({ lane: 'small', params: { n: `small${i}` } })));
    const order = (await drained(cluster, 23)) as string[];
    expect(order.indexOf('small3')).toBeLessThan(7);
    await cluster.stop();
  });

  it('never more runs at a time than workThreads, whatever comes and goes', async () => {
    const cluster = await startCluster();
    let open = 0;
    let most = 0;
    await cluster.startWorker({
      workThreads: 4,
      jobRunner: async ({ job }) => {
        most = Math.max(most, ++open);
        await cluster.clock.sleep(job.getParam('ms'));
        open--;
      },
    });
    for (let i = 0; i < 30; i++) {
      await cluster.submit({ params: { ms: 3 } });
      await cluster.advance(7);
    }
    await cluster.submitAll(Array.from({ length: 40 }, () => ({ params: { ms: 500 } })));
    await cluster.advance(20_000);
    expect(most).toBe(4);
    await cluster.stop();
  });

  it('a group runs only its own jobs', async () => {
    const cluster = await startCluster();
    const mine = await cluster.submit({ nodeGroup: 'mine' });
    const others = await cluster.submit({ nodeGroup: 'others' });
    await cluster.startWorker({ nodeGroup: 'mine', jobRunner: () => 1 });
    await cluster.advance(10_000);
    expect([await cluster.state(mine), await cluster.state(others)]).toEqual(['succeeded', 'waiting']);
    await cluster.stop();
  });
});

describe('time', () => {
  it('never early: a delay and a trigger time, to the millisecond', async () => {
    const cluster = await startCluster();
    const at: number[] = [];
    await cluster.startWorker({ jobRunner: () => at.push(cluster.clock.wallMs()) });
    const due = [cluster.clock.wallMs() + 12_345, cluster.clock.wallMs() + 4_000];
    await cluster.submit({ triggerTime: due[0] });
    await cluster.submit({ triggerTime: new Date(due[1] as number) });
    await cluster.advance(60_000);
    expect(at).toHaveLength(2);
    expect((at[0] as number) - (due[1] as number)).toBeGreaterThanOrEqual(0);
    expect((at[1] as number) - (due[0] as number)).toBeGreaterThanOrEqual(0);
    expect((at[1] as number) - (due[0] as number)).toBeLessThan(20);
    await cluster.stop();
  });

  it('a delay beyond 24.8 days waits its time, also over a restart', async () => {
    const cluster = await startCluster();
    let runs = 0;
    const jobId = await cluster.submit({ delay: '30d' });
    const worker = await cluster.startWorker({ jobRunner: () => runs++ });
    await cluster.advance(600_000);
    await worker.stop();
    await cluster.until(cluster.client.role.stop());
    await cluster.stopTracker();
    await cluster.advance(30 * day - 900_000);
    await cluster.startTracker();
    await cluster.startWorker({ jobRunner: () => runs++ });
    await cluster.advance(290_000);
    expect([runs, await cluster.state(jobId)]).toEqual([0, 'waiting']);
    await cluster.advance(15_000);
    expect(runs).toBe(1);
    await cluster.stop();
  });

  it('a job that could not start by expireAt expires when it is its turn, with feedback', async () => {
    const told: string[] = [];
    const cluster = await startCluster({
      client: { onComplete: (results) => told.push(...results.map(({ state }) => state)) },
    });
    const soon = { expireAt: cluster.clock.wallMs() + 10_000 };
    const late = await cluster.submit(soon);
    const past = await cluster.submit({ expireAt: cluster.clock.wallMs() - 1 });
    await cluster.advance(20_000);
    let runs = 0;
    await cluster.startWorker({ jobRunner: () => runs++ });
    const intime = await cluster.submit({ expireAt: cluster.clock.wallMs() + 10_000 });
    await cluster.advance(5_000);
    expect(await Promise.all([late, past, intime].map((jobId) => cluster.state(jobId)))).toEqual([
      'expired',
      'expired',
      'succeeded',
    ]);
    expect(runs).toBe(1);
    expect(told.sort()).toEqual(['expired', 'expired', 'succeeded']);
    await cluster.stop();
  });
});

describe('timeout', () => {
  it('fires the signal with its reason; what the run throws because of it is a timeout, retried', async () => {
    const cluster = await startCluster();
    const reasons: RunAborted[] = [];
    await cluster.startWorker({
      jobRunner: async ({ signal }) => {
        await cluster.clock.sleep(60_000, signal);
        reasons.push(signal.reason);
        throw new Error('interrupted');
      },
    });
    const jobId = await cluster.submit({ timeout: '2s', maxRetryTimes: 1 });
    const { status } = await cluster.untilEnded(jobId);
    expect(status).toMatchObject({
      state: 'failed',
      reason: 'timed-out',
      attempt: 2,
      message: 'The run took longer than its timeout.',
    });
    expect(reasons.map(({ name, reason }) => [name, reason])).toEqual(Array(2).fill(['RunAborted', 'timeout']));
    await cluster.stop();
  });

  it('a run that does not react is given up after its grace, and its slot is free again', async () => {
    const cluster = await startCluster();
    const late: (() => void)[] = [];
    await cluster.startWorker({
      workThreads: 1,
      jobRunner: ({ job }) =>
        job.getParam('isStuck') ? new Promise<string>((resolve) => late.push(() => resolve('late'))) : 'quick',
    });
    const stuck = await cluster.submit({ timeout: '2s', maxRetryTimes: 0, params: { isStuck: true } });
    const next = await cluster.submit();
    await cluster.advance(6_900);
    expect(await cluster.state(next)).toBe('waiting');
    await cluster.advance(300);
    expect([await cluster.state(stuck), await cluster.state(next)]).toEqual(['failed/timed-out', 'succeeded']);
    const { rev } = (await cluster.record(stuck)).status;
    for (const finish of late) finish();
    await cluster.advance(60_000);
    const { status } = await cluster.record(stuck);
    expect(status).toMatchObject({ rev, state: 'failed' });
    expect(status.result).toBeUndefined();
    await cluster.stop();
  });

  it('a success that comes within the grace counts', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      jobRunner: async () => {
        await cluster.clock.sleep(4_000);
        return 'just in time';
      },
    });
    const jobId = await cluster.submit({ timeout: '2s' });
    expect(await cluster.until(cluster.client.role.result(jobId))).toBe('just in time');
    await cluster.stop();
  });

  it('a run within its time hears nothing', async () => {
    const cluster = await startCluster();
    const seen: boolean[] = [];
    await cluster.startWorker({
      jobRunner: async ({ signal }) => {
        await cluster.clock.sleep(1_000);
        return seen.push(signal.aborted);
      },
    });
    await cluster.untilEnded(await cluster.submit({ timeout: '2s' }));
    await cluster.advance(10_000);
    expect(seen).toEqual([false]);
    await cluster.stop();
  });
});
