/** Nodes that stop, restart, or are cut off while runs go on: nothing is lost, and every stop says what it did. */
import { describe, expect, it } from 'vitest';
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import type { RunAborted } from '../../src/job/context.js';
import { startCluster } from '../helpers/start-cluster.js';

describe('a worker that stops', () => {
  it('finishes what runs, takes nothing more, and says so', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({
      jobRunner: async () => {
        await cluster.clock.sleep(3_000);
        return 'done';
      },
    });
    const running = await cluster.submitAll([{}, {}, {}]);
    await cluster.advance(500);
    const stopped = worker.stop();
    await cluster.advance(500);
    const later = await cluster.submit();
    expect(await stopped).toEqual({ finished: 3, handedBack: 0, abandoned: 0 });
    expect(await Promise.all(running.map((jobId) => cluster.state(jobId)))).toEqual(Array(3).fill('succeeded'));
    expect(await cluster.state(later)).toBe('waiting');
    expect(cluster.time.nowMs).toBeLessThan(5_000);
    await cluster.stop();
  });

  it('without any time lost results that its FailStore had not taken yet', async () => {
    const cluster = await startCluster();
    const failStore = new MemoryFailStore();
    const put = failStore.put.bind(failStore);
    failStore.put = async (entries) => {
      await cluster.clock.sleep(50);
      return put(entries);
    };
    const worker = await cluster.startWorker({ failStore, jobRunner: () => cluster.cutAll(true) });
    await cluster.submit();
    await cluster.advance(100);
    await worker.stop(0);
    expect(await failStore.count('results')).toBe(1);
    cluster.cutAll(false);
    await cluster.stop();
  });

  it('at its deadline hands back what obeys, abandons what does not, and counts neither', async () => {
    const cluster = await startCluster();
    const reasons: string[] = [];
    const worker = await cluster.startWorker({
      abortGraceMs: 2_000,
      jobRunner: async ({ job, signal }) => {
        if (job.getParam('isDeaf')) return new Promise(() => undefined);
        await cluster.clock.sleep(3_600_000, signal);
        reasons.push((signal.reason as RunAborted).reason);
        throw signal.reason;
      },
    });
    const jobIds = await cluster.submitAll([{}, {}, { params: { isDeaf: true } }]);
    await cluster.advance(500);
    const before = cluster.time.nowMs;
    expect(await worker.stop(10_000)).toEqual({ finished: 0, handedBack: 2, abandoned: 1 });
    expect(cluster.time.nowMs - before).toBeLessThanOrEqual(10_000);
    expect(reasons).toEqual(['shutdown', 'shutdown']);
    for (const jobId of jobIds) {
      expect((await cluster.record(jobId)).status).toMatchObject({ state: 'waiting', retryTimes: 0, losses: 0 });
    }
    await cluster.stop();
  });

  it('left a run 2 s of 10 s: it may go on until its grace and the reports need the rest', async () => {
    const cluster = await startCluster();
    const aborted: boolean[] = [];
    const worker = await cluster.startWorker({
      jobRunner: async ({ signal }) => {
        await cluster.clock.sleep(6_200);
        aborted.push(signal.aborted);
      },
    });
    await cluster.submit();
    await cluster.advance(10);
    expect(await worker.stop(10_000)).toEqual({ finished: 1, handedBack: 0, abandoned: 0 });
    expect(aborted).toEqual([false]);
    await cluster.stop();
  });

  it('counted a run as handed back that was told to stop and succeeded', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({
      jobRunner: async ({ job, signal }) => {
        await cluster.clock.sleep(3_600_000, signal);
        if (job.getParam('isWhole')) return 'whole';
        throw signal.reason;
      },
    });
    const jobIds = await cluster.submitAll([{ params: { isWhole: true } }, {}]);
    await cluster.advance(500);
    expect(await worker.stop(10_000)).toEqual({ finished: 1, handedBack: 1, abandoned: 0 });
    expect(await Promise.all(jobIds.map((jobId) => cluster.state(jobId)))).toEqual(['succeeded', 'waiting']);
    await cluster.stop();
  });

  it('with every slot taken and work waiting leaves the rest to others', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ workThreads: 2, jobRunner: async () => cluster.clock.sleep(1_000) });
    const jobIds = await cluster.submitAll(Array(10).fill({}));
    await cluster.advance(100);
    expect((await worker.stop()).finished).toBe(2);
    await cluster.startWorker({ jobRunner: () => 1 });
    await cluster.advance(5_000);
    for (const jobId of jobIds)
      expect((await cluster.record(jobId)).status).toMatchObject({ state: 'succeeded', attempt: 1, losses: 0 });
    await cluster.stop();
  });

  it('resolves by its deadline also when no tracker answers', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    const before = cluster.time.nowMs;
    expect(await worker.stop(10_000)).toEqual({ finished: 0, handedBack: 0, abandoned: 1 });
    expect(cluster.time.nowMs - before).toBeLessThanOrEqual(10_000);
    await cluster.stop();
  });

  it('with a deadline shorter than the grace counts no loss', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    const before = cluster.time.nowMs;
    expect((await worker.stop(2_000)).abandoned).toBe(1);
    expect(cluster.time.nowMs - before).toBeLessThanOrEqual(2_000);
    await cluster.advance(40_000);
    expect((await cluster.record(jobId)).status).toMatchObject({ state: 'waiting', losses: 0 });
    await cluster.stop();
  });

  it('takes nothing more even if its session is lost and begun again while it stops', async () => {
    const cluster = await startCluster();
    let runs = 0;
    const worker = await cluster.startWorker({
      leaseLost: 'continue',
      jobRunner: async () => {
        runs++;
        await cluster.clock.sleep(100_000);
      },
    });
    await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    await cluster.advance(40_000);
    const stopped = worker.stop(90_000);
    await cluster.advance(3_500);
    worker.node.isCut = false;
    await cluster.advance(10_000);
    expect(worker.node.asked.filter((kind) => kind === 'StartSession').length).toBeGreaterThan(1);
    const later = await cluster.submit();
    await cluster.advance(5_000);
    expect([runs, await cluster.state(later)]).toEqual([1, 'waiting']);
    await stopped;
    await cluster.stop();
  });

  it('a second stop does nothing', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => 1 });
    await worker.stop();
    expect(await cluster.until(worker.role.stop(1_000))).toEqual({ finished: 0, handedBack: 0, abandoned: 0 });
    await cluster.stop();
  });
});

