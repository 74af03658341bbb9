/** What becomes of a job whose runner asks for another run, fails for good, or throws. */
import { describe, expect, it } from 'vitest';
import type { JobResult } from '../../src/job/result.js';
import { Result } from '../../src/job/result.js';
import { startCluster } from '../helpers/start-cluster.js';

describe('a runner that always answers EXECUTE_LATER', () => {
  it('runs eleven times, thirty seconds apart, then the job is failed and feedback is sent exactly once', async () => {
    const feedback: JobResult[] = [];
    const cluster = await startCluster({ client: { onComplete: (results) => feedback.push(...results) } });
    const starts: number[] = [];
    await cluster.startWorker({
      jobRunner: ({ retryTimes, attempt }) => {
        starts.push(cluster.time.nowMs);
        return Result.later(`run ${attempt}, retry ${retryTimes}`);
      },
    });
    const jobId = await cluster.submit({ taskId: 'T' });
    await cluster.untilEnded(jobId);
    expect(starts).toHaveLength(11);
    for (let i = 1; i < 11; i++) {
      const pause = (starts[i] as number) - (starts[i - 1] as number);
      expect(pause).toBeGreaterThanOrEqual(30_000);
      expect(pause).toBeLessThan(30_100);
    }
    const { status } = await cluster.record(jobId);
    expect(status).toMatchObject({
      state: 'failed',
      reason: 'exhausted',
      attempt: 11,
      retryTimes: 10,
      message: 'run 11, retry 10',
    });
    await cluster.advance(600_000);
    expect(feedback).toHaveLength(1);
    expect(feedback[0]).toMatchObject({ jobId, taskId: 'T', success: false, state: 'failed', reason: 'exhausted' });
    expect((await cluster.story(jobId)).map(({ type }) => type)).toEqual([...Array(10).fill('retry'), 'ended']);
    await cluster.stop();
  });

  it('its own delay counts, and exponential retries spread below their cap', async () => {
    const cluster = await startCluster();
    const starts: number[] = [];
    await cluster.startWorker({
      processors: {
        own: () => {
          starts.push(cluster.time.nowMs);
          return Result.later('x', { delay: '5s' });
        },
        grows: () => {
          starts.push(cluster.time.nowMs);
          return Result.later('x');
        },
      },
    });
    await cluster.untilEnded(await cluster.submit({ processor: 'own', maxRetryTimes: 2 }));
    expect(starts.map((start) => Math.round((start - (starts[0] as number)) / 1_000))).toEqual([0, 5, 10]);
    starts.length = 0;
    const policy = { backoff: 'exponential', retryInterval: '10s', retryIntervalMax: '60s' } as const;
    await cluster.untilEnded(await cluster.submit({ processor: 'grows', ...policy, maxRetryTimes: 6 }));
    const pauses = starts.slice(1).map((start, i) => (start - (starts[i] as number)) / 1_000);
    [10, 20, 40, 60, 60, 60].forEach((full, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(full / 2);
      expect(pauses[i]).toBeLessThanOrEqual(full + 0.1);
    });
    await cluster.stop();
  });

  it('is failed without a second run when it may not retry', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => Result.later('no') });
    const jobId = await cluster.submit({ maxRetryTimes: 0 });
    await cluster.untilEnded(jobId);
    expect((await cluster.record(jobId)).status).toMatchObject({ reason: 'exhausted', attempt: 1 });
    await cluster.stop();
  });
});

it('EXECUTE_FAILED runs once and is final', async () => {
  const cluster = await startCluster();
  let runs = 0;
  await cluster.startWorker({
    jobRunner: () => {
      runs++;
      return Result.failed('bad order');
    },
  });
  const jobId = await cluster.submit();
  await cluster.advance(3_600_000);
  expect(runs).toBe(1);
  expect((await cluster.record(jobId)).status).toMatchObject({
    state: 'failed',
    reason: 'failed',
    message: 'bad order',
    attempt: 1,
  });
  await cluster.stop();
});

it('a throw is EXECUTE_EXCEPTION: retried, with the stack in the log', async () => {
  const cluster = await startCluster();
  let runs = 0;
  await cluster.startWorker({
    jobRunner: () => {
      if (runs++ < 2) throw new TypeError('price is missing');
      return 'fine';
    },
  });
  const jobId = await cluster.submit();
  expect(await cluster.until(cluster.client.role.result(jobId))).toBe('fine');
  const lines = await cluster.story(jobId);
  expect(lines.map(({ type }) => type)).toEqual(['retry', 'retry']);
  expect(lines[0]?.text).toMatch(/retry 1 is due at .*: TypeError: price is missing\n\s+at .*retries\.test\.ts/);
  await cluster.stop();
});

it('a processor that the worker does not have is retried, naming what is known', async () => {
  const cluster = await startCluster();
  await cluster.startWorker({ processors: { 'orders.sync': () => 1, mail: () => 1 } });
  const jobId = await cluster.submit({ processor: 'orders.snyc', maxRetryTimes: 1 });
  const { status } = await cluster.untilEnded(jobId);
  expect(status).toMatchObject({ state: 'failed', reason: 'exhausted' });
  expect(status.message).toContain('This node has no runner for processor "orders.snyc". Known: orders.sync, mail.');
  await cluster.stop();
});

it('a runner that throws what cannot be shown ends its own job only', async () => {
  const cluster = await startCluster();
  await cluster.startWorker({
    jobRunner: ({ job }) => {
      if (job.getParam('isBad')) throw Object.create(null);
      return 1;
    },
  });
  const [bad, good] = await cluster.submitAll([{ params: { isBad: true }, maxRetryTimes: 0 }, {}]);
  await cluster.untilEnded(bad as string);
  expect([await cluster.state(bad as string), await cluster.state(good as string)]).toEqual([
    'failed/exhausted',
    'succeeded',
  ]);
  await cluster.stop();
});
