import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DataPathOwner, ownerOf } from '../../../src/adapters/lmdb/owner.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';

const clock = new SystemClock();
const ids = new SystemIds(clock);
let path: string;
let children: ChildProcess[];

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lts-owner-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await end(child);
  rmSync(path, { recursive: true });
});

const take = (at = path) => DataPathOwner.take({ path: at, clock, ids });

function startChild(manner = 'once'): ChildProcess {
  const child = fork(fileURLToPath(new URL('./owner-child.ts', import.meta.url)), [path, manner], {
    execArgv: ['--import', 'tsx'],
  });
  children.push(child);
  return child;
}

/** The next message: 'ready', then after the start either 'owner' or the error. */
async function message(child: ChildProcess): Promise<{ text: string; code?: string }> {
  return (await once(child, 'message'))[0] as { text: string; code?: string };
}

async function startOwner(): Promise<ChildProcess> {
  const child = startChild();
  await message(child);
  child.send(Date.now());
  expect((await message(child)).text).toBe('owner');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

it('refuses a second owner in the same process until the first released', async () => {
  const owner = await take();
  await expect(take()).rejects.toMatchObject({ code: 'LTS_DATA_PATH_IN_USE' });
  await owner.release();
  await (await take()).release();
});

it('leaves no socket behind after release', async () => {
  await (await take()).release();
  expect(readdirSync(path).filter((name) => name.endsWith('.sock'))).toEqual([]);
});

it('names the pid of the living owner and the way to use several processes', async () => {
  const child = await startOwner();
  await expect(take()).rejects.toMatchObject({
    code: 'LTS_DATA_PATH_IN_USE',
    message: expect.stringContaining(`process ${child.pid}`),
  });
  await expect(take()).rejects.toThrow('nats://');
  expect((await ownerOf(path, clock))?.pid).toBe(child.pid);
});

it('takes over at once from an owner that was killed, and removes its socket', async () => {
  await end(await startOwner());
  expect(await ownerOf(path, clock)).toBeUndefined();
  const owner = await take();
  expect(readdirSync(path).filter((name) => name.endsWith('.sock'))).toHaveLength(1);
  await owner.release();
});

it('counts a frozen owner as alive', async () => {
  const child = await startOwner();
  child.kill('SIGSTOP');
  await expect(take()).rejects.toMatchObject({ code: 'LTS_DATA_PATH_IN_USE' });
});

it('does not take another living process with the pid of the dead owner for the owner', async () => {
  // The record of a killed owner, in a copy of its folder: the pid in it is made alive by being our own.
  const owner = await take();
  const copy = join(path, 'copy');
  cpSync(join(path, 'owner'), join(copy, 'owner'), { recursive: true });
  const next = await take(copy);
  await next.release();
  await owner.release();
});

/** What several processes got that wanted the path in the same instant. */
async function race(rivals: ChildProcess[]): Promise<string[]> {
  const answers = Promise.all(rivals.map(message));
  const startAt = Date.now() + 20;
  for (const rival of rivals) rival.send(startAt);
  return (await answers).map(({ text, code }) => code ?? text).sort();
}

async function readyRivals(count: number, manner?: string): Promise<ChildProcess[]> {
  const rivals = Array.from({ length: count }, () => startChild(manner));
  await Promise.all(rivals.map(message));
  return rivals;
}

it('lets exactly one of several rival processes have the path of a dead owner', async () => {
  for (let round = 0; round < 4; round++) {
    await end(await startOwner());
    const rivals = await readyRivals(3);
    expect(await race(rivals)).toEqual(['LTS_DATA_PATH_IN_USE', 'LTS_DATA_PATH_IN_USE', 'owner']);
    for (const rival of rivals) await end(rival);
  }
}, 30_000);

it('lets exactly one of several rival processes have a new path', async () => {
  expect(await race(await readyRivals(3))).toEqual(['LTS_DATA_PATH_IN_USE', 'LTS_DATA_PATH_IN_USE', 'owner']);
});

it('lets exactly one of several rivals have the path when all have found its owner dead', async () => {
  await end(await startOwner());
  // In one process all probes are under way before the first write, so this race never misses.
  const answers = await Promise.allSettled([take(), take(), take()]);
  const won = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  expect(won).toHaveLength(1);
  await expect(take()).rejects.toMatchObject({ code: 'LTS_DATA_PATH_IN_USE' });
  await won[0]?.release();
});

it('lets exactly one of several rivals in one process have a path', async () => {
  const answers = await Promise.allSettled([take(), take(), take()]);
  const won = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  expect(won).toHaveLength(1);
  await won[0]?.release();
});

it('waits for an owner that will be gone in a moment, and not for ever', async () => {
  const brief = await DataPathOwner.take({ path, clock, ids, isBrief: true });
  /** Takes the path; its pauses, which alone have no signal, are spent by `pause`. */
  const takePausing = (pause: () => Promise<void>) => {
    const sleep = (ms: number, signal?: AbortSignal) => (signal ? clock.sleep(ms, signal) : pause());
    const own = {
      wallMs: () => clock.wallMs(),
      monoMs: () => clock.monoMs(),
      endOfTurn: () => clock.endOfTurn(),
      sleep,
    };
    return DataPathOwner.take({ path, clock: own, ids });
  };
  let pauses = 0;
  await expect(takePausing(async () => void pauses++)).rejects.toMatchObject({ code: 'LTS_DATA_PATH_IN_USE' });
  expect(pauses).toBe(20);
  const owner = await takePausing(() => brief.release());
  await owner.release();
});

it.runIf(process.platform !== 'win32')('lets nobody else connect to its socket, whatever the umask', async () => {
  const before = process.umask(0);
  const owner = await take();
  process.umask(before);
  const socket = readdirSync(path).find((name) => name.endsWith('.sock')) as string;
  expect(statSync(join(path, socket)).mode & 0o777).toBe(0o600);
  await owner.release();
});

it('works where the path is too long for a socket of its own', async () => {
  const long = join(path, 'x'.repeat(60), 'y'.repeat(60));
  const owner = await take(long);
  await expect(take(long)).rejects.toMatchObject({ code: 'LTS_DATA_PATH_IN_USE' });
  await owner.release();
});

it('is not held up by an owner folder that lost its file with the power', async () => {
  mkdirSync(join(path, 'owner'));
  await (await take()).release();
});

it('refuses an owner folder into which a backup was copied, and says that it holds no jobs', async () => {
  await (await take()).release();
  writeFileSync(join(path, 'owner', '4711.1767225600000.owner.lts-0.sock'), '');
  await expect(take()).rejects.toMatchObject({
    code: 'LTS_STORE_CORRUPT',
    message: expect.stringContaining('holds no jobs'),
  });
  await expect(ownerOf(path, clock)).rejects.toMatchObject({ code: 'LTS_STORE_CORRUPT' });
});

it('says which folder cannot be made', async () => {
  writeFileSync(join(path, 'a-file'), '');
  await expect(take(join(path, 'a-file', 'below-a-file'))).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
});

it('has one owner at a time among processes that take and free a path without a pause', async () => {
  const rivals = await readyRivals(4, 'again and again');
  const counted = Promise.all(rivals.map(message));
  const startAt = Date.now() + 20;
  for (const rival of rivals) rival.send(startAt);
  const held = (await counted).map(({ text }) => JSON.parse(text));
  expect(held.flatMap(({ others }) => others)).toEqual([]);
  expect(held.reduce((sum, { times }) => sum + times, 0)).toBeGreaterThan(50);
  expect(readdirSync(join(path, 'owner'))).toEqual(['free']);
}, 30_000);
