/** Who a job is: keys that are taken, ids that come again, and jobs that are replaced in place. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/job/job.js';
import type { ControlAnswer, JobKey } from '../../src/protocol/messages.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

type Verb = 'CancelJob' | 'SuspendJob' | 'ResumeJob' | 'TriggerJob' | 'EditJob';

/** The receipt, or the refusal as `CODE: text`. */
async function doTo(cluster: TestCluster, verb: Verb, key: string | JobKey, more: object = {}): Promise<string> {
  const body = { ...(typeof key === 'string' ? { jobId: key } : key), requestId: 'q1', edit: {}, ...more };
  const asked = cluster.client.role.ask(verb as 'EditJob', body as never) as Promise<ControlAnswer>;
  return cluster.until(
    asked.then(
      ({ receipt }) => receipt,
      (error: Error & { code: string }) => `${error.code}: ${error.message}`,
    ),
  );
}

/** A worker whose runs last until their signal fires, then throw its reason. */
const obedient = {
  jobRunner: (context: { signal: AbortSignal }) =>
    new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason))),
};

describe('the same key', () => {
  it('is a duplicate while the job is open, in every open state, and free afterwards', async () => {
    const cluster = await startCluster();
    const submit = (job: Job) => cluster.until(cluster.client.role.submit({ taskId: 'T', ...job }));
    const first = await submit({ delay: '1m' });
    const duplicate = await submit({});
    expect(duplicate).toEqual({
      code: 'duplicate',
      jobId: first.jobId,
      msg: `Job ${first.jobId} with taskId T in group lts is waiting; nothing was changed.`,
    });
    expect((await submit({ nodeGroup: 'other' })).code).toBe('accepted');
    await doTo(cluster, 'SuspendJob', first.jobId);
    expect((await submit({})).msg).toContain('is suspended');
    await doTo(cluster, 'ResumeJob', first.jobId);
    await cluster.startWorker(obedient);
    await cluster.advance(61_000);
    expect((await submit({})).msg).toContain('is executing');
    await doTo(cluster, 'CancelJob', first.jobId);
    await cluster.untilEnded(first.jobId);
    expect((await submit({ delay: '1h' })).code).toBe('accepted');
    await cluster.stop();
  });

  it('two at once: one is accepted, the other its duplicate', async () => {
    const cluster = await startCluster();
    const both = await cluster.until(
      Promise.all([1, 2].map(() => cluster.client.role.submit({ taskId: 'T', delay: '1h' }))),
    );
    expect(both.map(({ code }) => code)).toEqual(['accepted', 'duplicate']);
    expect(both[1]?.jobId).toBe(both[0]?.jobId);
    await cluster.stop();
  });
});

describe('the same jobId', () => {
  it('is the same job, whenever it comes again', async () => {
    const cluster = await startCluster();
    let runs = 0;
    await cluster.startWorker({ jobRunner: () => runs++ });
    const submit = () => cluster.until(cluster.client.role.submit({ jobId: 'J1', taskId: 'T' }));
    for (let i = 0; i < 3; i++) {
      expect(await submit()).toMatchObject({ code: 'accepted', jobId: 'J1' });
      await cluster.advance(1_000);
    }
    expect(runs).toBe(1);
    const twins = await cluster.until(Promise.all([1, 2].map(() => cluster.client.role.submit({ jobId: 'J2' }))));
    expect(twins.map(({ code }) => code)).toEqual(['accepted', 'accepted']);
    await cluster.advance(1_000);
    expect(runs).toBe(2);
    await cluster.stop();
  });

  it('with another group or taskId it is rejected, naming both', async () => {
    const cluster = await startCluster();
    await cluster.submit({ jobId: 'J1', taskId: 'T', delay: '1h' });
    for (const other of [{ taskId: 'U' }, { taskId: 'T', nodeGroup: 'g' }, {}] as Job[]) {
      expect(await cluster.until(cluster.client.role.submit({ jobId: 'J1', ...other }))).toEqual({
        code: 'rejected',
        jobId: 'J1',
        msg: 'Job J1 exists with taskId T in group lts. Submit with a new jobId.',
      });
    }
    await cluster.stop();
  });
});

