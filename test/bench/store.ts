/**
 * What the LMDB job store costs: CPU per job at 500 jobs a commit with fsync, and how the claim rate depends on the backlog.
 * Run: npx tsx test/bench/store.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbEnvironment } from '../../src/adapters/lmdb/environment.js';
import { LmdbJobQueue } from '../../src/adapters/lmdb/lmdb-job-queue.js';
import type { LmdbTable } from '../../src/adapters/lmdb/table.js';
import { type JobRecord, withStatus } from '../../src/job/job.js';
import type { Change } from '../../src/ports/job-queue.js';

const batch = 500;
const rounds = 14;
const batchesPerRound = 40;
let made = 0;

interface Opened {
  readonly environment: LmdbEnvironment;
  readonly queue: LmdbJobQueue;
  close(): Promise<void>;
}

async function openStore(): Promise<Opened> {
  const path = mkdtempSync(join(tmpdir(), 'lts-bench-'));
  const environment = await LmdbEnvironment.open({ path });
  const queue = new LmdbJobQueue(environment);
  await queue.open();
  const close = async (): Promise<void> => {
    await queue.close();
    await environment.close();
    rmSync(path, { recursive: true });
  };
  return { environment, queue, close };
}

const jobId = (): string => `01KAH${String(made++).padStart(21, '0')}`;

function ended(before: JobRecord, now: number): Change {
  const result = '{"ok":true}';
  const { runId: lastRunId } = before.status;
  const after = withStatus(before, {
    state: 'succeeded',
    endedAt: now,
    runId: undefined,
    session: undefined,
    lastRunId,
    result,
  });
  return { before, after };
}

interface Batch {
  readonly runs: readonly JobRecord[];
  readonly endings: readonly Change[];
}

function aRecord(now: number, taskId?: string): JobRecord {
  return {
    jobId: jobId(),
    body: {
      nodeGroup: 'g',
      taskId,
      params: '{"to":"someone@example.org","template":"welcome","n":12345}',
      submitNodeGroup: 'web',
      priority: 100,
      lane: '',
      retry: { maxRetryTimes: 10, intervalMs: 30_000, backoff: 'fixed', intervalMaxMs: 3_600_000 },
      needFeedback: false,
      submittedAt: now,
    },
    status: { rev: 1, state: 'waiting', dueAt: now, attempt: 0, retryTimes: 0, losses: 0 },
  };
}

/** Accept-and-claim, then settle: the path of a job on an idle group. Made beforehand, since making records is not the store's work. */
function aBatch(withTaskId: boolean): Batch {
  const now = Date.now();
  const claim = {
    state: 'executing',
    attempt: 1,
    session: 'worker-1#01KAH0000',
    runId: jobId(),
    claimedAt: now,
  } as const;
  const runs = Array.from({ length: batch }, () =>
    withStatus(aRecord(now, withTaskId ? `order-${made}` : undefined), claim),
  );
  return { runs, endings: runs.map((record) => ended(record, now + 3)) };
}

async function measureBatch(
  { queue }: Opened,
  { runs, endings }: Batch,
  spent: { cpu: number; wall: number },
): Promise<void> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  await queue.add(runs);
  await queue.update(endings);
  const used = process.cpuUsage(cpu);
  spent.cpu += used.user + used.system;
  spent.wall += (performance.now() - wall) * 1_000;
}

/** The cheapest of many rounds: other work on the machine only adds. */
async function measureCpu(name: string, withTaskId: boolean): Promise<void> {
  const store = await openStore();
  const { counters } = store.environment;
  let best = Number.POSITIVE_INFINITY;
  let bestWall = Number.POSITIVE_INFINITY;
  const start = { ...counters };
  for (let round = 0; round < rounds; round++) {
    const spent = { cpu: 0, wall: 0 };
    for (let i = 0; i < batchesPerRound; i++) await measureBatch(store, aBatch(withTaskId), spent);
    const jobs = batch * batchesPerRound;
    best = Math.min(best, spent.cpu / jobs);
    bestWall = Math.min(bestWall, spent.wall / jobs);
  }
  const jobs = rounds * batchesPerRound * batch;
  const per = (field: keyof typeof counters): string => ((counters[field] - start[field]) / jobs).toFixed(3);
  console.log(
    `${name}: ${best.toFixed(1)} µs CPU, ${bestWall.toFixed(1)} µs wall per job; ` +
      `per job ${per('puts')} puts, ${per('deletes')} deletes, ${per('gets')} gets, ${per('commits')} commits`,
  );
  await store.close();
}

