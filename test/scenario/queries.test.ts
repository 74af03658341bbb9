/** What people ask of jobs: why it does not run, lists and counts, logs, feedback, and what is kept how long. */
import { describe, expect, it } from 'vitest';
import type { JobResult } from '../../src/job/result.js';
import { Result } from '../../src/job/result.js';
import { askedAt } from '../helpers/asked-at.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

const explain = (cluster: TestCluster, jobId: string) =>
  cluster.until(cluster.client.role.ask('ExplainJob', { jobId }));

describe('explain', () => {
  it('a job that does not run yet: not-due, waiting-for-retry, suspended', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => Result.later('no stock') });
    const notDue = await cluster.submit({ triggerTime: Date.UTC(2027, 0, 15, 9) });
    expect(await explain(cluster, notDue)).toMatchObject({
      code: 'not-due',
      text: 'It is due at 2027-01-15T09:00:00.000Z.',
    });
    const retrying = await cluster.submit();
    await cluster.advance(1_000);
    const why = await explain(cluster, retrying);
    expect(why.code).toBe('waiting-for-retry');
    expect(why.text).toMatch(/^Retry 1 is due at 2027-01-15T08:00:30\.\d+Z\. Last message: no stock$/);
    await cluster.until(cluster.client.role.ask('SuspendJob', { jobId: notDue }));
    expect(await explain(cluster, notDue)).toMatchObject({
      code: 'suspended',
      text: 'It was suspended; resume it to go on.',
    });
    await cluster.stop();
  });

  it('a due job: no-worker, no-runner, no-free-slot', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ processor: 'mail' });
    expect(await explain(cluster, jobId)).toMatchObject({
      code: 'no-worker',
      text: 'No TaskTracker of group lts is connected. Start one.',
    });
    await cluster.until(cluster.client.role.ask('CancelJob', { jobId }));
    await cluster.startWorker({ workThreads: 1, processors: { orders: () => new Promise(() => undefined) } });
    await cluster.submit({ processor: 'orders' });
    await cluster.advance(100);
    const noRunner = await cluster.submit({ processor: 'mail' });
    const noSlot = await cluster.submit({ processor: 'orders' });
    expect(await explain(cluster, noRunner)).toMatchObject({
      code: 'no-runner',
      text: 'No TaskTracker of group lts has the processor mail.',
      facts: { known: 'orders' },
    });
    expect(await explain(cluster, noSlot)).toMatchObject({
      code: 'no-free-slot',
      text: 'Every slot of group lts is taken. Add workers or workThreads.',
    });
    await cluster.stop();
  });

  it('a running job: running, cancel-asked; an ended one with reason and message', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    const running = await explain(cluster, jobId);
    expect(running).toMatchObject({ code: 'running', facts: { attempt: 1, isServed: true } });
    expect(running.text).toContain(worker.node.name);
    await cluster.until(cluster.client.role.ask('CancelJob', { jobId }));
    expect((await explain(cluster, jobId)).code).toBe('cancel-asked');
    await cluster.untilEnded(jobId);
    expect(await explain(cluster, jobId)).toMatchObject({ code: 'ended', facts: { state: 'cancelled', attempt: 1 } });
    await cluster.stop();
  });

  it('a schedule: schedule-active with the slot to come', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ cron: '0 0 9 * * ?' });
    expect(await explain(cluster, jobId)).toMatchObject({
      code: 'schedule-active',
      text: 'Its slot of 2027-01-15T09:00:00.000Z is open; each run is an instance of its own.',
      facts: { next: '2027-01-15T09:00:00.000Z', run: 1, skipped: 0 },
    });
    await cluster.stop();
  });

  it('a suspect waits for a node of its own: suspect-waiting', async () => {
    const cluster = await startCluster();
    const start = () => cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    let worker = await start();
    const jobId = await cluster.submit();
    for (const losses of [1, 2]) {
      await cluster.advance(1_000);
      await worker.kill();
      await cluster.untilTrue(async () => (await cluster.record(jobId)).status.losses === losses);
      if (losses === 1) worker = await start();
    }
    // A second suspect holds the only place for one.
    const other = await cluster.record(jobId);
    await cluster.queue.add([{ ...other, jobId: 'OTHER' }]);
    await start();
    await cluster.advance(2_000);
    const waiting = (await cluster.state(jobId)) === 'waiting' ? jobId : 'OTHER';
    const why = await explain(cluster, waiting);
    expect(why).toMatchObject({ code: 'suspect-waiting', facts: { losses: 2 } });
    expect(why.text).toBe('It was lost 2 times and waits for a node that holds no other suspect.');
    await cluster.stop();
  });

  it('a job that nobody knows is not found', async () => {
    const cluster = await startCluster();
    const error = await cluster.until(
      cluster.client.role.ask('ExplainJob', { jobId: 'nope' }).catch((e: unknown) => e),
    );
    expect(error).toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
    await cluster.stop();
  });
});

