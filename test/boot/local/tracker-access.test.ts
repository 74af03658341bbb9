import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DataPathOwner } from '../../../src/adapters/lmdb/owner.js';
import { StoredJobs } from '../../../src/boot/local/stored-jobs.js';
import { type AccessPlace, accessTracker } from '../../../src/boot/local/tracker-access.js';
import { clock, ids } from '../../../src/boot/system-ports.js';
import { JobClient, JobTracker, TaskTracker } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';

const none = () => {};
const log = { debug: none, info: none, warn: none, error: none };
let dataPath: string;

beforeEach(() => {
  dataPath = mkdtempSync(join(tmpdir(), 'lts-access-'));
});
afterEach(() => rmSync(dataPath, { recursive: true }));

const access = (need: AccessPlace['need']) => accessTracker({ dataPath, cluster: 'lts', need });

/** One job that waits and one that has ended, in a store that nobody has open. */
async function storeJobs(): Promise<void> {
  const tracker = await new JobTracker({ dataPath, log }).start();
  const worker = await new TaskTracker({
    dataPath,
    log,
    jobRunner: ({ bizLogger }) => bizLogger.info('hello'),
  }).start();
  const client = await new JobClient({ dataPath, log }).start();
  await client.submitJob({ jobId: 'ended' });
  await client.result('ended');
  await client.submitJob({ jobId: 'waits', taskId: 'w', nodeGroup: 'nobody' });
  await client.stop();
  await worker.stop();
  await tracker.stop();
}

it.each<[string, unknown]>([
  ['AppendLog', { lines: [null] }],
  ['AppendLog', { lines: null, progress: [] }],
  ['AppendLog', null],
  ['SubmitJobs', { jobs: null }],
  ['SubmitJobs', {}],
  ['ReportRuns', { reports: 'all' }],
])('%s %j over the socket was answered as a defect of the store or the node', async (kind, body) => {
  const tracker = await new JobTracker({ dataPath, log }).start();
  const { client, close } = await access('change');
  await expect(client.ask(kind as 'CountJobs', body as never)).rejects.toMatchObject({ code: 'LTS_MESSAGE_INVALID' });
  await close();
  await tracker.stop();
});

it('does all that a client does through the socket of a running application', async () => {
  const going = new Deferred<void>();
  const tracker = await new JobTracker({ dataPath, log }).start();
  const jobRunner = async ({ bizLogger }: { bizLogger: { info(text: string): void } }) => {
    bizLogger.info('hello');
    await going.promise;
    return { n: 1 };
  };
  const worker = await new TaskTracker({ dataPath, log, jobRunner }).start();
  const { client, pid, close } = await access('change');
  expect(pid).toBe(process.pid);
  expect(await client.submit({ jobId: 'a', params: { text: 'ü😀' } })).toMatchObject({ code: 'accepted', jobId: 'a' });
  expect(await client.submit({ jobId: 'b', delay: '1h', taskId: 't' })).toMatchObject({ code: 'accepted' });
  expect((await client.ask('GetJob', { taskId: 't', nodeGroup: 'lts' })).job?.jobId).toBe('b');
  expect((await client.ask('ListJobs', { states: ['waiting'], limit: 10 })).records).toHaveLength(1);
  expect((await client.ask('CountJobs', {})).counts.lts?.waiting).toBe(1);
  expect((await client.ask('ExplainJob', { jobId: 'b' })).code).toBe('not-due');
  expect((await client.ask('SuspendJob', { jobId: 'b' })).job.status.state).toBe('suspended');
  expect((await client.ask('ResumeJob', { jobId: 'b' })).receipt).toBe('done');
  expect((await client.ask('EditJob', { jobId: 'b', edit: { priority: 5 } })).job.body.priority).toBe(5);
  expect((await client.ask('CancelJob', { jobId: 'b' })).receipt).toBe('done');
  await expect(client.ask('SuspendJob', { jobId: 'none' })).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
  await expect(client.ask('ResumeJob', { jobId: 'a' })).rejects.toMatchObject({ code: 'LTS_STATE_CONFLICT' });
  const kinds: string[] = [];
  for await (const event of client.events('a')) {
    kinds.push(event.kind === 'state' ? event.job.status.state : event.kind);
    if (event.kind === 'log') going.resolve();
  }
  expect(kinds).toContain('log');
  expect(kinds.at(-1)).toBe('succeeded');
  expect(await client.result('a')).toEqual({ n: 1 });
  expect((await client.ask('ReadLog', { jobId: 'a', limit: 10 })).lines.map(({ text }) => text)).toEqual(['hello']);
  await close();
  await worker.stop();
  await tracker.stop();
});

