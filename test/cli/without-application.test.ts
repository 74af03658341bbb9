/** The command while no application runs: what it can answer from the store, what it cannot do, and what needs neither. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobClient, JobTracker, TaskTracker } from '../../src/index.js';
import { lts } from './in-process.js';

const none = () => {};
const log = { debug: none, info: none, warn: none, error: none };
let folder: string;
let dataPath: string;

/** A job that ended and one that waits, in a store that nobody has open. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lts-command-'));
  dataPath = join(folder, 'data');
  const tracker = await new JobTracker({ dataPath, log }).start();
  const worker = await new TaskTracker({
    dataPath,
    log,
    jobRunner: ({ bizLogger }) => bizLogger.info('hello'),
  }).start();
  const client = await new JobClient({ dataPath, log }).start();
  await client.submitJob([{ jobId: 'ended' }, { jobId: 'waits', delay: '1h' }]);
  for await (const _event of client.events('ended'));
  await client.stop();
  await worker.stop();
  await tracker.stop();
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: string) => lts(`--data-path ${dataPath} ${args}`);

it('reads jobs, logs and reasons from the store, says so, and changes nothing', async () => {
  const before = (await run('job waits --json')).stdout;
  expect(JSON.parse(before)).toMatchObject({ jobId: 'waits', state: 'waiting', attempt: 0 });
  expect(await run('jobs')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/waits[\s\S]*ended/),
    stderr: expect.stringMatching(/No application is running on .+; this is what its store holds/),
  });
  expect(await run('logs ended -q')).toMatchObject({ code: 0, stdout: expect.stringMatching(/ hello\n$/), stderr: '' });
  expect(JSON.parse((await run('explain ended --json')).stdout)).toMatchObject({ code: 'ended' });
  expect((await run('job waits --json')).stdout).toBe(before);
});

it('shows what there is; where nothing more can come of a job that has not ended, it ends with 3', async () => {
  expect(await run('logs ended --follow')).toMatchObject({ code: 0, stdout: expect.stringMatching(/hello/) });
  expect(await run('logs waits --follow')).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/has not ended.*lts start/),
  });
});

it.each(['submit echo', 'cancel x', 'run x', 'suspend x', 'resume x'])(
  '%s needs a running application',
  async (args) => {
    expect(await run(args)).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/No application is running on .+data, so nothing can be changed.+lts start/),
    });
  },
);

it('makes nothing where no data path is', async () => {
  expect(await lts(`jobs --data-path ${join(folder, 'nowhere')}`)).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/nowhere/),
  });
  expect(existsSync(join(folder, 'nowhere'))).toBe(false);
});

it('previews a cron expression in a zone', async () => {
  const { stdout } = await lts(`cron '0 0 9 * * ?' --zone Europe/Berlin --count 2 --from 2026-03-28T12:00:00Z`);
  expect(stdout).toBe('2026-03-29 09:00:00+02:00  in 19h\n2026-03-30 09:00:00+02:00  in 1d 19h\n');
  const { stdout: text } = await lts(`cron '0 0 0 30 2 ?' --zone UTC --json`);
  expect(JSON.parse(text)).toEqual({ expression: '0 0 0 30 2 ?', timeZone: 'UTC', fires: [] });
  expect(await lts(`cron '0 0 0 30 2 ?'`)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/never fires/),
  });
  expect(await lts(`cron 'x 0 9 * * ?'`)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/LTS_CRON_INVALID/),
  });
});

it('suggests the command or option that was meant, and ends with 2', async () => {
  expect(await lts('joobs')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/Did you mean jobs/),
  });
  expect(await lts('jobs --stat x')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Did you mean --state/),
  });
  expect(await lts('jobs --state done')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/waiting, executing/),
  });
  expect(await lts('job')).toMatchObject({ code: 2, stderr: expect.stringMatching(/id/) });
});

it('documents its commands and exit codes', async () => {
  const { code, stdout } = await lts('--help');
  expect(code).toBe(0);
  const names =
    'start jobtracker tasktracker submit jobs job logs cancel run suspend resume explain config doctor cron';
  for (const name of names.split(' ')) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  expect(stdout).toMatch(/Exit codes:\n +0 +done[\s\S]+130 +interrupted/);
});

it('examines the store, and finds it sound or not there', async () => {
  expect(await lts(`doctor ${dataPath}`)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/The store is sound/),
  });
  expect(JSON.parse((await lts(`doctor ${dataPath} --json`)).stdout)).toMatchObject({ isSound: true });
  expect(await lts(`doctor ${join(folder, 'nowhere')}`)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/LTS_STORE_FAILED/),
  });
});

it('shows the settings with their origins; what the command line says wins', async () => {
  const file = join(folder, 'lts.properties');
  writeFileSync(file, 'lts.cluster-name=demo\nlts.data-path=data\n');
  const { code, stdout } = await lts(`config --config ${file} --data-path other --json`);
  expect(code).toBe(0);
  const { settings } = JSON.parse(stdout) as { settings: { key: string; value: string; origin: string }[] };
  const of = (key: string) => settings.find((setting) => setting.key === key);
  expect(of('lts.cluster-name')).toMatchObject({ value: 'demo', origin: expect.stringMatching(/lts.properties:1$/) });
  expect(of('lts.data-path')?.value).toMatch(/other$/);
  writeFileSync(file, 'lts.clustr-name=demo\n');
  const wrong = await lts(`config --config ${file}`);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/lts.properties:1.*cluster-name/s) });
});
