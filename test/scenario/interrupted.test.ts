/** A suspend, a resume or an edit that is interrupted between a schedule and its instances: the next sweep brings them together. */
import { describe, expect, it, vi } from 'vitest';
import { type Job, withStatus } from '../../src/job/job.js';
import type { Change } from '../../src/ports/job-queue.js';
import type { JobEdit } from '../../src/protocol/messages.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

const independent: Job = { repeat: { interval: '1s', count: 6 }, relyOnPrevCycle: false };

type Verb = 'CancelJob' | 'SuspendJob' | 'ResumeJob' | 'EditJob';

/** What the user reads: the receipt, or the code of the refusal; LTS_TIMEOUT from a tracker that died. */
const ask = (cluster: TestCluster, verb: Verb, jobId: string, edit: JobEdit = {}): Promise<string> =>
  cluster.until(
    cluster.client.role.ask(verb as 'EditJob', { jobId, edit }).then(
      ({ receipt }) => receipt,
      ({ code }: { code: string }) => code,
    ),
  );

const statesOf = async (cluster: TestCluster, scheduleId: string): Promise<string[]> =>
  (await cluster.instances(scheduleId)).map(({ status }) => status.state);

/** From now on another step stands in for the store's update where one of these changes is written. */
function instead(
  cluster: TestCluster,
  isMeant: (change: Change) => boolean,
  step: (write: () => Promise<void>) => Promise<void>,
): { mockRestore(): void } {
  const update = cluster.queue.update.bind(cluster.queue);
  return vi.spyOn(cluster.queue, 'update').mockImplementation(async (changes) => {
    let written: Awaited<ReturnType<typeof update>> | undefined;
    const write = async () => {
      written = await update(changes);
    };
    await (changes.some(isMeant) ? step(write) : write());
    return written ?? changes.map(() => undefined);
  });
}

/** The tracker dies with this write, and another one takes its place. */
async function dying(cluster: TestCluster, deed: () => Promise<string>, spy: { mockRestore(): void }): Promise<void> {
  expect(await deed()).toBe('LTS_TIMEOUT');
  spy.mockRestore();
  await cluster.startTracker();
}

const becomes = (jobId: string, state: string) => (change: Change) =>
  change.after.jobId === jobId && change.before.status.state !== state && change.after.status.state === state;

const never = (): Promise<never> => new Promise(() => undefined);

const killed = (cluster: TestCluster) => async (): Promise<never> => {
  await cluster.tracker.node.kill();
  return never();
};

async function runsOf(cluster: TestCluster): Promise<number[]> {
  const runs: number[] = [];
  await cluster.startWorker({ jobRunner: ({ repeatedCount }) => runs.push(repeatedCount) });
  return runs;
}