describe('replaceOnExist', () => {
  const replacing = (job: Job): Job => ({ taskId: 'T', replaceOnExist: true, ...job });

  it('a waiting job is replaced in place and runs with what came last', async () => {
    const cluster = await startCluster();
    const seen: unknown[] = [];
    await cluster.startWorker({ jobRunner: ({ job }) => seen.push(job.getParam('n')) });
    const jobId = await cluster.submit({ taskId: 'T', delay: '10s', params: { n: 1 } });
    const outcome = await cluster.until(
      cluster.client.role.submit(replacing({ jobId: 'R1', delay: '20s', params: { n: 2 } })),
    );
    expect(outcome).toEqual({ code: 'replaced', jobId });
    await cluster.advance(15_000);
    expect(seen).toEqual([]);
    await cluster.advance(6_000);
    expect(seen).toEqual([2]);
    await cluster.stop();
  });

  it('a resent replace changes nothing, also after the job ended; its id finds the job', async () => {
    const cluster = await startCluster();
    let runs = 0;
    await cluster.startWorker({ jobRunner: () => runs++ });
    const jobId = await cluster.submit({ taskId: 'T', delay: '10s' });
    const replace = () => cluster.until(cluster.client.role.submit(replacing({ jobId: 'R1', delay: '5s' })));
    await replace();
    const { rev } = (await cluster.record(jobId)).status;
    expect(await replace()).toEqual({ code: 'replaced', jobId });
    expect((await cluster.record(jobId)).status.rev).toBe(rev);
    await cluster.advance(6_000);
    expect(await replace()).toEqual({ code: 'replaced', jobId });
    await cluster.advance(60_000);
    expect(runs).toBe(1);
    const { job } = await cluster.until(cluster.client.role.ask('GetJob', { jobId: 'R1' }));
    expect(job?.jobId).toBe(jobId);
    await cluster.stop();
  });

  it('a suspended job stays suspended, an executing one is a duplicate, an ended one makes room', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ taskId: 'T', delay: '1s' });
    await doTo(cluster, 'SuspendJob', jobId);
    const replace = (job: Job = {}) => cluster.until(cluster.client.role.submit(replacing(job)));
    expect((await replace({ params: { n: 2 } })).code).toBe('replaced');
    expect(await cluster.record(jobId)).toMatchObject({ status: { state: 'suspended' }, body: { params: '{"n":2}' } });
    await doTo(cluster, 'ResumeJob', jobId);
    await cluster.startWorker(obedient);
    await cluster.advance(2_000);
    expect(await replace()).toMatchObject({ code: 'duplicate', jobId });
    await doTo(cluster, 'CancelJob', jobId);
    await cluster.untilEnded(jobId);
    expect((await replace()).code).toBe('accepted');
    await cluster.stop();
  });

  it('a schedule takes the new rule at once, and a one-shot job and a schedule may replace each other', async () => {
    const cluster = await startCluster();
    const runs: number[] = [];
    await cluster.startWorker({ jobRunner: () => runs.push(cluster.time.nowMs) });
    const schedule = await cluster.submit({ taskId: 'T', cron: '0 0 0 * * ?' });
    const replace = (job: Job) => cluster.until(cluster.client.role.submit(replacing(job)));
    expect(await replace({ repeat: { interval: '10s', count: 3 } })).toEqual({ code: 'replaced', jobId: schedule });
    await cluster.advance(15_000);
    expect(runs).toHaveLength(2);
    expect((await replace({ delay: '1h' })).code).toBe('replaced');
    await cluster.advance(60_000);
    expect(runs).toHaveLength(2);
    await cluster.advance(3_600_000);
    expect(runs).toHaveLength(3);
    expect(await cluster.state(schedule)).toBe('succeeded');
    const open = (await cluster.instances(schedule)).filter(({ status }) => status.endedAt === undefined);
    expect(open).toEqual([]);
    await cluster.stop();
  });

  it('many replaces at once leave one job', async () => {
    const cluster = await startCluster();
    await cluster.submit({ taskId: 'T', delay: '1h' });
    const jobs = Array.from({ length: 8 }, (_, n) => replacing({ delay: '1h', params: { n } }));
    const outcomes = await cluster.until(Promise.all(jobs.map((job) => cluster.client.role.submit(job))));
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(['replaced']));
    const { records } = await cluster.queue.list({ limit: 10 });
    expect(records).toHaveLength(1);
    await cluster.stop();
  });
});
