/** What once went wrong, each named after it. */
import { describe, expect, it } from 'vitest';
import { afterRun } from '../../src/job/ending.js';
import { nextStep } from '../../src/job/next-step.js';
import { aRun } from '../helpers/records.js';
import { startCluster } from '../helpers/start-cluster.js';

it('a schedule that was a one-shot job in between never uses an instance id twice', async () => {
  const cluster = await startCluster();
  let runs = 0;
  await cluster.startWorker({ jobRunner: () => ++runs });
  const scheduleId = await cluster.submit({ taskId: 'X', repeat: { interval: '10m', count: 5 } });
  await cluster.advance(1_000);
  expect(runs).toBe(1);
  const replaceOnExist = true;
  await cluster.until(cluster.client.role.submit({ taskId: 'X', delay: '1h', replaceOnExist }));
  await cluster.until(
    cluster.client.role.submit({ taskId: 'X', repeat: { interval: '10m', count: 1 }, replaceOnExist }),
  );
  await cluster.advance(1_000);
  expect(runs).toBe(2);
  expect((await cluster.record(scheduleId)).status.generation).toBe(2);
  await cluster.stop();
});

it('suspending and resuming independent slots loses none of the runs', async () => {
  const cluster = await startCluster();
  const seen: number[] = [];
  const scheduleId = await cluster.submit({ repeat: { interval: '1s', count: 10 }, relyOnPrevCycle: false });
  await cluster.advance(4_500);
  await cluster.until(cluster.client.role.ask('SuspendJob', { jobId: scheduleId }));
  await cluster.advance(1_000);
  await cluster.until(cluster.client.role.ask('ResumeJob', { jobId: scheduleId }));
  await cluster.startWorker({ jobRunner: ({ repeatedCount }) => seen.push(repeatedCount) });
  await cluster.advance(30_000);
  expect(seen.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await cluster.stop();
});

it('a request id that could not be looked up again is refused', async () => {
  const cluster = await startCluster();
  const scheduleId = await cluster.submit({ repeat: { interval: '1h', count: 2 } });
  const asked = cluster.client.role.ask('TriggerJob', { jobId: scheduleId, requestId: 'click 1' });
  await expect(cluster.until(asked)).rejects.toThrowError(/requestId: "click 1" is not a name/);
  await cluster.stop();
});

it('a repeat that is no repeat is rejected, not run once', async () => {
  const cluster = await startCluster();
  const outcome = await cluster.until(cluster.client.role.submit({ repeat: null as never }));
  expect(outcome).toMatchObject({ code: 'rejected', msg: expect.stringContaining('repeat: null') });
  await cluster.stop();
});

it('one malformed submission in a batch leaves the others standing', async () => {
  const cluster = await startCluster();
  const outcomes = await cluster.until(
    Promise.all([{}, { cron: 5 as never }, { taskId: '' }, {}].map((job) => cluster.client.role.submit(job))),
  );
  expect(outcomes.map(({ code }) => code)).toEqual(['accepted', 'rejected', 'rejected', 'accepted']);
  await cluster.stop();
});

it('a suspect that must be alone and is handed back still must be alone', () => {
  const suspect = aRun({ losses: 3, isAlone: true });
  for (const outcome of [{ kind: 'returned' }, { kind: 'missed' }, { kind: 'later' }] as const) {
    const after = afterRun(suspect, nextStep(suspect, outcome, { now: 5, chance: 0 }), { now: 5, outcome });
    expect(after.status).toMatchObject({ state: 'waiting', losses: 3, isAlone: true });
  }
});

describe('what people read', () => {
  it('a job for an unknown processor filled its log with the stack of our own code', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ processors: { known: () => 1 } });
    const jobId = await cluster.submit({ processor: 'typo', maxRetryTimes: 1, retryInterval: '1s' });
    const { status } = await cluster.untilEnded(jobId);
    expect(status.message).toBe('This node has no runner for processor "typo". Known: known.');
    const story = await cluster.story(jobId);
    expect(story.map(({ type }) => type)).toEqual(['retry', 'ended']);
    for (const { text } of story) expect(text).not.toMatch(/\n/);
    await cluster.stop();
  });

  it('a cancel that was asked for stood as an error in the job log, and "It cancelled" in its explanation', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      jobRunner: async ({ signal }) => {
        await cluster.clock.sleep(60_000, signal);
        throw signal.reason;
      },
    });
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    await cluster.until(cluster.client.role.ask('CancelJob', { jobId }));
    await cluster.untilEnded(jobId);
    expect(await cluster.story(jobId)).toMatchObject([{ type: 'ended', level: 'INFO' }]);
    const { text } = await cluster.until(cluster.client.role.ask('ExplainJob', { jobId }));
    expect(text).toMatch(/^It was cancelled at /);
    await cluster.stop();
  });

  it('params of an edit had no bound', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    const edit = { params: JSON.stringify('x'.repeat(300_000)) };
    await expect(cluster.until(cluster.client.role.ask('EditJob', { jobId, edit }))).rejects.toMatchObject({
      code: expect.stringMatching(/^LTS_(PAYLOAD_TOO_LARGE|MESSAGE_INVALID)$/),
    });
    await cluster.stop();
  });
});
