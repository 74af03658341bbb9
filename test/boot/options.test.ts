/** What nodes refuse when they are made or started, and restarts that come quickly. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobClient, JobTracker, TaskTracker } from '../../src/index.js';

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lts-options-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a JobTracker refuses', () => {
  it.each([
    [{ maxRetryTimes: -1 }, 'maxRetryTimes'],
    [{ retryIntervalMs: '5s' }, 'retryIntervalMs'],
    [{ keepEndedMs: '7d' }, 'keepEndedMs'],
    [{ keepEndedMax: Number.NaN }, 'keepEndedMax'],
    [{ timeZone: 'Mars/X' }, 'Mars/X'],
    [{ workThread: 5 }, 'workThread: no such option'],
    [{ leaseMs: 1 }, 'leaseMs: no such option'],
    [{ log: 5 }, 'log'],
    [{ dataPath: 5 }, 'dataPath'],
    [{ dataPath: 'a\0b' }, 'dataPath'],
    [null, 'options'],
  ])('%j', (options, named) => {
    expect(() => new JobTracker(options as never)).toThrowError(
      expect.objectContaining({ code: 'LTS_CONFIG_INVALID', message: expect.stringContaining(named) }),
    );
  });
});

it('a JobClient refuses a handler that is none, and a TaskTracker an option that it does not have', () => {
  expect(() => new JobClient({ jobCompletedHandler: 5 as never })).toThrowError(/jobCompletedHandler/);
  expect(() => new TaskTracker({ jobRunner: () => {}, nonsense: 1 } as never)).toThrowError(/nonsense: no such option/);
  expect(() => new TaskTracker(undefined as never)).toThrowError(
    expect.objectContaining({ code: 'LTS_CONFIG_INVALID' }),
  );
});

it.each([[5], [() => 'drop'], [{}], [{ handle: () => 'drop', olderThanMs: '7d' }]])(
  'an old data handler that is none is refused: %j',
  (oldDataHandler) => {
    expect(() => new JobClient({ oldDataHandler: oldDataHandler as never })).toThrowError(
      expect.objectContaining({ code: 'LTS_CONFIG_INVALID', message: expect.stringContaining('oldDataHandler') }),
    );
  },
);

it('a way to choose a JobTracker that is none is refused', () => {
  expect(() => new JobClient({ loadBalance: 'sticky' as never })).toThrowError(/loadBalance: "sticky" is unknown/);
  expect(() => new TaskTracker({ jobRunner: () => {}, loadBalance: 'sticky' as never })).toThrowError(/loadBalance/);
});

it.each(['round-robin', 'consistent-hash', 'master-slave'] as const)(
  'nodes of one process that choose their JobTracker by %s find the one that there is',
  async (loadBalance) => {
    const place = { dataPath: folder, jobQueue: 'memory', log } as const;
    await using tracker = await new JobTracker(place).start();
    await using worker = await new TaskTracker({ ...place, loadBalance, jobRunner: () => 'done' }).start();
    await using client = await new JobClient({ ...place, loadBalance }).start();
    expect([worker.isRunning, tracker.isRunning]).toEqual([true, true]);
    const { jobId } = await client.submitJob({});
    expect(await client.result(jobId)).toBe('done');
  },
);

it('an option that is undefined has its default', async () => {
  const place = { dataPath: folder, jobQueue: 'memory', log } as const;
  await using tracker = await new JobTracker({ ...place, maxRetryTimes: undefined, keepEndedMs: undefined }).start();
  await using client = await new JobClient({ ...place, nodeGroup: undefined }).start();
  expect(tracker).toBeDefined();
  expect((await client.submitJob({})).code).toBe('accepted');
});

it('a data path below a file is refused in words', async () => {
  writeFileSync(join(folder, 'file'), '');
  const tracker = new JobTracker({ dataPath: join(folder, 'file', 'data'), log });
  await expect(tracker.start()).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
});

it('a start waits for a stop that is under way', async () => {
  const tracker = new JobTracker({ dataPath: folder, log });
  for (let round = 0; round < 5; round++) {
    await tracker.start();
    const stopped = tracker.stop();
    await tracker.start();
    await stopped;
  }
  await tracker.stop();
});

it('two stops are one, and a start after them waits for both', async () => {
  const tracker = new JobTracker({ dataPath: folder, log });
  await tracker.start();
  const stopped = [tracker.stop(), tracker.stop()];
  await tracker.start();
  await Promise.all(stopped);
  await tracker.stop();
});

describe('bad questions are answered, and end nothing', () => {
  it.each([
    { nodeGroup: 'x'.repeat(5_000) },
    { nodeGroup: {} },
    { cursor: JSON.stringify(['waiting', [{}]]) },
    { cursor: 5 },
    { states: 'waiting' },
    { limit: Number.NaN },
  ])('listJobs(%j)', async (request) => {
    await using tracker = await new JobTracker({ dataPath: folder, log }).start();
    await using client = await new JobClient({ dataPath: folder, log }).start();
    expect(tracker).toBeDefined();
    await expect(client.listJobs(request as never)).rejects.toMatchObject({ code: 'LTS_MESSAGE_INVALID' });
    expect((await client.listJobs()).records).toEqual([]);
  });

  it.each([undefined, null, 5])('getJob(%j)', async (key) => {
    await using tracker = await new JobTracker({ dataPath: folder, jobQueue: 'memory', log }).start();
    await using client = await new JobClient({ dataPath: folder, jobQueue: 'memory', log }).start();
    expect(tracker).toBeDefined();
    await expect(client.getJob(key as never)).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
    await expect(client.explain(key as never)).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
  });
});
