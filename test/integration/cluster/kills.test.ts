/** Nodes of a cluster as processes of their own, killed without warning. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobClient, type JobRecord } from '../../../src/index.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';
import type { ChildPlan } from './node-child.js';
import { type NodeProcess, Processes } from './processes.js';

const missing = natsMissing();
const log = { debug() {}, info() {}, warn() {}, error() {} };
let server: NatsServer;
let processes: Processes;
let clusters = 0;

/** A cluster of its own; `dataPath` of a node is its own unless all share one. */
function aCluster({ isShared = false } = {}) {
  const clusterName = `kills-${++clusters}`;
  const shared = isShared ? processes.folder() : undefined;
  const place = (identity?: string) => {
    const node = { clusterName, registryAddress: server.url, dataPath: shared ?? processes.folder() };
    return identity === undefined ? node : { ...node, identity };
  };
  const start = (
    role: ChildPlan['role'],
    more: Omit<Partial<ChildPlan>, 'role' | 'node'> & { identity?: string } = {},
  ) => processes.start({ role, ...more, node: place(more.identity) });
  return { place, start, shared };
}

/** Ended jobs, and those that are not. */
async function allJobs(client: JobClient): Promise<readonly JobRecord[]> {
  const found: JobRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listJobs({ limit: 1_000, cursor });
    found.push(...page.records);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

async function untilEnded(client: JobClient, count: number): Promise<readonly JobRecord[]> {
  for (;;) {
    const jobs = await allJobs(client).catch(() => []);
    if (jobs.length >= count && jobs.every(({ status }) => status.endedAt !== undefined)) return jobs;
    // A real wait: other processes end their jobs in real time.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the client heard of each job: one line each. */
const toldOf = (client: NodeProcess) => client.words('told').map(([jobId = '', state = '']) => `${jobId} ${state}`);

describe.skipIf(missing)(`processes of a cluster${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    processes = await Processes.prepare();
    server = await NatsServer.start();
  });
  afterAll(async () => {
    await processes?.end();
    await server?.stop();
  });

  it.each([{ isShared: false }, { isShared: true }])(
    'five workers killed under load: nothing is lost or told twice, and reruns begin within 4 s (%j)',
    { timeout: 40_000 },
    async ({ isShared }) => {
      const { start, place, shared } = aCluster({ isShared });
      await start('tracker');
      const workers = await Promise.all(Array.from({ length: 7 }, () => start('worker')));
      const client = await start('client', { jobs: 200, everyMs: 25, runMs: 120 });
      if (shared) expect(readdirSync(join(shared, 'failstore')).length).toBe(8);
      const killedAt = new Map<string, number>();
      for (const worker of workers.slice(0, 5)) {
        const startedBefore = worker.words('started').length;
        await worker.until((node) => node.words('started').length > startedBefore);
        const at = Date.now();
        await worker.kill();
        const recent = worker.words('started').filter(([, , began]) => at - Number(began) < 100);
        for (const [jobId = ''] of recent) killedAt.set(jobId, at);
      }
      const own = await new JobClient({ ...place(), log, jobQueue: 'memory' }).start();
      const jobs = await untilEnded(own, 200);
      expect(jobs.filter(({ status }) => status.state !== 'succeeded')).toEqual([]);
      await client.until((node) => node.words('told').length >= 200);
      expect(new Set(toldOf(client)).size).toBe(toldOf(client).length);
      const reruns = workers
        .flatMap((worker) => worker.words('started'))
        .filter(([jobId = '', attempt]) => attempt === '2' && killedAt.has(jobId))
        .map(([jobId = '', , at]) => Number(at) - (killedAt.get(jobId) ?? 0));
      expect(reruns.length).toBeGreaterThan(0);
      reruns.sort((a, b) => a - b);
      console.log(
        `reruns after a kill: ${reruns.length}, median ${reruns[reruns.length >> 1]} ms, worst ${reruns.at(-1)} ms`,
      );
      expect(reruns.at(-1)).toBeLessThan(4_500);
      await own.stop();
      await Promise.all([...workers, client].map((node) => node.stop()));
    },
  );

  it('the JobTracker killed and started anew, twice, under load: every job that was accepted or kept ends, once', {
    timeout: 40_000,
  }, async () => {
    const { start, place } = aCluster();
    const ground = place();
    let tracker = await processes.start({ role: 'tracker', node: ground });
    const workers = await Promise.all([start('worker'), start('worker')]);
    const client = await start('client', { jobs: 300, everyMs: 10, runMs: 40 });
    for (let kill = 1; kill <= 2; kill++) {
      await client.until((node) => node.words('code').length >= 80 * kill);
      await tracker.kill();
      tracker = await processes.start({ role: 'tracker', node: ground });
    }
    const own = await new JobClient({ ...place(), log, jobQueue: 'memory' }).start();
    const jobs = await untilEnded(own, 300);
    expect(jobs.filter(({ status }) => status.state !== 'succeeded')).toEqual([]);
    expect(jobs.filter(({ status }) => status.losses > 0)).toEqual([]);
    const codes = new Set(client.words('code').map(([, code]) => code));
    expect([...codes].filter((code) => code !== 'accepted' && code !== 'stored-locally')).toEqual([]);
    await own.stop();
    await Promise.all([tracker, ...workers, client].map((node) => node.stop()));
  });

  it('a worker that its supervisor starts again after SIGKILL joins at once with its identity; beside a living one it is refused', async () => {
    const { start, place } = aCluster();
    await start('tracker', { identity: 'the-tracker' });
    const worker = await start('worker', { identity: 'fixed' });
    const twin = processes.spawn({ role: 'worker', node: place('fixed') });
    await twin.until(({ isOver }) => isOver);
    expect(twin.lines.at(-1)).toMatch(/^refused LTS_IDENTITY_IN_USE Node fixed cannot join/);
    await worker.kill();
    const began = Date.now();
    await start('worker', { identity: 'fixed' });
    expect(Date.now() - began).toBeLessThan(3_000);
    const second = processes.spawn({ role: 'tracker', node: place() });
    await second.until(({ isOver }) => isOver);
    expect(second.lines.at(-1)).toMatch(/^refused LTS_CONFIG_INVALID .* has its JobTracker: the-tracker, since/);
  });

  it('a frozen worker whose identity was taken meanwhile stops when it thaws, saying why', {
    timeout: 20_000,
  }, async () => {
    const { start } = aCluster();
    await start('tracker');
    const frozen = await start('worker', { identity: 'ice' });
    process.kill(frozen.pid, 'SIGSTOP');
    const next = await start('worker', { identity: 'ice' });
    process.kill(frozen.pid, 'SIGCONT');
    await frozen.until(({ lines }) => lines.some((line) => /^error this node stops: another node took/.test(line)));
    await Promise.all([frozen, next].map((node) => node.stop()));
  });

  it('what killed clients had kept is sent by the next process on their data path', { timeout: 20_000 }, async () => {
    const { start, place } = aCluster({ isShared: true });
    const kept = await Promise.all(['a', 'b', 'c'].map((prefix) => start('client', { jobs: 5, prefix })));
    for (const client of kept) {
      await client.until((node) => node.words('code').length >= 5);
      expect(client.words('code').every(([, code]) => code === 'stored-locally')).toBe(true);
    }
    await Promise.all(kept.map((client) => client.kill()));
    await start('tracker');
    await start('worker');
    const own = await new JobClient({ ...place(), log }).start();
    const jobs = await untilEnded(own, 15);
    expect(jobs.map(({ status }) => status.state)).toEqual(Array(15).fill('succeeded'));
    await own.stop();
  });
});
