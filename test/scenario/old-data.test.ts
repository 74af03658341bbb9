/** What waits for days: submissions and feedback that nobody takes, and the word of the old data handler about them. */
import { describe, expect, it } from 'vitest';
import { withStatus } from '../../src/job/job.js';
import type { JobResult } from '../../src/job/result.js';
import type { OldData } from '../../src/ports/old-data.js';
import { startCluster, TestCluster } from '../helpers/start-cluster.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe('a submission that no JobTracker took for long', () => {
  it('is sent and run all the same', async () => {
    const cluster = new TestCluster();
    cluster.client = await cluster.startClient();
    const { code, jobId } = await cluster.until(cluster.client.role.submit({}));
    expect(code).toBe('stored-locally');
    const { failStore } = cluster.client;
    const kept = await failStore.peek('submissions', 10);
    await failStore.put(kept.map((entry) => ({ ...entry, at: entry.at - 3_650 * day })));
    await cluster.startTracker();
    await cluster.startWorker({ jobRunner: () => 'late' });
    await cluster.advance(6_000);
    expect((await cluster.untilEnded(jobId)).status.state).toBe('succeeded');
    await cluster.stop();
  });

  it('is dropped if the handler says so, with a line that names it, and holds back nothing of its key', async () => {
    const cluster = new TestCluster();
    const asked: OldData[] = [];
    cluster.oldDataHandler = {
      olderThanMs: hour,
      handle: (data) => {
        asked.push(data);
        return 'drop';
      },
    };
    cluster.client = await cluster.startClient();
    const { jobId } = await cluster.until(cluster.client.role.submit({ taskId: 'T' }));
    await cluster.advance(hour + minute);
    expect(await cluster.client.failStore.count('submissions')).toBe(0);
    expect(asked).toMatchObject([{ kind: 'submissions', jobId, value: { jobId, body: { taskId: 'T' } } }]);
    expect(cluster.log).toContainEqual(
      expect.objectContaining({
        level: 'error',
        fields: { kind: 'submissions', jobIds: [jobId], droppedSinceStart: 1 },
      }),
    );
    await cluster.startTracker();
    expect((await cluster.until(cluster.client.role.submit({ taskId: 'T' }))).code).toBe('accepted');
    await cluster.stop();
  });
});

/** A job that has ended, whose feedback nobody takes. */
async function owing(cluster: TestCluster): Promise<string> {
  const worker = await cluster.startWorker({ jobRunner: () => 1 });
  const jobId = await cluster.submit({ needFeedback: true });
  await cluster.untilEnded(jobId);
  await worker.stop();
  return jobId;
}

/** As if the job had ended so much earlier: days of a whole cluster take long even in virtual time. */
async function age(cluster: TestCluster, jobId: string, ms: number): Promise<void> {
  const before = await cluster.record(jobId);
  const after = withStatus(before, { feedbackAt: (before.status.feedbackAt ?? 0) - ms });
  await cluster.queue.update([{ before, after }]);
}

const isOwed = async (cluster: TestCluster, jobId: string) =>
  (await cluster.record(jobId)).status.feedbackAt !== undefined;

describe('feedback that no client takes', () => {
  it('is owed for seven days and then dropped, with a line that names the job', async () => {
    const cluster = await startCluster();
    const jobId = await owing(cluster);
    await age(cluster, jobId, 7 * day - 2 * minute);
    await cluster.advance(minute);
    expect(await isOwed(cluster, jobId)).toBe(true);
    await cluster.advance(2 * minute);
    expect(await isOwed(cluster, jobId)).toBe(false);
    const fields = { kind: 'feedback', jobIds: [jobId], droppedSinceStart: 1 };
    expect(cluster.log).toContainEqual(expect.objectContaining({ level: 'error', fields }));
    await cluster.stop();
  });

  it.each(['send', 'throw'])(
    'goes on being owed while the handler says %s, and comes when a client is there',
    async (word) => {
      const cluster = new TestCluster();
      cluster.oldDataHandler = {
        olderThanMs: hour,
        handle: () => {
          if (word === 'throw') throw new Error('broken');
          return 'send';
        },
      };
      await cluster.startTracker();
      cluster.client = await cluster.startClient();
      const jobId = await owing(cluster);
      await age(cluster, jobId, 8 * day);
      await cluster.advance(5 * minute);
      expect(await isOwed(cluster, jobId)).toBe(true);
      const told: JobResult[] = [];
      await cluster.startClient({ onComplete: (results) => told.push(...results) });
      await cluster.advance(minute);
      expect(told.map((result) => result.jobId)).toEqual([jobId]);
      await cluster.stop();
    },
  );

  it('is dropped earlier if the handler says so', async () => {
    const cluster = new TestCluster();
    cluster.oldDataHandler = { olderThanMs: hour, handle: ({ kind }) => (kind === 'feedback' ? 'drop' : 'send') };
    await cluster.startTracker();
    cluster.client = await cluster.startClient();
    const jobId = await owing(cluster);
    await cluster.advance(hour + minute);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.stop();
  });

  it('goes with its job when that is kept no longer, and this is told', async () => {
    const cluster = await startCluster({ tracker: { keepEndedMs: hour } });
    const jobId = await owing(cluster);
    await cluster.advance(hour + 2 * minute);
    expect((await cluster.queue.get([jobId]))[0]).toBeUndefined();
    const line = cluster.log.find(({ text }) => text.startsWith('feedback was dropped'));
    expect(line).toMatchObject({ level: 'error', fields: { jobs: 1, jobIds: [jobId] } });
    await cluster.stop();
  });
});