describe('lists', () => {
  it('pages fit together, filters hold, counts agree', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      nodeGroup: 'fast',
      jobRunner: ({ job }) => (job.getParam('isBad') ? Result.failed('bad') : 1),
    });
    await cluster.submitAll(
      Array.from({ length: 25 }, (_, i) => ({ nodeGroup: 'fast', params: { isBad: i % 5 === 0 } })),
    );
    await cluster.submitAll(Array.from({ length: 12 }, (_, i) => ({ nodeGroup: 'slow', taskId: `T${i}` })));
    await cluster.submit({ nodeGroup: 'slow', cron: '0 0 0 * * ?' });
    await cluster.advance(1_000);
    const { role } = cluster.client;
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await cluster.until(role.ask('ListJobs', { limit: 7, states: ['succeeded', 'failed'], cursor }));
      expect(page.records.length).toBeLessThanOrEqual(7);
      seen.push(...page.records.map(({ jobId }) => jobId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect([seen.length, new Set(seen).size]).toEqual([25, 25]);
    const one = await cluster.until(role.ask('ListJobs', { limit: 5, nodeGroup: 'slow', taskId: 'T3' }));
    expect(one.records.map(({ body }) => body.taskId)).toEqual(['T3']);
    const schedules = await cluster.until(role.ask('ListJobs', { limit: 5, schedules: true }));
    expect(schedules.records).toHaveLength(1);
    expect((await cluster.until(role.ask('CountJobs', {}))).counts).toEqual({
      fast: { succeeded: 20, failed: 5 },
      slow: { waiting: 13, schedules: 1 },
    });
    await cluster.stop();
  });

  it('a limit beyond reason is cut, a wrong one is one', async () => {
    const cluster = await startCluster();
    await cluster.submitAll([{ delay: '1h' }, { delay: '1h' }]);
    for (const [limit, length] of [
      [1e9, 2],
      [0, 1],
      [-5, 1],
    ] as const) {
      const { records } = await cluster.until(cluster.client.role.ask('ListJobs', { limit }));
      expect(records).toHaveLength(length);
    }
    await cluster.stop();
  });

  it('the log of a job is read in pages that follow what is appended', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      jobRunner: async ({ bizLogger }) => {
        for (let i = 0; i < 8; i++) {
          bizLogger.info(`line ${i}`);
          await cluster.clock.sleep(1_000);
        }
      },
    });
    const jobId = await cluster.submit();
    const texts: string[] = [];
    let cursor: string | undefined;
    for (let i = 0; i < 12; i++) {
      await cluster.advance(900);
      const page = await cluster.until(cluster.client.role.ask('ReadLog', { jobId, cursor, limit: 3 }));
      texts.push(...page.lines.map(({ text }) => text));
      cursor = page.cursor ?? cursor;
    }
    expect(texts).toEqual(Array.from({ length: 8 }, (_, i) => `line ${i}`));
    await cluster.stop();
  });
});

describe('feedback', () => {
  it('waits for a client of the group, also over a restart of the tracker, and is told once', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => ({ n: 1 }) });
    const jobId = await cluster.submit({ needFeedback: true, taskId: 'T' });
    await cluster.untilEnded(jobId);
    await cluster.advance(40_000);
    expect((await cluster.record(jobId)).status.feedbackAt).toBeDefined();
    await cluster.stopTracker();
    await cluster.startTracker();
    const told: JobResult[] = [];
    await cluster.startClient({ onComplete: (results) => told.push(...results) });
    await cluster.advance(35_000);
    expect(told).toMatchObject([
      { jobId, taskId: 'T', nodeGroup: 'lts', success: true, state: 'succeeded', value: { n: 1 } },
    ]);
    expect((await cluster.record(jobId)).status.feedbackAt).toBeUndefined();
    await cluster.advance(300_000);
    expect(told).toHaveLength(1);
    await cluster.stop();
  });

  it('a handler that throws has been told; the failure is logged, nothing is resent', async () => {
    let calls = 0;
    const cluster = await startCluster({
      client: {
        onComplete: () => {
          calls++;
          throw new Error('handler broke');
        },
      },
    });
    await cluster.startWorker({ jobRunner: () => 1 });
    await cluster.untilEnded(await cluster.submit());
    await cluster.advance(120_000);
    expect(calls).toBe(1);
    expect(cluster.log.map(({ text }) => text)).toContain(
      'the completed handler failed; the results count as delivered',
    );
    await cluster.stop();
  });

  it('many results go out in batches', async () => {
    const batches: number[] = [];
    const cluster = await startCluster({ client: { onComplete: (results) => batches.push(results.length) } });
    await cluster.startWorker({ workThreads: 200, jobRunner: () => 1 });
    await cluster.submitAll(Array(300).fill({}));
    await cluster.advance(60_000);
    expect(batches.reduce((a, b) => a + b, 0)).toBe(300);
    expect(batches.length).toBeLessThan(20);
    await cluster.stop();
  });

  it('only the submitting group hears of a job', async () => {
    const told: string[] = [];
    const cluster = await startCluster({ client: { onComplete: () => told.push('web') } });
    await cluster.startClient({ nodeGroup: 'shop', onComplete: () => told.push('shop') });
    await cluster.startWorker({ jobRunner: () => 1 });
    await cluster.submit({ submitNodeGroup: 'shop' });
    await cluster.advance(1_000);
    expect(told).toEqual(['shop']);
    await cluster.stop();
  });
});

