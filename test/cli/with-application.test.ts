/** The command beside a running application: what it answers, as text and as JSON, and its exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobTracker, TaskTracker } from '../../src/index.js';
import { Deferred } from '../../src/kit/deferred.js';
import { lts } from './in-process.js';

const none = () => {};
const log = { debug: none, info: none, warn: none, error: none };
let folder: string;
let tracker: JobTracker;
let worker: TaskTracker;
const begun = new Deferred<void>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lts-command-'));
  const dataPath = join(folder, 'data');
  const bad = () => {
    throw new Error('no luck');
  };
  const held = ({ bizLogger, signal }: { bizLogger: { info(text: string): void }; signal: AbortSignal }) => {
    bizLogger.info('begun');
    begun.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
  };
  tracker = await new JobTracker({ dataPath, log }).start();
  worker = await new TaskTracker({ dataPath, log, processors: { echo: ({ job }) => job.params, bad, held } }).start();
});
afterAll(async () => {
  await worker.stop(0);
  await tracker.stop();
  rmSync(folder, { recursive: true });
});

const run = (args: string) => lts(`--data-path ${join(folder, 'data')} ${args}`);

/** Exactly one JSON document. */
async function json<T>(args: string): Promise<T> {
  const { stdout, stderr } = await run(`${args} --json`);
  expect(stdout.trimEnd().split('\n'), stderr).toHaveLength(1);
  return JSON.parse(stdout) as T;
}

const submitted = async (args: string): Promise<string> => (await run(`submit ${args} -q`)).stdout.trim();

it('submits, waits and answers the result alone; the story goes to standard error', async () => {
  const { code, stdout, stderr } = await run(`submit echo --params '{"shop":"1"}' --wait`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"shop":"1"}\n' });
  expect(stderr).toMatch(/accepted \w+/);
  expect(stderr).toMatch(/succeeded/);
});

it('takes params from a file, and refuses what is not JSON', async () => {
  writeFileSync(join(folder, 'params.json'), '{"from":"file"}');
  expect((await run(`submit echo --params @${join(folder, 'params.json')} --wait`)).stdout).toBe('{"from":"file"}\n');
  expect(await run(`submit echo --params @${join(folder, 'none.json')}`)).toMatchObject({ code: 2 });
  expect(await run('submit echo --params {shop:1}')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/--params is not JSON.*LTS_PARAMS_INVALID/),
  });
});

it('ends with 1 when the job that it waited for failed', async () => {
  const { code, stdout, stderr } = await run('submit bad --max-retry-times 0 --wait');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/ended as failed \(exhausted\) Error: no luck\n$/);
  expect(await json('submit bad --max-retry-times 0 --wait')).toMatchObject({ state: 'failed', reason: 'exhausted' });
});

it('ends with 5 when the job did not end in time; the job goes on', async () => {
  const { code, stderr } = await run('submit echo --delay 1h --job-id late --wait --within 50ms');
  expect(code).toBe(5);
  expect(stderr).toMatch(/late did not end in time; it goes on/);
  expect(await json('job late')).toMatchObject({ state: 'waiting' });
});

it('refuses a job that is not right with its rule, and ends with 2', async () => {
  expect(await run('submit echo --cron soon')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/LTS_CRON_INVALID/),
  });
  expect(await run('submit echo --misfire maybe')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/fire-once/),
  });
  expect(await run('submit echo --count 3')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--repeat/),
  });
});

it('answers a duplicate with the job that stands', async () => {
  const first = await json<{ jobId: string }>('submit echo --task-id twice --delay 1h');
  expect(await json('submit echo --task-id twice')).toEqual({
    ...first,
    code: 'duplicate',
    msg: expect.stringContaining('twice'),
  });
  expect(await json('submit echo --task-id twice --replace --delay 2h')).toMatchObject({ ...first, code: 'replaced' });
});

it('lists jobs in columns and as JSON, page by page', async () => {
  for (const id of ['list-1', 'list-2', 'list-3'])
    await run(`submit echo --delay 1h --node-group lists --job-id ${id}`);
  const { stdout, stderr } = await run('jobs --node-group lists --limit 2');
  const [head, ...rows] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^JOB +TASK +GROUP +PROCESSOR +STATE +WHEN +RUNS$/);
  expect(rows).toHaveLength(2);
  for (const row of rows)
    expect(row).toMatch(/^list-\d +- +lists +echo +waiting +due \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d +0$/);
  for (const row of rows) expect(row.indexOf('waiting')).toBe(head?.indexOf('STATE'));
  expect(stdout).not.toContain('\u001b');
  expect(stderr).toMatch(/There are more: --cursor '.+'/);
  const page = await json<{ jobs: { jobId: string }[]; cursor: string }>('jobs --node-group lists --limit 2');
  const rest = await json<{ jobs: { jobId: string }[]; cursor?: string }>(
    `jobs --node-group lists --cursor '${page.cursor}'`,
  );
  expect([...page.jobs, ...rest.jobs].map(({ jobId }) => jobId)).toEqual(['list-1', 'list-2', 'list-3']);
  expect(await json('jobs --node-group lists --state succeeded,failed')).toEqual({ jobs: [] });
  expect(await json<{ counts: object }>('jobs --count')).toMatchObject({ counts: { lists: { waiting: 3 } } });
});

