/** LtsJobClient.getInstance(): before, while and after an application runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { EnableJobClient, EnableJobTracker, LtsApplication, LtsError, LtsJobClient } from '../../../src/index.js';

@EnableJobTracker()
@EnableJobClient()
class Application {}
@EnableJobTracker()
class WithoutClient {}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function run(application: new () => object = Application) {
  const dataPath = mkdtempSync(join(tmpdir(), 'lts-instance-'));
  cleanups.push(() => rmSync(dataPath, { recursive: true, force: true }));
  const settings = { 'lts.data-path': dataPath, 'lts.jobtracker.configs.job.queue': 'memory' };
  const app = await LtsApplication.run(application, {
    logger: pino({ level: 'silent' }),
    handleSignals: false,
    settings,
  });
  cleanups.push(() => app.stop());
  return app;
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (LtsError.is(error)) return error.code;
  }
  return undefined;
}

it('before an application with a client has started it throws, naming both ways out', async () => {
  expect(codeOf(() => LtsJobClient.getInstance())).toBe('LTS_NOT_STARTED');
  expect(() => LtsJobClient.getInstance()).toThrow(
    /Await LtsApplication\.run first, or use new LtsJobClient\(jobClient\)/,
  );
  await run(WithoutClient);
  expect(codeOf(() => LtsJobClient.getInstance())).toBe('LTS_NOT_STARTED');
});

it('while it runs it submits through its client; a chain that outlives it says so', async () => {
  const app = await run();
  const chain = LtsJobClient.getInstance().delay('1h');
  const [response] = await chain.submit();
  expect(response?.code).toBe('accepted');
  expect(await app.jobClient.getJob(response?.jobId ?? '')).toBeDefined();
  await app.stop();
  expect(codeOf(() => LtsJobClient.getInstance())).toBe('LTS_NOT_STARTED');
  await expect(chain.submit()).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await expect(chain.priority(undefined as never).submit()).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await expect(chain.submitAndWait()).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
});

it('a stop during a wait ends it', async () => {
  await run();
  const chain = LtsJobClient.getInstance().taskId('T').delay('1h');
  await chain.submit();
  const waiting = expect(chain.submitAndWait()).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await chain.submit();
  await cleanups.pop()?.();
  await waiting;
});

it('of several applications the newest that runs counts', async () => {
  const [oldest, older, newest] = [await run(), await run(), await run()];
  const isSubmittedTo = async (app: LtsApplication) => {
    const [response] = await LtsJobClient.getInstance().delay('1h').submit();
    return (await app.jobClient.getJob(response?.jobId ?? '')) !== undefined;
  };
  await older.stop();
  expect(await isSubmittedTo(newest)).toBe(true);
  await newest.stop();
  expect(await isSubmittedTo(oldest)).toBe(true);
});
