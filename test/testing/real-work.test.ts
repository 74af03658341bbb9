import { scrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as realSleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { JobContext } from 'light-task-scheduler';
import { LtsLoggerFactory, Result } from 'light-task-scheduler';
import { testCluster } from 'light-task-scheduler/testing';
import { describe, expect, test } from 'vitest';

/** A real wait is what these tests are about. */
const realMs = 20;

describe('handlers that await something real', () => {
  test('virtual time stands still for timers, files and work in other threads', async () => {
    let took = 0;
    const handler = async () => {
      const before = cluster.now();
      await realSleep(realMs);
      await readFile(new URL(import.meta.url), 'utf8').catch(() => undefined);
      await promisify(scrypt)('a', 'b', 16);
      await new Promise((resolve) => setImmediate(resolve));
      took = cluster.now() - before;
    };
    await using cluster = await testCluster({ jobRunner: handler });
    const job = await cluster.submit({});
    await cluster.advance('5m');
    expect([job.state(), took]).toEqual(['succeeded', 0]);
  });

  test('all retries happen within the virtual minutes, though each takes a real moment', async () => {
    const handler = async () => {
      await realSleep(2);
      return Result.later('not yet');
    };
    await using cluster = await testCluster({ jobRunner: handler });
    const job = await cluster.submit({});
    await cluster.advance('5m');
    expect(job.attempts).toBe(11);
  });

  test('handlers that run side by side are heard in the order in which they started', async () => {
    const handler = async ({ job }: JobContext) => {
      await realSleep(job.params.realMs);
      return job.params.realMs;
    };
    await using cluster = await testCluster({ jobRunner: handler });
    const jobs = await Promise.all([30, 10, 20].map((ms) => cluster.submit({ params: { realMs: ms } })));
    await cluster.runUntilIdle();
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([30, 10, 20]);
    expect(cluster.feedback.map(({ value }) => value)).toEqual([30, 10, 20]);
  });

  test('time goes on without a handler that never comes back: its timeout fires, and the log names it', async () => {
    const warnings: string[] = [];
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => void warnings.push(text) };
    await using cluster = await testCluster({ jobRunner: () => new Promise(() => {}), realWait: '5ms', log });
    const job = await cluster.submit({ timeout: '30s', maxRetryTimes: 0 });
    await cluster.advance('1m');
    expect([job.state(), job.reason]).toEqual(['failed', 'timed-out']);
    expect(warnings.filter((text) => text.includes(job.jobId))[0]).toMatch(/attempt 1.*time goes on without it/);
  });

  test('waiting for a job whose handler never comes back says so', async () => {
    await using cluster = await testCluster({ jobRunner: () => new Promise(() => {}), realWait: 5 });
    const job = await cluster.submit({});
    await expect(job.result({ timeout: '1m' })).rejects.toThrow(
      /have not come back: job .*attempt 1 on worker-1.*realWait/,
    );
  });

  test('a handler that waits for its abort signal hears of a cancel', async () => {
    const handler = (context: JobContext) =>
      new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason)));
    await using cluster = await testCluster({ jobRunner: handler, realWait: 5 });
    const job = await cluster.submit({});
    await cluster.advance('1s');
    expect((await job.cancel()).receipt).toBe('delivered');
    expect(await job.ended()).toBe('cancelled');
  });

  test('lines and progress written after a real wait belong to their run', async () => {
    const handler = async (context: JobContext) => {
      await realSleep(1);
      LtsLoggerFactory.getBizLogger().info(`for ${context.job.params.name}`);
      context.progress(100, 'all');
    };
    await using cluster = await testCluster({ jobRunner: handler });
    const [a, b] = await Promise.all(['a', 'b'].map((name) => cluster.submit({ params: { name } })));
    await cluster.runUntilIdle();
    const textsOf = async (job: typeof a) => (await job?.log())?.map(({ text }) => text);
    expect([await textsOf(a), await textsOf(b)]).toEqual([['for a'], ['for b']]);
  });
});