describe('a worker that is cut off', () => {
  it('aborts its own runs before its lease is over, by the monotonic clock, and begins anew when it is back', async () => {
    const cluster = await startCluster();
    const aborted: { at: number; reason: string }[] = [];
    const worker = await cluster.startWorker({
      jobRunner: async ({ signal }) => {
        await cluster.clock.sleep(100_000, signal);
        if (!signal.aborted) return 'whole';
        aborted.push({ at: cluster.time.nowMs, reason: (signal.reason as RunAborted).reason });
        throw signal.reason;
      },
    });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    await cluster.advance(60_000);
    expect(aborted).toHaveLength(1);
    expect(aborted[0]?.reason).toBe('lease-lost');
    expect(aborted[0]?.at).toBeLessThan(31_000);
    worker.node.isCut = false;
    await cluster.advance(120_000);
    expect((await cluster.record(jobId)).status).toMatchObject({
      state: 'succeeded',
      result: '"whole"',
      retryTimes: 0,
    });
    await cluster.stop();
  });

  it.each(['the node', 'the job'])(
    'goes on when %s says continue, and the result counts if nobody else took the job',
    async (who) => {
      const cluster = await startCluster();
      const aborted: boolean[] = [];
      const worker = await cluster.startWorker({
        leaseLost: who === 'the node' ? 'continue' : 'abort',
        // It fences itself long before the tracker's lease is over.
        leaseMs: 15_000,
        jobRunner: async ({ signal }) => {
          await cluster.clock.sleep(24_000);
          aborted.push(signal.aborted);
          return 'kept';
        },
      });
      const jobId = await cluster.submit(who === 'the job' ? { leaseLost: 'continue' } : {});
      await cluster.advance(1_000);
      worker.node.isCut = true;
      await cluster.advance(14_000);
      expect(cluster.log.map(({ text }) => text)).toContain('the session was lost; a new one begins');
      worker.node.isCut = false;
      await cluster.advance(40_000);
      expect(aborted).toEqual([false]);
      expect((await cluster.record(jobId)).status).toMatchObject({ state: 'succeeded', result: '"kept"', attempt: 1 });
      await cluster.stop();
    },
  );

  it('a cut that is mended within the lease is not noticed', async () => {
    const cluster = await startCluster();
    let runs = 0;
    const worker = await cluster.startWorker({
      jobRunner: async () => {
        runs++;
        return await cluster.clock.sleep(40_000);
      },
    });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    await cluster.advance(15_000);
    worker.node.isCut = false;
    await cluster.advance(60_000);
    expect(runs).toBe(1);
    expect((await cluster.record(jobId)).status).toMatchObject({ state: 'succeeded', attempt: 1, losses: 0 });
    await cluster.stop();
  });
});

