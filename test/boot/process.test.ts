/** Real processes on a real data path, killed without warning: who is blamed, and that nothing accepted is lost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobTracker, LtsError } from '../../src/index.js';
import type { JobStatus } from '../../src/job/job.js';
import { transpile } from '../helpers/transpile.js';

const child = 'test/boot/process-child.ts';
let compiled: string;
const folders: string[] = [];
const living = new Set<ChildProcess>();

beforeAll(async () => {
  compiled = await transpile([child, 'src']);
});
afterAll(async () => {
  for (const node of living) node.kill('SIGKILL');
  for (const folder of [compiled, ...folders]) await rm(folder, { recursive: true, force: true });
});

async function dataPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lts-process-'));
  folders.push(folder);
  return folder;
}

interface Life {
  readonly lines: readonly string[];
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
}

/** Runs one process until it ends; it is killed as soon as `isEnough` says so of its lines. */
async function live(
  args: readonly string[],
  isEnough: (lines: readonly string[]) => boolean = () => false,
): Promise<Life> {
  const node = spawn(process.execPath, [join(compiled, child.replace('.ts', '.js')), ...args]);
  living.add(node);
  const lines: string[] = [];
  let rest = '';
  let errors = '';
  node.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  node.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    if (isEnough(lines)) node.kill('SIGKILL');
  });
  const [code, signal] = (await once(node, 'close')) as [number | null, NodeJS.Signals | null];
  living.delete(node);
  if (signal === null && code !== 0)
    throw new Error(`the process ended with ${code}: ${errors}\n${lines.slice(-5).join('\n')}`);
  return { lines, signal, code };
}

const wordsOf = (lines: readonly string[], kind: string) =>
  lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));

const endOf = ({ lines }: Life) => JSON.parse(wordsOf(lines, 'end')[0] ?? '{}') as Record<string, JobStatus>;

it('a job that kills its process three times is convicted; the 63 that ran beside it twice all succeed', async () => {
  const path = await dataPath();
  const lives: Life[] = [];
  do lives.push(await live([path, 'poison']));
  while (lives.at(-1)?.signal === 'SIGKILL' && lives.length < 6);
  expect(lives.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', null]);
  const { poison, ...innocent } = endOf(lives.at(-1) as Life);
  expect(poison).toMatchObject({ state: 'failed', reason: 'lost', losses: 3, attempt: 3 });
  expect(Object.values(innocent).map(({ state }) => state)).toEqual(Array(63).fill('succeeded'));
  expect(new Set(Object.values(innocent).map(({ losses }) => losses))).toEqual(new Set([2]));
});

it('kill -9 while jobs are submitted and run: every accepted job ends, in one state', async () => {
  const path = await dataPath();
  const lives: Life[] = [];
  for (const [life, started] of [
    ['0', 30],
    ['1', 60],
    ['2', 10],
  ] as const) {
    // On a slow machine jobs may have run before their submitter has said that they were accepted.
    const isTime = (lines: readonly string[]) =>
      wordsOf(lines, 'started').length >= started && wordsOf(lines, 'accepted').length >= 10;
    lives.push(await live([path, 'kill', life], isTime));
  }
  lives.push(await live([path, 'kill', 'last']));
  expect(lives.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', null]);
  const end = endOf(lives.at(-1) as Life);
  const lines = lives.flatMap((life) => life.lines);
  const accepted = wordsOf(lines, 'accepted');
  expect(accepted.length).toBeGreaterThan(20);
  expect(accepted.filter((jobId) => end[jobId]?.state !== 'succeeded')).toEqual([]);
  const told = new Map<string, Set<string>>();
  for (const line of wordsOf(lines, 'told')) {
    const [jobId = '', state = ''] = line.split(' ');
    told.set(jobId, (told.get(jobId) ?? new Set()).add(state));
  }
  // A result whose acknowledgement was lost comes again after 30 s, which nobody waits for here; never another state.
  expect(told.size).toBeGreaterThan(20);
  for (const states of told.values()) expect([...states]).toEqual(['succeeded']);
  expect(wordsOf(lines, 'error')).toEqual([]);
});

it('a second process on the same data path is refused, with the pid of the owner and what to do', async () => {
  const path = await dataPath();
  let refusal: unknown;
  let isAsked = false;
  const holder = live([path, 'hold'], (lines) => {
    if (lines.includes('ready') && !isAsked) {
      isAsked = true;
      void new JobTracker({ dataPath: path }).start().catch((error: unknown) => {
        refusal = error;
        for (const node of living) node.kill('SIGKILL');
      });
    }
    return false;
  });
  const [pid] = [...living].map((node) => node.pid);
  await holder;
  expect(LtsError.is(refusal, 'LTS_DATA_PATH_IN_USE')).toBe(true);
  expect((refusal as Error).message).toContain(String(pid));
  expect((refusal as Error).message).toMatch(/nats:\/\/|cluster address/);
});
