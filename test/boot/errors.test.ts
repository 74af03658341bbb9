/** Every code that a user can cause here, caused through the facades: the sentence names the thing and the next move. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ErrorCode,
  errorTable,
  type Job,
  JobClient,
  JobTracker,
  LtsError,
  Result,
  TaskTracker,
} from '../../src/index.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const dataPath = mkdtempSync(join(tmpdir(), 'lts-errors-'));
const place = { dataPath, jobQueue: 'memory' as const, log: silent };
const tracker = new JobTracker(place);
const client = new JobClient(place);
const worker = new TaskTracker({
  ...place,
  processors: {
    fails: () => Result.failed('out of stock'),
    hangs: ({ signal }) => new Promise((_, no) => signal.addEventListener('abort', no)),
  },
});

beforeAll(async () => {
  await tracker.start();
  await client.start();
  await worker.start();
});
afterAll(async () => {
  await worker.stop(100);
  await client.stop();
  await tracker.stop();
  rmSync(dataPath, { recursive: true, force: true });
});

const seen = new Set<ErrorCode>();

/** The error of a call, as `CODE: sentence`. */
async function refusal(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (!LtsError.is(error)) throw error;
    seen.add(error.code);
    expect(error.isRetryable).toBe(errorTable[error.code].isRetryable);
    return `${error.code}: ${error.message}`;
  }
  return 'nothing was refused';
}

/** The sentence of a rejected submission. */
const rejection = async (job: Job) => {
  const { code, errorCode, msg } = await client.submitJob(job);
  return `${code} ${errorCode}: ${msg}`;
};

describe('a submission that is rejected says why', () => {
  it.each([
    ['LTS_JOB_INVALID', { priority: 1.5 }, /priority: 1\.5 must be a whole number from -1000000000 to 1000000000/],
    ['LTS_CRON_INVALID', { cron: '0 61 * * * ?' }, /Cron expression '0 61 \* \* \* \?': .*minute.*61/],
    [
      'LTS_DURATION_INVALID',
      { delay: 'soon' },
      /delay: "soon" is not a duration\. Write milliseconds \(200\) or text such as/,
    ],
    ['LTS_PAYLOAD_TOO_LARGE', { params: 'x'.repeat(300_000) }, /params.*262144/],
    ['LTS_PAYLOAD_INVALID', { params: { a: { b: 1n } } }, /params.*a.*b.*bigint/i],
  ] as const)('%s', async (errorCode, job, sentence) => {
    const text = await rejection(job);
    expect(text.startsWith(`rejected ${errorCode}: `)).toBe(true);
    expect(text).toMatch(sentence);
  });
});

it('LTS_JOB_INVALID: an edit', async () => {
  const { jobId } = await client.submitJob({ delay: '1h' });
  expect(await refusal(() => client.editJob(jobId, { priority: 0.5 }))).toMatch(
    /^LTS_JOB_INVALID: priority: 0\.5 must be a whole number/,
  );
  expect(await refusal(() => client.editJob(jobId, { bogus: 1 } as object))).toMatch(/^LTS_JOB_INVALID: .*bogus/);
});

it('LTS_JOB_NOT_FOUND names the job and why it may be gone', async () => {
  const sentence = 'is not known. An ended job is removed after its retention time.';
  for (const call of [client.explain, client.suspendJob, client.resumeJob, client.triggerJob, client.result] as ((
    id: string,
  ) => Promise<unknown>)[]) {
    expect(await refusal(() => call.call(client, 'nope'))).toBe(`LTS_JOB_NOT_FOUND: Job nope ${sentence}`);
  }
  expect(await refusal(() => client.cancelJob('T', 'g'))).toBe(
    `LTS_JOB_NOT_FOUND: An open job with taskId T in group g ${sentence}`,
  );
  expect(await client.getJob('nope')).toBeUndefined();
  expect(await client.getJob('y'.repeat(5_000))).toBeUndefined();
});

it('LTS_JOB_FAILED names job, state, reason and message', async () => {
  const { jobId } = await client.submitJob({ processor: 'fails' });
  expect(await refusal(() => client.result(jobId))).toBe(
    `LTS_JOB_FAILED: Job ${jobId} ended as failed (failed) out of stock`,
  );
});

it('LTS_RUNNER_UNKNOWN stands in the message of the job, with the known ids', async () => {
  const { jobId } = await client.submitJob({ processor: 'typo', maxRetryTimes: 0 });
  const text = await refusal(() => client.result(jobId));
  expect(text).toContain('This node has no runner for processor "typo". Known: fails, hangs.');
});

