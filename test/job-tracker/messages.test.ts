/** What a tracker answers to messages that no client of ours would send: it refuses them by name and goes on. */
import { expect, it } from 'vitest';
import type { ReplyOf, SubmittedJob } from '../../src/protocol/messages.js';
import { askedAt } from '../helpers/asked-at.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

const job: SubmittedJob = {
  jobId: 'J1',
  body: { nodeGroup: 'g', params: '{}', priority: 100, lane: '', retry: {}, needFeedback: false, submittedAt: 0 },
  trigger: { kind: 'delay', delayMs: 3_600_000 },
  replaceOnExist: false,
  relyOnPrevCycle: true,
  misfire: 'fire-once',
};

/** The reply, or the refusal as `CODE: text`. */
function ask(cluster: TestCluster, kind: string, body: unknown): Promise<unknown> {
  const transport = cluster.network.transport();
  const reply = transport.request(askedAt(kind), { kind, body }, { deadlineMs: 10_000 });
  return cluster.until(reply.catch((error: Error & { code: string }) => `${error.code}: ${error.message}`));
}

const submit = async (cluster: TestCluster, ...jobs: unknown[]) => {
  const reply = (await ask(cluster, 'SubmitJobs', { jobs })) as { answers: { code: string; msg?: string }[] };
  return reply.answers?.map(({ code, msg }) => (msg === undefined ? code : `${code}: ${msg}`)) ?? reply;
};

it('a kind that it does not know is refused by name', async () => {
  const cluster = await startCluster();
  expect(await ask(cluster, 'Dance', {})).toBe('LTS_MESSAGE_INVALID: A JobTracker does not answer Dance.');
  expect(await ask(cluster, 'toString', {})).toMatch(/^LTS_MESSAGE_INVALID/);
  await cluster.stop();
});

it('a job is rejected with the exact code, for clients that do not check it themselves', async () => {
  const cluster = await startCluster();
  const jobs = [
    { ...job, jobId: 'J1', trigger: { kind: 'cron', expression: 'soon' } },
    { ...job, jobId: 'J2', trigger: { kind: 'cron', expression: '0 0 0 * * ?', timeZone: 'Mars/Base' } },
    { ...job, jobId: 'J3', body: { ...job.body, params: 'x'.repeat(270_000) } },
    { ...job, jobId: 'J4', body: { ...job.body, priority: 0.5 } },
  ];
  const { answers } = (await ask(cluster, 'SubmitJobs', { jobs })) as ReplyOf<'SubmitJobs'>;
  expect(answers.map(({ errorCode }) => errorCode)).toEqual([
    'LTS_CRON_INVALID',
    'LTS_CRON_INVALID',
    'LTS_PAYLOAD_TOO_LARGE',
    'LTS_JOB_INVALID',
  ]);
  await cluster.stop();
});

it('one bad job of a batch is rejected with its reason, the others are accepted', async () => {
  const cluster = await startCluster();
  const withBody = (jobId: string, body: object) => ({ ...job, jobId, body: { ...job.body, ...body } });
  const answers = await submit(
    cluster,
    job,
    withBody('J2', { nodeGroup: 'a b' }),
    withBody('J3', { params: 'x'.repeat(270_000) }),
    { ...job, jobId: 'a/b' },
    { ...job, jobId: 'J4', trigger: { kind: 'moon' } },
    { ...job, jobId: 'J5', trigger: { kind: 'repeat', intervalMs: 5, count: 0 } },
    { ...job, jobId: 'J6', trigger: { kind: 'cron', expression: '0 0 0 31 2 ?' } },
    { ...job, jobId: 'J7', trigger: { kind: 'delay', delayMs: -1 } },
    { ...job, jobId: 'J8' },
  );
  expect(answers).toEqual([
    'accepted',
    expect.stringMatching(/^rejected: nodeGroup: "a b" is not a name/),
    expect.stringMatching(/^rejected: params: 270002 bytes in a message, where .*; at most 262144 are allowed/),
    expect.stringMatching(/^rejected: jobId: "a\/b" is not a jobId/),
    expect.stringMatching(/^rejected: trigger: moon/),
    expect.stringMatching(/^rejected: repeat\.count: 0 runs/),
    expect.stringMatching(/^rejected: .*never fires/),
    expect.stringMatching(/^rejected: delay: -1 must be/),
    'accepted',
  ]);
  await cluster.stop();
});