describe('retention', () => {
  it('ended jobs and their logs go after their time, open ones and what a schedule needs stay', async () => {
    const cluster = await startCluster({ tracker: { keepEndedMs: 600_000 } });
    await cluster.startWorker({
      jobRunner: ({ bizLogger }) => {
        bizLogger.info('ran');
      },
    });
    const ended = await cluster.submit();
    const open = await cluster.submit({ delay: '10h' });
    const schedule = await cluster.submit({ repeat: { interval: '5m', count: -1 } });
    await cluster.advance(300_000);
    expect(await cluster.story(ended)).toHaveLength(1);
    await cluster.advance(400_000);
    const { job } = await cluster.until(cluster.client.role.ask('GetJob', { jobId: ended }));
    expect(job).toBeUndefined();
    expect(await cluster.story(ended)).toEqual([]);
    expect([await cluster.state(open), await cluster.state(schedule)]).toEqual(['waiting', 'waiting']);
    await cluster.advance(1_800_000);
    const instances = await cluster.instances(schedule);
    expect(instances.at(-1)?.status.state).toBe('waiting');
    expect(instances.length).toBeLessThan(6);
    await cluster.stop();
  });

  it('beyond the count the oldest go first, but never what just ended', async () => {
    const cluster = await startCluster({ tracker: { keepEndedMax: 10 } });
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobIds = await cluster.submitAll(Array(30).fill({}));
    await cluster.advance(300_000);
    expect((await cluster.queue.list({ limit: 100 })).records).toHaveLength(30);
    const fresh = await cluster.submit();
    await cluster.advance(400_000);
    const left = (await cluster.queue.list({ limit: 100 })).records.map(({ jobId }) => jobId);
    expect(left.length).toBeLessThanOrEqual(11);
    expect(left).toContain(fresh);
    expect(left).not.toContain(jobIds[0]);
    await cluster.stop();
  });

  it('lines are kept of jobs that are stored, which is asked once for all of them', async () => {
    const cluster = await startCluster({ tracker: { keepEndedMs: 600_000 } });
    await cluster.startWorker({ jobRunner: ({ job }) => (job.jobId === 'long' ? new Promise(() => undefined) : 1) });
    const [long, ended] = await cluster.submitAll([{ jobId: 'long' }, { jobId: 'ended' }]);
    await cluster.advance(1_000);
    const transport = cluster.network.transport();
    let reads = 0;
    const { queue } = cluster;
    const get = queue.get.bind(queue);
    queue.get = (jobIds) => {
      reads++;
      return get(jobIds);
    };
    const line = { runId: 'r', at: 1, level: 'INFO', type: 'biz', text: 'x' } as const;
    const append = async (...jobIds: string[]) => {
      reads = 0;
      const lines = jobIds.flatMap((jobId) => [1, 2, 3].map((seq) => ({ ...line, jobId, seq })));
      const message = { kind: 'AppendLog', body: { lines, progress: [] } };
      await cluster.until(transport.request(askedAt(message.kind), message, { deadlineMs: 1_000 }));
      return Promise.all(jobIds.map(async (jobId) => (await cluster.story(jobId)).length));
    };
    expect(await append('long')).toEqual([3]);
    expect(reads).toBe(0);
    expect(await append('never-was', 'ended', 'no id')).toEqual([0, 3, 0]);
    expect(reads).toBe(1);
    await cluster.advance(700_000);
    expect([await cluster.state(long as string), (await get([ended as string]))[0]]).toEqual(['executing', undefined]);
    expect(await append('ended')).toEqual([0]);
    await transport.close();
    await cluster.stop();
  });

  it('what a removal left of logs is looked for with each round, among what is older than ended jobs may be', async () => {
    const cluster = await startCluster({ tracker: { keepEndedMs: 600_000 } });
    const jobId = await cluster.submit({ delay: '10h' });
    const looks: unknown[] = [];
    cluster.logger.removeStrays = async (before, stored) => {
      looks.push([cluster.clock.wallMs() - before, ...(await stored([jobId, 'never-was', 'no id']))]);
    };
    await cluster.advance(185_000);
    expect(looks).toEqual(Array(3).fill([600_000, jobId]));
    await cluster.stop();
  });
});
