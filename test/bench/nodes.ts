/** The nodes that a workload drives, through the classes that users construct, with a watch beneath them. */
import { type Job, JobClient, type JobContext, JobTracker, TaskTracker } from '../../src/index.js';
import { quietLog, Watch } from './watch.js';

const nodeGroup = 'bench';

export interface Nodes {
  readonly watch: Watch;
  readonly client: JobClient;
  /** Starts a TaskTracker whose runner does nothing but call `onRun`. */
  startWorker(workThreads: number, onRun?: (jobId: string) => void): Promise<TaskTracker>;
  stop(): Promise<void>;
}

/** A JobTracker and a JobClient on a data path of their own; no TaskTracker yet. */
export async function startNodes(dataPath: string): Promise<Nodes> {
  const place = { dataPath, log: quietLog };
  const watch = await Watch.enter(dataPath);
  const tracker = await new JobTracker(place).start();
  const client = await new JobClient({ ...place, nodeGroup: 'web' }).start();
  return {
    watch,
    client,
    startWorker: (workThreads, onRun) => {
      // No value, whatever `onRun` returns: a value would be stored as the job's result.
      const jobRunner = ({ job }: JobContext): void => {
        onRun?.(job.jobId);
      };
      return new TaskTracker({ ...place, nodeGroup, workThreads, jobRunner }).start();
    },
    stop: async () => {
      await client.stop();
      await tracker.stop();
      await watch.leave();
    },
  };
}

/** The n-th job of a workload, with small params. */
export type MakeJob = (n: number) => Job;

export const plainJob: MakeJob = (n) => ({
  nodeGroup,
  params: { to: 'someone@example.org', template: 'welcome', order: n },
});

export const keyedJob: MakeJob = (n) => ({ ...plainJob(n), taskId: `order-${n}` });

/** A submission that was answered. */
export interface Submitted {
  readonly jobId: string;
  readonly sentAt: number;
  readonly latencyMs: number;
}

/** Submits one job and throws unless it was accepted. */
export async function submitOne(client: JobClient, job: Job): Promise<Submitted> {
  const sentAt = performance.now();
  const { code, jobId, msg } = await client.submitJob(job);
  if (code !== 'accepted') throw new Error(`A job was answered ${code}: ${msg ?? ''}`);
  return { jobId, sentAt, latencyMs: performance.now() - sentAt };
}

export interface ManyJobs {
  readonly jobs: number;
  readonly makeJob: MakeJob;
}

/** Single submits, so many of them in flight at any time. */
export async function submitConcurrently(
  client: JobClient,
  { jobs, makeJob, inFlight }: ManyJobs & { readonly inFlight: number },
): Promise<Submitted[]> {
  const submitted: Submitted[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < jobs) submitted.push(await submitOne(client, makeJob(next++)));
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, jobs) }, caller));
  return submitted;
}

/** Lists of up to 1,000, one after the other; answers how long each call took. */
export async function submitLists(client: JobClient, { jobs, makeJob }: ManyJobs): Promise<number[]> {
  const latencies: number[] = [];
  for (let sent = 0; sent < jobs; sent += 1_000) {
    const list = Array.from({ length: Math.min(1_000, jobs - sent) }, (_, i) => makeJob(sent + i));
    const sentAt = performance.now();
    const refused = (await client.submitJob(list)).find(({ code }) => code !== 'accepted');
    if (refused) throw new Error(`A job was answered ${refused.code}: ${refused.msg ?? ''}`);
    latencies.push(performance.now() - sentAt);
  }
  return latencies;
}