it.each([
  ['SubmitJobs', undefined],
  ['SubmitJobs', { jobs: [null] }],
  ['SubmitJobs', { jobs: [{ jobId: 'X' }] }],
  ['CancelJob', null],
  ['GetJob', {}],
  ['PullJobs', { session: 7, slots: 'many' }],
  ['ReportRuns', { session: 'none', reports: [{}], slots: 1 }],
  ['RenewSession', {}],
  ['AwaitJob', { jobId: 5 }],
  ['AppendLog', {}],
  ['EditJob', { jobId: 'J1' }],
])('malformed %s %j is answered and harms nothing', async (kind, body) => {
  const cluster = await startCluster();
  await cluster.startWorker({ jobRunner: () => 'alive' });
  await ask(cluster, kind, body);
  expect(await cluster.until(cluster.client.role.result(await cluster.submit()))).toBe('alive');
  await cluster.stop();
});

it('a pull or a renewal of a session that is not served here is sent on; nobody goes on with one that is not known', async () => {
  const cluster = await startCluster();
  const info = { session: 'ghost', identity: 'g', nodeGroup: 'lts', workThreads: 1, processors: [] };
  expect(await ask(cluster, 'PullJobs', { session: 'ghost', slots: 3, waitMs: 5_000 })).toMatchObject({
    answer: 'elsewhere',
    jobs: [],
  });
  expect(await ask(cluster, 'RenewSession', { session: 'ghost', runIds: [] })).toEqual({ answer: 'elsewhere' });
  expect(await ask(cluster, 'StartSession', { ...info, replaces: [], runIds: [], moves: 2 })).toMatchObject({
    answer: 'refused',
  });
  await cluster.stop();
});

it('a report of a run that never was is stale and changes nothing; one of no job here is unknown, so that nobody drops it', async () => {
  const cluster = await startCluster();
  const jobId = await cluster.submit({ delay: '1h' });
  const reports = [
    { jobId, runId: 'never', outcome: { kind: 'success' } },
    { jobId: 'nobody', runId: 'never', outcome: { kind: 'success' } },
  ];
  expect(await ask(cluster, 'ReportRuns', { session: '', slots: 0, reports })).toMatchObject({
    answers: ['stale', 'unknown'],
  });
  expect((await cluster.record(jobId)).status).toMatchObject({ state: 'waiting', rev: 1 });
  await cluster.stop();
});

it("that a run was lost is the tracker's own verdict, and that it never came is said by who knows its runId", async () => {
  const cluster = await startCluster();
  await cluster.startWorker({ jobRunner: () => cluster.clock.sleep(5_000) });
  const jobId = await cluster.submit();
  await cluster.advance(100);
  const { status } = await cluster.record(jobId);
  const runId = status.runId ?? '';
  const report = (outcome: object, run = runId) =>
    ask(cluster, 'ReportRuns', { session: '', slots: 0, reports: [{ jobId, runId: run, outcome }] });
  expect(await report({ kind: 'lost', others: 0 })).toMatchObject({ answers: ['stale'] });
  expect(await report({ kind: 'missed' }, 'another')).toMatchObject({ answers: ['stale'] });
  expect((await cluster.record(jobId)).status).toEqual(status);
  expect((await cluster.untilEnded(jobId)).status).toMatchObject({ state: 'succeeded', attempt: 1, losses: 0 });
  await cluster.stop();
});

it('who asks for a job does not learn what it takes to report for its run', async () => {
  const cluster = await startCluster();
  await cluster.startWorker({
    jobRunner: async ({ bizLogger, signal }) => {
      bizLogger.info('at work');
      await cluster.clock.sleep(60_000, signal);
      return 'mine';
    },
  });
  const jobId = await cluster.submit({});
  await cluster.advance(1_000);
  const { runId = '' } = (await cluster.record(jobId)).status;
  const told = [
    await ask(cluster, 'GetJob', { jobId }),
    await ask(cluster, 'ListJobs', { limit: 10 }),
    await ask(cluster, 'AwaitJob', { jobId, afterRev: 0, waitMs: 1_000, isLogWanted: true }),
    await ask(cluster, 'ReadLog', { jobId, limit: 10 }),
    await ask(cluster, 'ExplainJob', { jobId }),
  ].map((reply) => JSON.stringify(reply));
  expect(told.filter((reply) => reply.includes(runId))).toEqual([]);
  expect(told[0]).toContain(runId.slice(0, 8));
  const report = { jobId, runId: runId.slice(0, 8), outcome: { kind: 'success', result: '"forged"' } };
  expect(await ask(cluster, 'ReportRuns', { session: '', slots: 0, reports: [report] })).toMatchObject({
    answers: ['stale'],
  });
  expect(await cluster.until(cluster.client.role.result(jobId))).toBe('mine');
  await cluster.stop();
});
