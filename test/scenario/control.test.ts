/** What people do to a job, in every state, with the receipt or the refusal that they read. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/job/job.js';
import { Result } from '../../src/job/result.js';
import type { ControlAnswer, JobEdit, JobKey } from '../../src/protocol/messages.js';
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

const edit = (cluster: TestCluster, key: string, change: JobEdit) => doTo(cluster, 'EditJob', key, { edit: change });

describe('cancel', () => {
  it('a waiting, a suspended and a due job end at once', async () => {
    const cluster = await startCluster();
    for (const job of [{ delay: '1h' }, {}] as Job[]) {
      const jobId = await cluster.submit(job);
      expect(await doTo(cluster, 'CancelJob', jobId)).toBe('done');
      expect(await cluster.state(jobId)).toBe('cancelled');
    }
    const suspended = await cluster.submit({ delay: '1h', taskId: 'T' });
    await doTo(cluster, 'SuspendJob', suspended);
    expect(await doTo(cluster, 'CancelJob', { taskId: 'T', nodeGroup: 'lts' })).toBe('done');
    expect(await cluster.state(suspended)).toBe('cancelled');
    await cluster.stop();
  });

  it('a running job: its signal fires with the reason, and it ends as cancelled without feedback', async () => {
    let feedback = 0;
    const cluster = await startCluster({ client: { onComplete: () => feedback++ } });
    const reasons: unknown[] = [];
    await cluster.startWorker({
      jobRunner: async ({ signal }) => {
        await cluster.clock.sleep(60_000, signal);
        reasons.push(signal.reason);
        throw signal.reason;
      },
    });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    expect(await doTo(cluster, 'CancelJob', jobId)).toBe('delivered');
    await cluster.untilEnded(jobId);
    expect(await cluster.state(jobId)).toBe('cancelled');
    expect(reasons).toMatchObject([{ name: 'RunAborted', reason: 'cancelled' }]);
    await cluster.advance(60_000);
    expect(feedback).toBe(0);
    await cluster.stop();
  });

  it('a run that succeeds all the same has succeeded; one that fails or retries is cancelled', async () => {
    const cluster = await startCluster();
    const answers: Record<string, () => unknown> = {
      value: () => 'done',
      failed: () => Result.failed('no'),
      later: () => Result.later('again'),
    };
    await cluster.startWorker({
      jobRunner: async ({ job }) => {
        await cluster.clock.sleep(2_000);
        return answers[job.getParam('answer')]?.();
      },
    });
    for (const [answer, state] of [
      ['value', 'succeeded'],
      ['failed', 'cancelled'],
      ['later', 'cancelled'],
    ]) {
      const jobId = await cluster.submit({ params: { answer } });
      await cluster.advance(500);
      expect(await doTo(cluster, 'CancelJob', jobId)).toBe('delivered');
      expect(await doTo(cluster, 'CancelJob', jobId)).toBe('delivered');
      await cluster.untilEnded(jobId);
      expect(await cluster.state(jobId)).toBe(state);
    }
    await cluster.stop();
  });

  it('a job that ignores its signal is given up after the grace', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    await doTo(cluster, 'CancelJob', jobId);
    await cluster.advance(4_900);
    expect(await cluster.state(jobId)).toBe('executing');
    await cluster.advance(200);
    expect(await cluster.state(jobId)).toBe('cancelled');
    await cluster.stop();
  });

  it('asked: the worker cannot be told; whatever becomes of the run, the job is cancelled', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => new Promise(() => undefined) });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    worker.node.isCut = true;
    expect(await doTo(cluster, 'CancelJob', jobId)).toBe('asked');
    await cluster.untilEnded(jobId);
    expect(await cluster.state(jobId)).toBe('cancelled');
    await worker.kill();
    await cluster.stop();
  });

  it('an ended job is already ended and stays what it was; an unknown one is not found', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit();
    await cluster.untilEnded(jobId);
    expect(await doTo(cluster, 'CancelJob', jobId)).toBe('already-ended');
    expect(await cluster.state(jobId)).toBe('succeeded');
    expect(await doTo(cluster, 'CancelJob', 'nope')).toBe(
      'LTS_JOB_NOT_FOUND: Job nope is not known. An ended job is removed after its retention time.',
    );
    expect(await doTo(cluster, 'CancelJob', { taskId: 'T', nodeGroup: 'lts' })).toBe(
      'LTS_JOB_NOT_FOUND: An open job with taskId T in group lts is not known. An ended job is removed after its retention time.',
    );
    await cluster.stop();
  });

  it('a schedule: it and its waiting instance end, a running one runs on, and no slot follows', async () => {
    const cluster = await startCluster();
    let runs = 0;
    await cluster.startWorker({
      jobRunner: async () => {
        runs++;
        return await cluster.clock.sleep(20_000);
      },
    });
    const waiting = await cluster.submit({
      repeat: { interval: '1m', count: -1 },
      triggerTime: cluster.clock.wallMs() + 30_000,
    });
    const running = await cluster.submit({ repeat: { interval: '1m', count: -1 } });
    await cluster.advance(10_000);
    expect([await doTo(cluster, 'CancelJob', waiting), await doTo(cluster, 'CancelJob', running)]).toEqual([
      'done',
      'done',
    ]);
    await cluster.advance(600_000);
    expect(runs).toBe(1);
    expect((await cluster.instances(waiting)).map(({ status }) => status.state)).toEqual(['cancelled']);
    expect((await cluster.instances(running)).map(({ status }) => status.state)).toEqual(['succeeded']);
    await cluster.stop();
  });

  it('one waiting instance: the slot is over and the schedule goes on with the next', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => 1 });
    const schedule = await cluster.submit({
      repeat: { interval: '1m', count: -1 },
      triggerTime: cluster.clock.wallMs() + 60_000,
    });
    const [first] = await cluster.instances(schedule);
    expect(await doTo(cluster, 'CancelJob', first?.jobId as string)).toBe('done');
    await cluster.advance(125_000);
    expect((await cluster.instances(schedule)).map(({ status }) => status.state)).toEqual([
      'cancelled',
      'succeeded',
      'waiting',
    ]);
    await cluster.stop();
  });
});

describe('suspend and resume', () => {
  it('a suspended job does not run when it is due, a resumed one does at once', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit({ delay: '10s' });
    expect(await doTo(cluster, 'SuspendJob', jobId)).toBe('done');
    expect(await doTo(cluster, 'SuspendJob', jobId)).toBe('done');
    await cluster.advance(60_000);
    expect(await cluster.state(jobId)).toBe('suspended');
    expect(await doTo(cluster, 'ResumeJob', jobId)).toBe('done');
    expect(await doTo(cluster, 'ResumeJob', jobId)).toMatch(/^(done|LTS_STATE_CONFLICT)/);
    await cluster.advance(100);
    expect(await cluster.state(jobId)).toBe('succeeded');
    await cluster.stop();
  });

  it('refusals name the job, its state and the next move', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: async () => cluster.clock.sleep(60_000) });
    const running = await cluster.submit();
    const schedule = await cluster.submit({ cron: '0 0 0 * * ?' });
    await cluster.advance(1_000);
    const [instance] = await cluster.instances(schedule);
    const conflict = 'LTS_STATE_CONFLICT: Job';
    expect(await doTo(cluster, 'SuspendJob', running)).toBe(
      `${conflict} ${running} is executing; only a waiting one can be suspended.`,
    );
    expect(await doTo(cluster, 'ResumeJob', running)).toBe(
      `${conflict} ${running} is executing; only a suspended one can be resumed.`,
    );
    expect(await doTo(cluster, 'TriggerJob', running)).toBe(
      `${conflict} ${running} is executing; only a waiting one can be triggered.`,
    );
    expect(await edit(cluster, running, { priority: 1 })).toBe(
      `${conflict} ${running} is executing; only a waiting one can be edited.`,
    );
    expect(await doTo(cluster, 'SuspendJob', instance?.jobId as string)).toBe(
      `${conflict} ${instance?.jobId} is one instance of schedule ${schedule} and cannot be suspended alone. Name the schedule.`,
    );
    await doTo(cluster, 'CancelJob', schedule);
    for (const verb of ['SuspendJob', 'TriggerJob', 'EditJob'] as const) {
      expect(await doTo(cluster, verb, schedule)).toMatch(
        new RegExp(`^${conflict} ${schedule} is cancelled; only a waiting one can be`),
      );
    }
    expect(await doTo(cluster, 'ResumeJob', schedule)).toBe(
      `${conflict} ${schedule} is cancelled; only a suspended one can be resumed.`,
    );
    await cluster.stop();
  });

  it('a schedule fires nothing while suspended, and goes on with its next slot from then', async () => {
    const cluster = await startCluster();
    const runs: number[] = [];
    await cluster.startWorker({
      jobRunner: ({ scheduledFor }) => runs.push(scheduledFor.getTime() - cluster.clock.wallMs()),
    });
    const schedule = await cluster.submit({ repeat: { interval: '1m', count: 3 } });
    await cluster.advance(30_000);
    await doTo(cluster, 'SuspendJob', schedule);
    expect((await cluster.instances(schedule)).map(({ status }) => status.state)).toEqual(['succeeded', 'suspended']);
    await cluster.advance(600_000);
    expect(runs).toHaveLength(1);
    expect(await doTo(cluster, 'ResumeJob', schedule)).toBe('done');
    await cluster.advance(600_000);
    expect(runs).toHaveLength(3);
    for (const late of runs) expect(Math.abs(late)).toBeLessThan(100);
    expect(await cluster.state(schedule)).toBe('succeeded');
    await cluster.stop();
  });

  it('cancel after edits while suspended leaves no open instance', async () => {
    const cluster = await startCluster();
    const schedule = await cluster.submit({ cron: '0 0 0 * * ?' });
    await doTo(cluster, 'SuspendJob', schedule);
    await edit(cluster, schedule, { priority: 1 });
    await edit(cluster, schedule, { params: '{"a":1}' });
    expect(await doTo(cluster, 'CancelJob', schedule)).toBe('done');
    expect((await cluster.instances(schedule)).map(({ status }) => status.state)).not.toContain('suspended');
    await cluster.stop();
  });
});

describe('trigger', () => {
  it('a waiting job runs now', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit({ delay: '1h' });
    expect(await doTo(cluster, 'TriggerJob', jobId)).toBe('done');
    await cluster.advance(100);
    expect(await cluster.state(jobId)).toBe('succeeded');
    await cluster.stop();
  });

  it('a schedule runs once beside its slots, once per request', async () => {
    const cluster = await startCluster();
    const runs: number[] = [];
    await cluster.startWorker({ jobRunner: ({ repeatedCount }) => runs.push(repeatedCount) });
    const schedule = await cluster.submit({
      repeat: { interval: '1h', count: 2 },
      triggerTime: cluster.clock.wallMs() + 3_600_000,
    });
    for (const requestId of ['a', 'a', 'b']) await doTo(cluster, 'TriggerJob', schedule, { requestId });
    await cluster.advance(1_000);
    expect(runs).toEqual([0, 0]);
    await cluster.advance(2 * 3_600_000);
    expect(runs).toEqual([0, 0, 1, 2]);
    expect(await cluster.state(schedule)).toBe('succeeded');
    await cluster.stop();
  });
});

describe('edit', () => {
  it('a waiting job runs with its new params, priority and time', async () => {
    const cluster = await startCluster();
    const seen: unknown[] = [];
    await cluster.startWorker({ jobRunner: ({ job }) => seen.push(job.params, job.priority) });
    const jobId = await cluster.submit({ delay: '1h', params: { a: 1 } });
    expect(await edit(cluster, jobId, { params: '{"a":2}', priority: 7, dueAt: cluster.clock.wallMs() + 5_000 })).toBe(
      'done',
    );
    await cluster.advance(5_100);
    expect(seen).toEqual([{ a: 2 }, 7]);
    expect((await cluster.story(jobId)).map(({ text }) => text)).toEqual(['edited: params, priority, dueAt']);
    await cluster.stop();
  });

  it('bad values are refused and change nothing', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    const schedule = await cluster.submit({ cron: '0 0 0 * * ?' });
    expect(await edit(cluster, jobId, { priority: 1.5 })).toMatch(/^LTS_JOB_INVALID: priority: 1\.5 must be/);
    expect(await edit(cluster, jobId, { maxRetryTimes: -1 })).toMatch(/^LTS_JOB_INVALID: maxRetryTimes: -1/);
    expect(await edit(cluster, jobId, { dueAt: Number.NaN })).toMatch(/^LTS_(JOB|MESSAGE)_INVALID: /);
    expect(await edit(cluster, schedule, { trigger: { kind: 'cron', expression: '0 0 0 31 2 ?' } })).toMatch(/^LTS_/);
    expect(await edit(cluster, schedule, { trigger: { kind: 'cron', expression: 'no' } })).toMatch(/^LTS_CRON_INVALID/);
    expect(await edit(cluster, schedule, { trigger: { kind: 'delay', delayMs: 5 } })).toMatch(/^LTS_JOB_INVALID/);
    expect((await cluster.record(jobId)).status.rev).toBe(1);
    expect((await cluster.record(schedule)).status.rev).toBe(1);
    await cluster.stop();
  });

  it('a new rule replaces the waiting instance; a running one ends first', async () => {
    const cluster = await startCluster();
    let open = 0;
    let most = 0;
    await cluster.startWorker({
      jobRunner: async () => {
        most = Math.max(most, ++open);
        await cluster.clock.sleep(40_000);
        open--;
      },
    });
    const schedule = await cluster.submit({ repeat: { interval: '1m', count: -1 } });
    await cluster.advance(10_000);
    await edit(cluster, schedule, { trigger: { kind: 'repeat', intervalMs: 5_000, count: 2 } });
    await edit(cluster, schedule, { trigger: { kind: 'repeat', intervalMs: 10_000, count: 2 } });
    await cluster.advance(300_000);
    expect(most).toBe(1);
    expect(await cluster.state(schedule)).toBe('succeeded');
    expect((await cluster.instances(schedule)).filter(({ status }) => status.state === 'succeeded')).toHaveLength(3);
    await cluster.stop();
  });

  it('an edit of params while the slot runs does not run the slot twice', async () => {
    const cluster = await startCluster();
    const slots: string[] = [];
    await cluster.startWorker({
      jobRunner: async ({ scheduledFor }) => {
        slots.push(scheduledFor.toISOString());
        await cluster.clock.sleep(2_000);
      },
    });
    const schedule = await cluster.submit({ repeat: { interval: '1m', count: -1 } });
    await cluster.advance(500);
    await edit(cluster, schedule, { params: '{"a":2}' });
    await cluster.advance(90_000);
    expect(slots).toHaveLength(2);
    expect(new Set(slots).size).toBe(2);
    await cluster.stop();
  });
});