/** The same four puts with texts made beforehand: what LMDB and its binding alone cost on this machine at this moment. */
async function measureFloor(): Promise<void> {
  const store = await openStore();
  const { environment } = store;
  const [bodies, statuses, ended] = ['a', 'b', 'c'].map((name) => environment.table(name)) as [
    LmdbTable,
    LmdbTable,
    LmdbTable,
  ];
  const { body, status } = aRecord(Date.now());
  const texts = { body: JSON.stringify(body), status: JSON.stringify(status) };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const cpu = process.cpuUsage();
    for (let i = 0; i < batchesPerRound; i++) {
      const ids = Array.from({ length: batch }, jobId);
      await environment.commit(() => {
        for (const id of ids) {
          bodies.putNew(id, texts.body);
          statuses.put(id, texts.status);
        }
      });
      await environment.commit(() => {
        for (const id of ids) {
          statuses.put(id, texts.status);
          ended.put([Date.now(), id], 'succeeded g');
        }
      });
    }
    const used = process.cpuUsage(cpu);
    best = Math.min(best, (used.user + used.system) / (batch * batchesPerRound));
  }
  console.log(`floor (four bare puts): ${best.toFixed(1)} µs CPU per job`);
  await store.close();
}

interface Spent {
  cpu: number;
  wall: number;
}

async function fill({ queue }: Opened, waiting: number): Promise<void> {
  const now = Date.now() - 1_000;
  for (let i = 0; i < waiting; i += batch) await queue.add(Array.from({ length: batch }, () => aRecord(now)));
}

/** Claims one batch from a backlog and settles it. */
async function drainBatch({ queue }: Opened, spent: Spent): Promise<void> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const now = Date.now();
  const request = {
    nodeGroup: 'g',
    max: batch,
    bytesMax: 1 << 20,
    now,
    runId: jobId(),
    session: 's1',
    suspects: 'none',
  } as const;
  const { claimed } = await queue.claim(request);
  await queue.update(claimed.map((record) => ended(record, now + 3)));
  const used = process.cpuUsage(cpu);
  spent.cpu += used.user + used.system;
  spent.wall += (performance.now() - wall) * 1_000;
}

/** Both backlogs are drained in turn, so that other work on the machine hits both alike. */
async function compareDrains(): Promise<void> {
  const few = await openStore();
  const many = await openStore();
  await fill(few, 10_000);
  await fill(many, 500_000);
  const spent = { few: { cpu: 0, wall: 0 }, many: { cpu: 0, wall: 0 } };
  const turns = 16;
  for (let i = 0; i < turns; i++) {
    await drainBatch(few, spent.few);
    await drainBatch(many, spent.many);
  }
  for (const [name, { cpu, wall }] of Object.entries({ '10k': spent.few, '500k': spent.many })) {
    const per = (us: number): string => (us / (turns * batch)).toFixed(1);
    console.log(`drain with ${name} waiting: ${per(cpu)} µs CPU, ${per(wall)} µs wall per job`);
  }
  const ratio = (field: keyof Spent): string => (spent.few[field] / spent.many[field]).toFixed(2);
  console.log(`rate with 500k against 10k waiting: ${ratio('cpu')} by CPU, ${ratio('wall')} by wall time`);
  await few.close();
  await many.close();
}

await measureFloor();
await measureCpu('4 operations (no taskId)', false);
await measureCpu('6 operations (taskId)', true);
await compareDrains();
