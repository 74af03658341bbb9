/**
 * What the LMDB job store costs: CPU per job at 500 jobs a commit with fsync, and how the claim rate depends on the backlog.
 * Run: npx tsx test/bench/store.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbEnvironment } from '../../src/adapters/lmdb/environment.js';
import { LmdbJobQueue } from '../../src/adapters/lmdb/lmdb-job-queue.js';
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

/** Jobs per second that claims of 500 take from a backlog and settle. */
async function drainRate(waiting: number): Promise<{ wall: number; cpu: number }> {
  const store = await openStore();
  const now = Date.now();
  for (let i = 0; i < waiting; i += batch) {
    await store.queue.add(Array.from({ length: batch }, () => aRecord(now)));
  }
  let best = { wall: 0, cpu: 0 };
  for (let round = 0; round < 6; round++) best = better(best, await drainSome(store, now));
  await store.close();
  return best;
}

async function drainSome({ queue }: Opened, now: number): Promise<{ wall: number; cpu: number }> {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  const jobs = 1_500;
  for (let taken = 0; taken < jobs; ) {
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
    taken += claimed.length;
  }
  const used = process.cpuUsage(cpu);
  return { wall: (jobs * 1_000) / (performance.now() - wall), cpu: (jobs * 1e6) / (used.user + used.system) };
}

const better = (a: { wall: number; cpu: number }, b: typeof a): typeof a => ({
  wall: Math.max(a.wall, b.wall),
  cpu: Math.max(a.cpu, b.cpu),
});



const few = await drainRate(10_000);
const many = await drainRate(500_000);
console.log(`drain with 10k waiting: ${few.wall.toFixed(0)} jobs/s, ${few.cpu.toFixed(0)} jobs per CPU second`);
console.log(`drain with 500k waiting: ${many.wall.toFixed(0)} jobs/s, ${many.cpu.toFixed(0)} jobs per CPU second`);
console.log(`ratio: ${(many.wall / few.wall).toFixed(2)} by wall time, ${(many.cpu / few.cpu).toFixed(2)} by CPU time`);
