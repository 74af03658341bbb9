/**
 * The five workloads, each on a fresh data path:
 *
 *   submit-one          one submit awaited after the other, no worker
 *   submit-concurrent   1,000 single submits in flight, no worker
 *   submit-bulk         lists of 1,000, no worker
 *   drain               a backlog that one worker with 64 slots works off
 *   end-to-end          1,000 single submits in flight, more free slots than jobs in flight, until the last end is committed
 *
 * The last two also with a taskId. Counts of `drain` are those of a job's whole life, its submission included; its time and CPU
 * are those of the drain alone. Latency is that of a submit call's answer; in `drain` from the claim to the committed end,
 * in `end-to-end` from the submit to the committed end.
 */
import { drainFromBacklog, dueAmongFuture } from './backlog.js';
import { MemoryWatch, type Outcome, type Row, rowOf, Stretch } from './measure.js';
import {
  keyedJob,
  type MakeJob,
  type Nodes,
  plainJob,
  type Submitted,
  startNodes,
  submitConcurrently,
  submitLists,
  submitOne,
} from './nodes.js';

type Workload = (nodes: Nodes, jobs: number) => Promise<Outcome>;

const inFlight = 1_000;
const warmUpJobsMax = 2_000;
const settlingJobs = 10;

const workloads: Readonly<Record<string, Workload>> = {
  'submit-one': submitting(async ({ client }, jobs) => {
    const latencies: number[] = [];
    for (let n = 0; n < jobs; n++) latencies.push((await submitOne(client, plainJob(n))).latencyMs);
    return latencies;
  }),
  'submit-concurrent': submitting(async ({ client }, jobs) =>
    (await submitConcurrently(client, { jobs, makeJob: plainJob, inFlight })).map(({ latencyMs }) => latencyMs),
  ),
  'submit-bulk': submitting(({ client }, jobs) => submitLists(client, { jobs, makeJob: plainJob })),
  drain: (nodes, jobs) => drain(nodes, jobs, plainJob),
  'end-to-end': (nodes, jobs) => endToEnd(nodes, jobs, plainJob),
  'drain-with-task-id': (nodes, jobs) => drain(nodes, jobs, keyedJob),
  'end-to-end-with-task-id': (nodes, jobs) => endToEnd(nodes, jobs, keyedJob),
  'drain-from-backlog': drainFromBacklog,
  'due-among-future': dueAmongFuture,
};

/** Runs one workload in this process. `jobs` are those measured, for the backlog workloads those stored beforehand. */
export async function runWorkload(workload: string, jobs: number, dataPath: string): Promise<Row> {
  const run = workloads[workload];
  if (!run) throw new Error(`Unknown workload ${workload}. Known: ${Object.keys(workloads).join(', ')}.`);
  const memory = new MemoryWatch();
  const nodes = await startNodes(dataPath);
  await warmUp(nodes, Math.min(jobs, warmUpJobsMax));
  const outcome = await run(nodes, jobs);
  await nodes.stop();
  return rowOf({ workload, ...outcome, peakRssAnonMb: memory.end() });
}

/** A few jobs through the whole way, so that the compiler's work is not counted as the jobs'. */
async function warmUp({ client, watch, startWorker }: Nodes, jobs: number): Promise<void> {
  const worker = await startWorker(64);
  await submitConcurrently(client, { jobs, makeJob: plainJob, inFlight });
  await watch.untilEnded(jobs);
  await worker.stop();
  watch.forgetTimes();
}

function submitting(submit: (nodes: Nodes, jobs: number) => Promise<number[]>): Workload {
  return async (nodes, jobs) => {
    const stretch = new Stretch(nodes.watch);
    const latencies = await submit(nodes, jobs);
    return { jobs, spent: stretch.end(), latencies };
  };
}

async function drain({ client, watch, startWorker }: Nodes, jobs: number, makeJob: MakeJob): Promise<Outcome> {
  const { ended } = watch.totals();
  const life = new Stretch(watch);
  await submitLists(client, { jobs, makeJob });
  const stretch = new Stretch(watch);
  const worker = await startWorker(64);
  await watch.untilEnded(ended + jobs);
  const { wallMs, cpuMicros } = stretch.end();
  const spent = { ...life.end(), wallMs, cpuMicros };
  await worker.stop();
  return { jobs, spent, latencies: watch.claimToEnd() };
}

async function endToEnd({ client, watch, startWorker }: Nodes, jobs: number, makeJob: MakeJob): Promise<Outcome> {
  const { ended: before } = watch.totals();
  const worker = await startWorker(4_096);
  // A worker's first looks into the store are over once it ran a few jobs; what is measured is steady load.
  for (let n = 0; n < settlingJobs; n++) await submitOne(client, plainJob(n));
  await watch.untilEnded(before + settlingJobs);
  const { ended } = watch.totals();
  const stretch = new Stretch(watch);
  const submitted = await submitConcurrently(client, { jobs, makeJob, inFlight });
  await watch.untilEnded(ended + jobs);
  const spent = stretch.end();
  await worker.stop();
  const untilEnd = ({ jobId, sentAt }: Submitted): number => (watch.endedAt.get(jobId) ?? sentAt) - sentAt;
  return { jobs, spent, latencies: submitted.map(untilEnd) };
}