it('LTS_STATE_CONFLICT names the state and what would be allowed', async () => {
  const { jobId } = await client.submitJob({ delay: '1h' });
  expect(await refusal(() => client.resumeJob(jobId))).toMatch(
    /^(LTS_STATE_CONFLICT: Job .* is waiting; only a suspended one|nothing was refused)/,
  );
  await client.cancelJob(jobId);
  expect(await refusal(() => client.suspendJob(jobId))).toBe(
    `LTS_STATE_CONFLICT: Job ${jobId} is cancelled; only a waiting one can be suspended.`,
  );
});

it('LTS_TIMEOUT and LTS_ABORTED of a wait say that the job goes on', async () => {
  const { jobId } = await client.submitJob({ delay: '1h' });
  expect(await refusal(() => client.result(jobId, { timeout: '20ms' }))).toMatch(
    /^LTS_TIMEOUT: Job .* did not end in time; it goes on\./,
  );
  expect(await refusal(() => client.result(jobId, { signal: AbortSignal.abort() }))).toMatch(
    /^LTS_ABORTED: Waiting for job .* was given up by the caller; the job goes on\./,
  );
});

it('LTS_MESSAGE_INVALID: a cursor of another list', async () => {
  expect(await refusal(() => client.listJobs({ cursor: 'garbage' }))).toMatch(
    /^LTS_MESSAGE_INVALID: list: the cursor garbage .* Begin again/,
  );
  expect(await refusal(() => client.readLog('J', 'garbage'))).toMatch(
    /^LTS_MESSAGE_INVALID: job log: the cursor garbage .* Begin again/,
  );
  expect(await refusal(() => client.listJobs({ states: 'waiting' as never }))).toMatch(/^LTS_MESSAGE_INVALID: states/);
});

it('LTS_NOT_STARTED names the node and the call to make', async () => {
  const idle = new JobClient(place);
  for (const call of [
    () => idle.submitJob({}),
    () => idle.getJob('J'),
    () => idle.result('J'),
    () => idle.countJobs(),
  ]) {
    expect(await refusal(call)).toMatch(
      /^LTS_NOT_STARTED: The JobClient is not running\. Call start\(\) first and await it; in an application it starts after the beans are built/,
    );
  }
});

it('LTS_NO_TRACKER: nobody answers a question', async () => {
  const alone = await new JobClient({ ...place, dataPath: join(dataPath, 'alone'), useRetryClient: false }).start();
  expect(await refusal(() => alone.countJobs())).toMatch(/^LTS_NO_TRACKER: .*has no responders/);
  expect(await alone.submitJob({})).toMatchObject({ code: 'no-tracker', success: false });
  await alone.stop();
});

it('LTS_CONFIG_INVALID: nothing to run, or something that cannot run', () => {
  const text = (options: object) => {
    try {
      new TaskTracker({ ...place, ...options });
    } catch (error) {
      seen.add((error as LtsError).code);
      return `${(error as LtsError).code}: ${(error as LtsError).message}`;
    }
    return 'nothing was refused';
  };
  expect(text({})).toBe(
    'LTS_CONFIG_INVALID: A TaskTracker needs a jobRunner, or processors by name; it was given neither.',
  );
  expect(text({ processors: { mail: 5 } })).toBe(
    'LTS_CONFIG_INVALID: Processor mail is neither a function nor an object with run(context).',
  );
});

it('LTS_STORE_CORRUPT: a damaged file is named, and nothing is changed or left open', async () => {
  const damaged = join(dataPath, 'damaged');
  mkdirSync(join(damaged, 'jobs'), { recursive: true });
  writeFileSync(join(damaged, 'jobs', 'data.mdb'), Buffer.alloc(8_192, 7));
  const node = new JobTracker({ dataPath: damaged, log: silent });
  for (let i = 0; i < 2; i++)
    expect(await refusal(() => node.start())).toMatch(/^LTS_STORE_CORRUPT: .*damaged.*data\.mdb/);
});

it('every code that was met stands in the table with a next move', () => {
  expect(seen.size).toBeGreaterThanOrEqual(10);
  for (const code of seen) expect(errorTable[code].action).toMatch(/\.$/);
});

it('regression: a printed LtsError showed its brand; it is known across copies of the package all the same', () => {
  const error = new LtsError('LTS_BUSY', 'full');
  expect(inspect(error)).not.toContain('Symbol(');
  const ofAnotherCopy = Object.assign(new Error('full'), { code: 'LTS_BUSY', [Symbol.for('lts.LtsError')]: true });
  expect([error, ofAnotherCopy, new Error('full')].map((one) => LtsError.is(one, 'LTS_BUSY'))).toEqual([
    true,
    true,
    false,
  ]);
});