it('tells that the application is gone to those who wait, and lets it go', async () => {
  const tracker = await new JobTracker({ dataPath, log }).start();
  const { client, lost, close } = await access('change');
  await client.submit({ jobId: 'a', delay: '1h' });
  const waited = expect(client.result('a', { signal: lost })).rejects.toMatchObject({ code: 'LTS_ABORTED' });
  await tracker.stop();
  await waited;
  expect(lost.aborted).toBe(true);
  await expect(client.ask('GetJob', { jobId: 'a' })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
  await close();
});

it('answers questions from the store, changes nothing, and leaves the path free', async () => {
  await storeJobs();
  const { client, pid, close } = await access('read');
  expect(pid).toBeUndefined();
  expect((await client.ask('GetJob', { jobId: 'ended' })).job?.status.state).toBe('succeeded');
  expect((await client.ask('GetJob', { taskId: 'w', nodeGroup: 'nobody' })).job?.jobId).toBe('waits');
  expect((await client.ask('ListJobs', { limit: 10 })).records.map(({ jobId }) => jobId).sort()).toEqual([
    'ended',
    'waits',
  ]);
  expect((await client.ask('ReadLog', { jobId: 'ended', limit: 10 })).lines).toMatchObject([{ text: 'hello' }]);
  expect((await client.ask('ExplainJob', { jobId: 'waits' })).code).toBe('no-worker');
  await expect(client.ask('CancelJob', { jobId: 'waits' })).rejects.toMatchObject({ code: 'LTS_MESSAGE_INVALID' });
  await expect(client.ask('ExplainJob', { jobId: 'none' })).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
  await close();
  await (await DataPathOwner.take({ path: dataPath, clock, ids })).release();
});

it('lets an application that starts meanwhile wait for the end of the look', async () => {
  await storeJobs();
  const stored = await StoredJobs.open({ dataPath, cluster: 'lts', log });
  const tracker = new JobTracker({ dataPath, log });
  const started = tracker.start();
  await stored.close();
  await started;
  await tracker.stop();
});

it('finds the application when it came between the look for it and the look into the store', async () => {
  await storeJobs();
  const tracker = await new JobTracker({ dataPath, log }).start();
  await expect(StoredJobs.open({ dataPath, cluster: 'lts', log })).rejects.toMatchObject({
    code: 'LTS_DATA_PATH_IN_USE',
  });
  const { pid, close } = await access('read');
  expect(pid).toBe(process.pid);
  await close();
  await tracker.stop();
});

it('says what to do where no application runs and nothing is stored, and makes no folder', async () => {
  const missing = join(dataPath, 'missing');
  const open = (need: AccessPlace['need']) => accessTracker({ dataPath: missing, cluster: 'lts', need });
  await expect(open('read')).rejects.toMatchObject({
    code: 'LTS_NO_TRACKER',
    message: expect.stringContaining('lts start'),
  });
  await expect(open('change')).rejects.toMatchObject({
    code: 'LTS_NO_TRACKER',
    message: expect.stringContaining('lts start'),
  });
  expect(existsSync(missing)).toBe(false);
});
