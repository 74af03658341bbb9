/** Workers that die: who is blamed, who is not, and what never reached a worker. */
import { describe, expect, it } from 'vitest';
import { startCluster, type TestCluster, type Worker } from '../helpers/start-cluster.js';

/** A worker that dies when it runs a job with `isPoison`; it comes back by itself while `isRefilled`. */
async function mortalWorkers(cluster: TestCluster, count: number) {
  const state = { deaths: 0, isRefilled: true };
  const start = async (): Promise<void> => {
    let self: Worker | undefined;
    self = await cluster.startWorker({
      workThreads: 64,
      jobRunner: async ({ job }) => {
        if (job.getParam('isPoison')) {
          // Dies a moment after the claim, with everything that it holds.
          await cluster.clock.sleep(200);
          state.deaths++;
          void self?.kill();
          if (state.isRefilled) cluster.time.schedule(500, () => void start());
          return new Promise(() => undefined);
        }
        await cluster.clock.sleep(1_000);
        return 'ok';
      },
    });
  };
  for (let i = 0; i < count; i++) await start();
  return state;
}

describe('a job that kills its worker', () => {
  it('is convicted after three times, while 63 innocent jobs beside it the first two times all succeed', async () => {
    const cluster = await startCluster();
    const workers = await mortalWorkers(cluster, 1);
    const [poison, ...innocent] = await cluster.submitAll([{ params: { isPoison: true } }, ...Array(63).fill({})]);
    await cluster.untilEnded(poison as string);
    for (const jobId of innocent) await cluster.untilEnded(jobId);
    const { status } = await cluster.record(poison as string);
    expect(status).toMatchObject({ state: 'failed', reason: 'lost', losses: 3 });
    expect(workers.deaths).toBe(3);
    const losses = new Set<number>();
    for (const jobId of innocent) {
      const record = await cluster.record(jobId);
      expect(record.status.state).toBe('succeeded');
      losses.add(record.status.losses);
    }
    expect([...losses]).toEqual([2]);
    expect((await cluster.story(poison as string)).map(({ type }) => type)).toEqual(['loss', 'loss', 'loss']);
    await cluster.stop();
  });

  it('several workers, two poison jobs: both are convicted, nobody else', async () => {
    const cluster = await startCluster();
    await mortalWorkers(cluster, 3);
    const poison = { params: { isPoison: true } };
    const [one, two, ...innocent] = await cluster.submitAll([poison, poison, ...Array(120).fill({})]);
    for (const jobId of [one, two, ...innocent]) await cluster.untilEnded(jobId as string);
    expect([await cluster.state(one as string), await cluster.state(two as string)]).toEqual([
      'failed/lost',
      'failed/lost',
    ]);
    for (const jobId of innocent) expect(await cluster.state(jobId)).toBe('succeeded');
    await cluster.stop();
  });

  it('a crash is noticed within seconds', async () => {
    const cluster = await startCluster();
    await mortalWorkers(cluster, 1);
    const jobId = await cluster.submit({ params: { isPoison: true } });
    await cluster.untilTrue(async () => (await cluster.record(jobId)).status.losses === 1);
    expect(cluster.time.nowMs).toBeLessThan(4_500);
    await cluster.untilEnded(jobId);
    await cluster.stop();
  });
});

describe('a worker that is only silent', () => {
  it('keeps its runs until its lease is over, then they are a loss', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    await cluster.advance(24_000);
    expect(await cluster.state(jobId)).toBe('executing');
    await cluster.advance(8_000);
    expect((await cluster.record(jobId)).status).toMatchObject({ state: 'waiting', losses: 1 });
    await worker.kill();
    await cluster.stop();
  });

  it('its late result is answered stale, written to the log and changes nothing', async () => {
    const cluster = await startCluster();
    let runs = 0;
    const worker = await cluster.startWorker({
      leaseLost: 'continue',
      jobRunner: async () => {
        runs++;
        await cluster.clock.sleep(50_000);
        return 'late';
      },
    });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    await cluster.advance(35_000);
    await cluster.startWorker({
      jobRunner: () => {
        runs++;
        return 'second';
      },
    });
    expect(await cluster.until(cluster.client.role.result(jobId))).toBe('second');
    const { rev } = (await cluster.record(jobId)).status;
    worker.node.isCut = false;
    await cluster.advance(30_000);
    expect(runs).toBe(2);
    expect((await cluster.record(jobId)).status).toMatchObject({ rev, result: '"second"' });
    const stale = (await cluster.story(jobId)).filter(({ type }) => type === 'stale');
    expect(stale.length).toBeGreaterThan(0);
    expect(stale[0]?.text).toMatch(/^success of run [0-9a-f]{8} came when the job was succeeded; not applied$/);
    await cluster.stop();
  });

  it('its late result does not end the run that took its place', async () => {
    const cluster = await startCluster();
    const slow = (ms: number, answer: string) => async () => {
      await cluster.clock.sleep(ms);
      return answer;
    };
    const worker = await cluster.startWorker({ leaseLost: 'continue', jobRunner: slow(36_000, 'late') });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    await cluster.startWorker({ jobRunner: slow(30_000, 'second') });
    await cluster.untilTrue(async () => (await cluster.record(jobId)).status.attempt === 2);
    worker.node.isCut = false;
    await cluster.advance(15_000);
    expect((await cluster.story(jobId)).map(({ type }) => type)).toContain('stale');
    expect(await cluster.state(jobId)).toBe('executing');
    expect(await cluster.until(cluster.client.role.result(jobId))).toBe('second');
    await cluster.stop();
  });
});

describe('a claim whose reply is lost', () => {
  it('is asked about after ten seconds, given back, and counted nowhere', async () => {
    const cluster = await startCluster();
    let runs = 0;
    const worker = await cluster.startWorker({ workThreads: 1, jobRunner: () => runs++ });
    await cluster.advance(100);
    worker.node.lostReplies.set('PullJobs', 1);
    // The open pull ends empty; the reply of the next one is lost.
    await cluster.advance(5_100);
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    expect((await cluster.record(jobId)).status).toMatchObject({ state: 'executing', attempt: 1 });
    const claimedAt = cluster.time.nowMs;
    await cluster.untilEnded(jobId);
    expect(cluster.time.nowMs - claimedAt).toBeGreaterThan(8_000);
    expect(cluster.time.nowMs - claimedAt).toBeLessThan(13_000);
    expect((await cluster.record(jobId)).status).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      losses: 0,
      retryTimes: 0,
    });
    expect(runs).toBe(1);
    await cluster.stop();
  });

  it('a report whose answer is lost is sent again and counts once', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => 'once' });
    worker.node.lostReplies.set('ReportRuns', 2);
    const jobId = await cluster.submit();
    await cluster.advance(20_000);
    const { status } = await cluster.record(jobId);
    expect(status).toMatchObject({ state: 'succeeded', rev: 2, attempt: 1 });
    expect(worker.node.asked.filter((kind) => kind === 'ReportRuns').length).toBeGreaterThanOrEqual(3);
    expect(await cluster.story(jobId)).toEqual([]);
    expect(await worker.failStore.count('results')).toBe(0);
    await cluster.stop();
  });
});