it('shows a job by its id and by its task id, and ends with 4 when there is none', async () => {
  const jobId = await submitted('echo --task-id shown --delay 1h --params {"a":1}');
  expect((await run(`job ${jobId}`)).stdout).toMatch(/^Job +\w+\nTask +shown\nGroup +lts\n/);
  expect(await json('job shown --node-group lts')).toMatchObject({ jobId, taskId: 'shown', params: { a: 1 } });
  const unknown = await run('job nowhere --json');
  expect(unknown).toMatchObject({ code: 4, stderr: expect.stringMatching(/nowhere.*--node-group.*LTS_JOB_NOT_FOUND/) });
  expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'LTS_JOB_NOT_FOUND' } });
  expect(await run('logs nowhere')).toMatchObject({ code: 4 });
});

it('suspends, resumes, runs and cancels; a state that does not allow it is 5', async () => {
  const id = await submitted('echo --delay 1h --params {"a":1}');
  expect(await json(`suspend ${id}`)).toMatchObject({ receipt: 'done', job: { state: 'suspended' } });
  expect(await run(`run ${id}`)).toMatchObject({ code: 5, stderr: expect.stringMatching(/suspended/) });
  expect((await run(`explain ${id}`)).stdout).toMatch(/It was suspended; resume it to go on/);
  expect((await run(`resume ${id}`)).stdout).toBe(`${id} goes on\n`);
  expect((await run(`run ${id}`)).stdout).toBe(`${id} is to run now\n`);
  expect(await json(`submit echo --job-id ${id} --wait`)).toMatchObject({ code: 'accepted', result: { a: 1 } });
  expect(await run(`cancel ${id}`)).toMatchObject({ code: 5, stdout: `${id} had ended already: succeeded\n` });
  const other = await submitted('echo --delay 1h');
  expect(await run(`cancel ${other}`)).toMatchObject({ code: 0, stdout: `${other} is cancelled\n` });
});

it('asks a running job to stop, and says so', async () => {
  const id = await submitted('held');
  await begun.promise;
  expect(await run(`logs ${id} --follow --within 50ms`)).toMatchObject({ code: 5 });
  expect(await json(`explain ${id}`)).toMatchObject({ code: 'running' });
  expect(await run(`cancel ${id}`)).toMatchObject({
    code: 0,
    stdout: `${id} was asked to stop; it ends when its run does\n`,
  });
  const { code, stdout } = await run(`logs ${id} --follow --json`);
  expect(code).toBe(0);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(events).toContainEqual(expect.objectContaining({ kind: 'log', text: 'begun' }));
  expect(events.at(-1)).toMatchObject({ kind: 'state', jobId: id });
});

it('shows a log by pages', async () => {
  const id = await submitted('bad --max-retry-times 2 --retry-interval 0ms');
  await run(`submit bad --job-id ${id} --wait`);
  const all = await json<{ lines: { text: string; level: string }[]; cursor: string }>(`logs ${id}`);
  expect(all.lines.length).toBeGreaterThan(1);
  const first = await json<typeof all>(`logs ${id} --limit 1`);
  const rest = await json<typeof all>(`logs ${id} --cursor '${first.cursor}'`);
  expect([...first.lines, ...rest.lines]).toEqual(all.lines);
  expect((await run(`logs ${id}`)).stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \w+ +\[/);
});

it('says that no JobTracker of that cluster runs there, and ends with 3', async () => {
  const { code, stderr } = await run('jobs --cluster-name other');
  expect(code).toBe(3);
  expect(stderr).toMatch(new RegExp(`Process ${process.pid} owns .+ no JobTracker of cluster other.+--cluster-name`));
  expect(await run('submit echo --cluster-name other')).toMatchObject({ code: 3 });
});

it('finds the application by its properties, and tells of faults in them without stopping', async () => {
  const [some, more] = [join(folder, 'some.properties'), join(folder, 'more.properties')];
  writeFileSync(some, 'lts.data-path=elsewhere\nlts.work-treads=1\n');
  writeFileSync(more, 'lts.data-path=data\n');
  expect(await lts(`jobs --config ${some} --config ${more}`)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/some.properties:2: .*work-treads/),
  });
  expect(await lts(`jobs --config ${join(folder, 'none.properties')}`)).toMatchObject({ code: 2 });
});

it('regression: a log without lines was answered with nothing at all', async () => {
  const id = await submitted('echo --delay 1h');
  expect(await run(`logs ${id}`)).toEqual({ code: 0, stdout: '', stderr: 'No lines.\n' });
});

it('regression: the same unknown job was answered with two different hints', async () => {
  const [job, logs] = [await run('job nowhere'), await run('logs nowhere')];
  expect(logs.stderr).toBe(job.stderr);
  expect((await run('logs nowhere --node-group lts')).stderr).toMatch(/By task id only open jobs are found/);
});

it('the help of --timeout points to the option that people look for there', async () => {
  expect((await run('submit --help')).stdout.replace(/\s+/g, ' ')).toMatch(/--timeout <duration> .*see --within/);
});
