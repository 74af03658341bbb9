/**
 * One node of a cluster as a process of its own; the parent tells it what to be and kills it. It writes a line for each thing that
 * the parent must know: ready, code, started, told, error.
 */
import { JobClient, type JobResult, JobTracker, TaskTracker } from '../../../src/index.js';

/** What the parent says. A client submits `jobs` jobs, one every `everyMs`. */
export interface ChildPlan {
  readonly role: 'tracker' | 'worker' | 'client';
  readonly node: {
    readonly clusterName: string;
    readonly registryAddress: string;
    readonly dataPath: string;
    readonly identity?: string;
  };
  readonly jobs?: number;
  readonly prefix?: string;
  readonly everyMs?: number;
  /** How long each of its jobs runs. */
  readonly runMs?: number;
  /** The deadline of its stop on SIGTERM; else the default. */
  readonly stopWithinMs?: number;
}

const {
  role,
  node,
  jobs = 0,
  prefix = 'job',
  everyMs = 5,
  runMs = 50,
  stopWithinMs,
} = JSON.parse(process.argv[2] ?? '{}') as ChildPlan;
const say = (text: string) => process.stdout.write(`${text}\n`);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const log = {
  debug() {},
  info() {},
  warn: (_: object, text: string) => say(`warn ${text}`),
  error: (_: object, text: string) => say(`error ${text}`),
};
const options = { ...node, log };

const work = async ({ job, attempt }: { job: { jobId: string; getParam(name: string): number }; attempt: number }) => {
  say(`started ${job.jobId} ${attempt} ${Date.now()}`);
  await wait(job.getParam('ms'));
  return process.pid;
};

const tell = (results: JobResult[]) => results.forEach(({ jobId, state }) => say(`told ${jobId} ${state}`));

async function start(): Promise<{ stop(deadlineMs?: number): Promise<unknown> }> {
  if (role === 'tracker') return new JobTracker(options).start();
  if (role === 'worker') return new TaskTracker({ ...options, workThreads: 4, processors: { work } }).start();
  const client = await new JobClient({ ...options, jobCompletedHandler: tell, submitWithinMs: 2_000 }).start();
  void submit(client);
  return client;
}

async function submit(client: JobClient): Promise<void> {
  for (let i = 0; i < jobs; i++) {
    const job = { jobId: `${prefix}-${i}`, processor: 'work', params: { ms: runMs } };
    void client.submitJob(job).then(({ code, jobId }) => say(`code ${jobId} ${code}`));
    await wait(everyMs);
  }
}

try {
  const running = await start();
  say('ready');
  process.on('SIGTERM', () => void running.stop(stopWithinMs).then(() => process.exit(0)));
  if (role === 'tracker' || role === 'worker') setInterval(() => {}, 60_000);
} catch (error) {
  say(`refused ${(error as { code?: string }).code} ${(error as Error).message}`);
  process.exit(1);
}
