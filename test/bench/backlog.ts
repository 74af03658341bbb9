/** What a large store costs: the drain rate with many jobs waiting, and how soon a due job starts among many future ones. */
import { type Outcome, type Spent, Stretch } from './measure.js';
import { type Nodes, plainJob, submitLists, submitOne } from './nodes.js';

const drainedPerRound = 10_000;
const rounds = 3;
const dueJobs = 200;
const dayMs = 86_400_000;

/** The rate at which 10,000 of `waiting` jobs are worked off; the cheapest of three rounds, since other work only adds. Counts leave the submission out. */
export async function drainFromBacklog({ client, watch, startWorker }: Nodes, waiting: number): Promise<Outcome> {
  let stored = 0;
  let best: Spent | undefined;
  let latencies: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await submitLists(client, { jobs: waiting - stored, makeJob: plainJob });
    watch.forgetTimes();
    const { ended } = watch.totals();
    const stretch = new Stretch(watch);
    const worker = await startWorker(64);
    await watch.untilEnded(ended + Math.min(drainedPerRound, waiting));
    const spent = stretch.end();
    await worker.stop();
    stored = waiting - (watch.totals().ended - ended);
    if (best && best.cpuMicros / best.ended <= spent.cpuMicros / spent.ended) continue;
    best = spent;
    latencies = watch.claimToEnd();
  }
  return { jobs: best?.ended ?? 0, spent: best as Spent, latencies };
}

/** Jobs submitted one after the other while `future` jobs wait for another day; latency is from the submit to the start. */
export async function dueAmongFuture({ client, watch, startWorker }: Nodes, future: number): Promise<Outcome> {
  const triggerTime = Date.now() + dayMs;
  await submitLists(client, { jobs: future, makeJob: (n) => ({ ...plainJob(n), triggerTime: triggerTime + n }) });
  const { ended } = watch.totals();
  const startedAt = new Map<string, number>();
  const worker = await startWorker(64, (jobId) => {
    startedAt.set(jobId, performance.now());
  });
  const stretch = new Stretch(watch);
  const latencies: number[] = [];
  for (let n = 0; n < dueJobs; n++) {
    const { jobId, sentAt } = await submitOne(client, plainJob(n));
    await watch.untilEnded(ended + n + 1);
    latencies.push((startedAt.get(jobId) ?? Number.NaN) - sentAt);
  }
  const spent = stretch.end();
  await worker.stop();
  return { jobs: dueJobs, spent, latencies };
}
