/** The command as a process: signals, pipes, applications of its own, and one that is killed. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Commands, end, written } from './command.js';

let commands: Commands;

beforeAll(async () => {
  commands = await Commands.prepare();
}, 60_000);
afterAll(() => commands.clear());

it('follows a log line by line until the job has ended, beside an application in another process', async () => {
  const application = await commands.application();
  const id = (await commands.run('submit step -q')).stdout.trim();
  const following = commands.start(['logs', id, '--follow', '--json']);
  const answer = end(following);
  for (const line of ['line 1', 'line 2', 'line 3']) {
    await written(following, line);
    application.send('step');
  }
  const { code, stdout } = await answer;
  expect(code).toBe(0);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.flatMap(({ kind, text }) => (kind === 'log' ? [text] : []))).toEqual(['line 1', 'line 2', 'line 3']);
  expect(events.some(({ kind, percent }) => kind === 'progress' && percent === 50)).toBe(true);
  expect(events.at(-1)).toMatchObject({ kind: 'state', state: 'succeeded', result: 'stepped' });
  await commands.end(application);
});

it('ends with 130 at Ctrl-C while it follows or waits, and the job goes on', async () => {
  const application = await commands.application();
  const waiting = commands.start(['submit', 'step', '--job-id', 'held', '--wait']);
  const waited = end(waiting);
  await written(waiting, 'executing', 'stderr');
  waiting.kill('SIGINT');
  expect(await waited).toMatchObject({
    code: 130,
    stdout: '',
    stderr: expect.stringMatching(/Interrupted; job held goes on/),
  });
  const following = commands.start(['logs', 'held', '-f']);
  const followed = end(following);
  await written(following, 'line 1');
  following.kill('SIGINT');
  expect(await followed).toMatchObject({ code: 130 });
  expect(JSON.parse((await commands.run('explain held --json')).stdout)).toMatchObject({ code: 'running' });
  await commands.end(application);
});

it('tells that the application was killed while it was followed, and reads what it left behind', async () => {
  const application = await commands.application('killed');
  const id = (await commands.run('submit step -q --data-path killed')).stdout.trim();
  const following = commands.start(['logs', id, '-f', '--data-path', 'killed']);
  const answer = end(following);
  await written(following, 'line 1');
  const ended = once(application, 'exit');
  application.kill('SIGKILL');
  await ended;
  expect(await answer).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/ended; job \w+ goes on when it is started/),
  });
  const answers = await Promise.all([1, 2, 3].map(() => commands.run(`job ${id} --data-path killed --json`)));
  for (const { code, stdout } of answers)
    expect({ code, job: JSON.parse(stdout) }).toMatchObject({ code: 0, job: { state: 'executing', attempt: 1 } });
  expect(await commands.run(`logs ${id} --data-path killed`)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/line 1/),
  });
});

it('takes params from standard input, and ends quietly when nobody reads its answer', async () => {
  const application = await commands.application();
  const { stdout } = await commands.run('submit echo --params - --wait --json', { input: '[1,2]' });
  expect(JSON.parse(stdout)).toMatchObject({ state: 'succeeded', result: [1, 2] });
  const unread = commands.start(['jobs', '--json']);
  unread.stdout?.destroy();
  expect(await end(unread)).toMatchObject({ code: 0, stderr: '' });
  await commands.end(application);
});

it('starts an application with the processors of a scan, and ends with 0 at Ctrl-C', async () => {
  const door = pathToFileURL(join(commands.compiled, 'src/index.js')).href;
  const code = `import { defineProcessor } from '${door}';\nexport const hello = defineProcessor('hello', {}, () => 'world');\n`;
  const place = join(commands.folder, 'started');
  mkdirSync(place);
  writeFileSync(join(place, 'processors.mjs'), code);
  writeFileSync(join(place, 'lts.properties'), 'lts.log.pretty=false\n');
  const config = ['--config', 'started/lts.properties'];
  const running = commands.start(['start', '--scan', 'started/processors.mjs', ...config]);
  const answer = end(running);
  await written(running, 'the application runs');
  expect((await commands.run(`submit hello --wait ${config.join(' ')}`)).stdout).toBe('world\n');
  const second = await commands.run(`start ${config.join(' ')} --scan started/processors.mjs`);
  expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/process \d+.*LTS_DATA_PATH_IN_USE/s) });
  running.kill('SIGINT');
  expect(await answer).toMatchObject({ code: 0, stderr: '' });
});

it.each([
  ['that is away', (socket: Socket) => socket.destroy()],
  ['that is frozen: it takes the connection and says nothing', () => {}],
])('ends a start that waits for a NATS %s at SIGTERM, long before it gives up by itself', async (_which, take) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    take(socket);
  }).listen(0, '127.0.0.1');
  const { port } = (await once(server, 'listening').then(() => server.address())) as AddressInfo;
  const dialled = once(server, 'connection');
  const starting = commands.start(['jobtracker'], { LTS_REGISTRY_ADDRESS: `nats://127.0.0.1:${port}` });
  const answer = end(starting);
  await dialled;
  const beganAt = performance.now();
  starting.kill('SIGTERM');
  const { code, stdout, stderr } = await answer;
  // By itself after 10 s; some ms on a quiet machine.
  expect(performance.now() - beganAt).toBeLessThan(6_000);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // Two writers of one log: their lines may come in either order.
  expect(stdout).toContain('"stopping: ');
  expect(stdout).toContain('"the application stopped"');
  for (const socket of sockets) socket.destroy();
  server.close();
});