describe('independent slots', () => {
  it('that a suspend reached and not their schedule go on', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit(independent);
    await cluster.advance(1_500);
    const spy = instead(cluster, becomes(jobId, 'suspended'), killed(cluster));
    await dying(cluster, () => ask(cluster, 'SuspendJob', jobId), spy);
    const runs = await runsOf(cluster);
    await cluster.advance(10_000);
    expect(runs.sort()).toEqual([1, 2, 3, 4, 5, 6]);
    await cluster.stop();
  });

  it('go on also when only the store failed', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ cron: '*/5 * * * * ?', relyOnPrevCycle: false });
    await cluster.advance(6_000);
    const spy = instead(cluster, becomes(jobId, 'suspended'), () => Promise.reject(new Error('The store is away.')));
    expect(await ask(cluster, 'SuspendJob', jobId)).not.toBe('done');
    spy.mockRestore();
    expect(await statesOf(cluster, jobId)).toContain('suspended');
    await cluster.advance(60_000);
    expect(await statesOf(cluster, jobId)).not.toContain('suspended');
    await cluster.stop();
  });

  it('that fired during a suspend stop with their schedule, and go on with it', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit(independent);
    await cluster.advance(1_500);
    let tries = 0;
    const spy = instead(cluster, becomes(jobId, 'suspended'), async (write) => {
      if (tries++ === 0) await cluster.clock.sleep(2_000);
      await write();
      if ((await cluster.record(jobId)).status.state === 'suspended') await killed(cluster)();
    });
    await dying(cluster, () => ask(cluster, 'SuspendJob', jobId), spy);
    expect(await statesOf(cluster, jobId)).toEqual(['suspended', 'suspended', 'suspended', 'suspended']);
    const runs = await runsOf(cluster);
    await cluster.advance(60_000);
    expect(runs).toEqual([]);
    expect(await ask(cluster, 'ResumeJob', jobId)).toBe('done');
    await cluster.advance(10_000);
    expect(runs.sort()).toEqual([1, 2, 3, 4, 5, 6]);
    await cluster.stop();
  });

  it('go on where a resume reached their schedule only', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit(independent);
    await cluster.advance(1_500);
    await ask(cluster, 'SuspendJob', jobId);
    const spy = instead(cluster, becomes(jobId, 'waiting'), async (write) => {
      await write();
      await killed(cluster)();
    });
    await dying(cluster, () => ask(cluster, 'ResumeJob', jobId), spy);
    const runs = await runsOf(cluster);
    await cluster.advance(10_000);
    expect(runs.sort()).toEqual([1, 2, 3, 4, 5, 6]);
    await cluster.stop();
  });

  it('one that was inserted and not yet noted by its schedule is suspended and resumed with it', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ cron: '*/5 * * * * ?', relyOnPrevCycle: false });
    await cluster.advance(1_000);
    const isAdvance = ({ before, after }: Change) => after.jobId === jobId && before.status.slot !== after.status.slot;
    const spy = instead(cluster, isAdvance, never);
    await cluster.advance(5_000);
    expect(await ask(cluster, 'SuspendJob', jobId)).toBe('done');
    await cluster.tracker.node.kill();
    spy.mockRestore();
    await cluster.startTracker();
    expect(await statesOf(cluster, jobId)).toEqual(['suspended']);
    await cluster.advance(10_000);
    expect(await ask(cluster, 'ResumeJob', jobId)).toBe('done');
    await cluster.advance(100);
    const { slot, catchUpTo } = (await cluster.record(jobId)).status;
    expect([slot?.run, catchUpTo]).toEqual([2, undefined]);
    const runs = await runsOf(cluster);
    await cluster.advance(10_000);
    expect(runs).toEqual([1, 2, 3]);
    await cluster.stop();
  });

  it('of a rule that is no more do not run, though the edit was interrupted', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit(independent);
    await cluster.advance(1_500);
    const spy = instead(cluster, becomes(`${jobId}.1.1`, 'cancelled'), killed(cluster));
    const edit: JobEdit = { trigger: { kind: 'repeat', intervalMs: 5_000, count: 2 } };
    await dying(cluster, () => ask(cluster, 'EditJob', jobId, edit), spy);
    await cluster.advance(1);
    const older = (await cluster.instances(jobId)).filter(({ body }) => body.origin?.generation === 1);
    expect(older.map(({ status }) => status.state)).toEqual(['cancelled', 'cancelled']);
    await cluster.stop();
  });

  it('of the new rule wait on when a run of the old one ends', async () => {
    const cluster = await startCluster();
    const runs: number[] = [];
    await cluster.startWorker({
      workThreads: 1,
      jobRunner: ({ repeatedCount }) => {
        runs.push(repeatedCount);
        return cluster.clock.sleep(20_000);
      },
    });
    const jobId = await cluster.submit(independent);
    await cluster.advance(500);
    await ask(cluster, 'EditJob', jobId, { trigger: { kind: 'repeat', intervalMs: 1_000, count: 3 } });
    await cluster.advance(120_000);
    expect(runs).toEqual([1, 1, 2, 3]);
    await cluster.stop();
  });
});

it('slots that rely on the previous cycle never overlap, though the rule changes twice before an advance is noted', async () => {
  const cluster = await startCluster();
  let open = 0;
  let most = 0;
  await cluster.startWorker({
    jobRunner: async () => {
      most = Math.max(most, ++open);
      await cluster.clock.sleep(20_000);
      open--;
    },
  });
  const jobId = await cluster.submit({ repeat: { interval: '1s', count: -1 } });
  await cluster.advance(15_000);
  const isAdvance = ({ before, after }: Change) => after.jobId === jobId && before.status.slot !== after.status.slot;
  const spy = instead(cluster, isAdvance, never);
  await cluster.advance(10_000);
  spy.mockRestore();
  for (const intervalMs of [2_000, 3_000])
    expect(await ask(cluster, 'EditJob', jobId, { trigger: { kind: 'repeat', intervalMs, count: -1 } })).toBe('done');
  await cluster.advance(60_000);
  expect(most).toBe(1);
  await cluster.stop();
});

describe('a suspend that comes when the last slot fires', () => {
  const job: Job = { repeat: { interval: '1s', count: 3 }, relyOnPrevCycle: false };

  it('is refused, and the next sweep leaves no instance suspended', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit(job);
    await cluster.advance(1_500);
    const spy = instead(cluster, becomes(jobId, 'suspended'), async (write) => {
      await cluster.clock.sleep(2_000);
      await write();
    });
    expect(await ask(cluster, 'SuspendJob', jobId)).toBe('LTS_STATE_CONFLICT');
    spy.mockRestore();
    expect(await statesOf(cluster, jobId)).toContain('suspended');
    await cluster.advance(60_000);
    expect(await statesOf(cluster, jobId)).toEqual(['waiting', 'waiting', 'waiting']);
    await cluster.stop();
  });

  it('and was interrupted does not outlive a cancel of the schedule', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit(job);
    await cluster.advance(1_500);
    await ask(cluster, 'CancelJob', jobId);
    const [first] = await cluster.instances(jobId);
    const after = first && withStatus(first, { state: 'suspended', endedAt: undefined });
    if (first && after) await cluster.queue.update([{ before: first, after }]);
    await cluster.advance(60_000);
    expect(new Set(await statesOf(cluster, jobId))).toEqual(new Set(['cancelled']));
    await cluster.stop();
  });
});