describe('a tracker that restarts', () => {
  it('runs go on, and their results count', async () => {
    const cluster = await startCluster();
    let runs = 0;
    await cluster.startWorker({
      jobRunner: async () => {
        runs++;
        await cluster.clock.sleep(10_000);
        return 'kept';
      },
    });
    const jobIds = await cluster.submitAll(Array(20).fill({}));
    await cluster.advance(3_000);
    await cluster.stopTracker();
    await cluster.advance(12_000);
    await cluster.startTracker();
    await cluster.advance(5_000);
    for (const jobId of jobIds)
      expect((await cluster.record(jobId)).status).toMatchObject({ state: 'succeeded', attempt: 1, losses: 0 });
    expect(runs).toBe(20);
    await cluster.stop();
  });

  it('a submission under way when it stops is accepted once', async () => {
    const cluster = await startCluster();
    let runs = 0;
    await cluster.startWorker({ jobRunner: () => runs++ });
    const underWay = cluster.client.role.submit({ jobId: 'J1' });
    await cluster.stopTracker();
    const outcome = await cluster.until(underWay);
    expect(['accepted', 'stored-locally']).toContain(outcome.code);
    await cluster.startTracker();
    await cluster.advance(10_000);
    expect([runs, await cluster.state('J1')]).toEqual([1, 'succeeded']);
    await cluster.stop();
  });

  it('a tracker that dies without a word is followed by one that knows everything', async () => {
    const cluster = await startCluster();
    let runs = 0;
    await cluster.startWorker({
      jobRunner: async () => {
        runs++;
        return await cluster.clock.sleep(5_000);
      },
    });
    const schedule = await cluster.submit({ repeat: { interval: '10s', count: 5 } });
    const jobId = await cluster.submit({ delay: '8s' });
    await cluster.advance(2_000);
    await cluster.tracker.node.kill();
    await cluster.advance(2_000);
    await cluster.startTracker();
    await cluster.advance(60_000);
    expect([await cluster.state(jobId), await cluster.state(schedule)]).toEqual(['succeeded', 'succeeded']);
    expect(runs).toBe(6);
    await cluster.stop();
  });
});

it('a worker that dies with a result in its FailStore: the next process brings it, and it counts', async () => {
  const cluster = await startCluster();
  let runs = 0;
  const runner = {
    jobRunner: async () => {
      runs++;
      await cluster.clock.sleep(1_000);
      return 'kept';
    },
  };
  const worker = await cluster.startWorker(runner);
  const jobId = await cluster.submit();
  await cluster.advance(500);
  worker.node.isCut = true;
  await cluster.advance(1_500);
  expect(await worker.failStore.count('results')).toBe(1);
  await worker.kill();
  // The tracker has not yet given the run back when the next process starts.
  await cluster.startWorker({ ...runner, failStore: worker.failStore });
  await cluster.advance(10_000);
  expect((await cluster.record(jobId)).status).toMatchObject({
    state: 'succeeded',
    result: '"kept"',
    attempt: 1,
    losses: 0,
  });
  expect(runs).toBe(1);
  expect(await worker.failStore.count('results')).toBe(0);
  await cluster.stop();
});

it('biz-log lines that could not be sent arrive later, once', async () => {
  const cluster = await startCluster();
  const worker = await cluster.startWorker({
    jobRunner: async ({ bizLogger }) => {
      bizLogger.debug('too low');
      bizLogger.info('one');
      await cluster.clock.sleep(2_000);
      bizLogger.error('two');
      await cluster.clock.sleep(8_000);
    },
  });
  const jobId = await cluster.submit();
  await cluster.advance(1_000);
  worker.node.isCut = true;
  await cluster.advance(7_000);
  worker.node.isCut = false;
  await cluster.advance(60_000);
  const lines = (await cluster.story(jobId)).filter(({ type }) => type === 'biz');
  expect(lines.map(({ text, level }) => [level, text])).toEqual([
    ['INFO', 'one'],
    ['ERROR', 'two'],
  ]);
  expect(await worker.failStore.count('biz-logs')).toBe(0);
  await cluster.stop();
});

it('said 50 times that biz-log lines were dropped, and never in the log of the job', async () => {
  const cluster = await startCluster();
  await cluster.startWorker({
    jobRunner: ({ bizLogger }) => {
      for (let i = 0; i < 51_500; i++) bizLogger.info('a line');
    },
  });
  const jobId = await cluster.submit();
  await cluster.advance(10_000);
  const { lines } = await cluster.logger.read(jobId, { limit: 100_000 });
  const warnings = lines.filter(({ level, type }) => type === 'biz' && level === 'WARN');
  expect(warnings.map(({ text }) => text)).toEqual([expect.stringMatching(/^1500 lines of this run were dropped: /)]);
  const told = cluster.log.filter(({ text }) => text === 'biz-log lines were dropped');
  expect(told.map(({ fields }) => fields)).toEqual([
    { dropped: 1_500, runs: 1, reason: expect.stringContaining('50000 items are waiting') },
  ]);
  await cluster.stop();
});
