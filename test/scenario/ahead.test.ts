/** While runs are short a worker fetches more jobs than it may run; what was fetched and cannot start is never stuck with it. */
import { expect, it } from 'vitest';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

const slots = 4;

async function untilAllEnded(cluster: TestCluster, jobIds: readonly string[]): Promise<void> {
  for (const jobId of jobIds) await cluster.untilEnded(jobId);
}

/** A worker whose recent runs were short, and a runner that from then on takes as long as its params say. */
async function aPracticedWorker(cluster: TestCluster) {
  const seen = { running: 0, most: 0 };
  const worker = await cluster.startWorker({
    workThreads: slots,
    jobRunner: async ({ job, signal }) => {
      seen.running++;
      seen.most = Math.max(seen.most, seen.running);
      await cluster.clock.sleep(Number(job.getParam('takesMs') ?? 1), signal);
      seen.running--;
    },
  });
  await untilAllEnded(cluster, await cluster.submitAll(Array.from({ length: 20 }, () => ({}))));
  return { worker, seen };
}

it('never runs more than workThreads, and a job that waits for its slot is handed back after a second, uncounted', async () => {
  const cluster = await startCluster();
  const { seen } = await aPracticedWorker(cluster);
  const long = await cluster.submitAll(Array.from({ length: 2 * slots }, () => ({ params: { takesMs: 60_000 } })));
  await cluster.advance(500);
  const claimed = await Promise.all(long.map((jobId) => cluster.state(jobId)));
  expect(claimed.filter((state) => state === 'executing')).toHaveLength(2 * slots);
  expect(seen.running).toBe(slots);
  // What it had offered already comes once more, and goes back once more.
  await cluster.advance(4_000);
  const states = await Promise.all(long.map((jobId) => cluster.state(jobId)));
  expect(states.filter((state) => state === 'waiting')).toHaveLength(slots);
  await untilAllEnded(cluster, long);
  const records = await Promise.all(long.map((jobId) => cluster.record(jobId)));
  expect(records.map(({ status }) => [status.state, status.attempt, status.losses])).toEqual(
    long.map(() => ['succeeded', 1, 0]),
  );
  expect(seen.most).toBe(slots);
  await cluster.stop();
});

it('a job that waits for its slot is cancelled at once', async () => {
  const cluster = await startCluster();
  await aPracticedWorker(cluster);
  const long = await cluster.submitAll(Array.from({ length: slots + 1 }, () => ({ params: { takesMs: 60_000 } })));
  await cluster.advance(200);
  const last = long.at(-1) as string;
  expect((await cluster.until(cluster.client.role.ask('CancelJob', { jobId: last }))).receipt).toBe('delivered');
  await cluster.advance(200);
  expect(await cluster.state(last)).toBe('cancelled');
  await cluster.stop();
});

it('a worker that stops hands back what it fetched ahead', async () => {
  const cluster = await startCluster();
  const { worker } = await aPracticedWorker(cluster);
  const long = await cluster.submitAll(Array.from({ length: 2 * slots }, () => ({ params: { takesMs: 3_000 } })));
  await cluster.advance(200);
  expect(await worker.stop(10_000)).toEqual({ finished: slots, handedBack: 0, abandoned: 0 });
  const records = await Promise.all(long.map((jobId) => cluster.record(jobId)));
  expect(records.filter(({ status }) => status.state === 'succeeded')).toHaveLength(slots);
  expect(records.filter(({ status }) => status.state === 'waiting' && status.attempt === 0)).toHaveLength(slots);
  await cluster.stop();
});
