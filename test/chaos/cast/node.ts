/**
 * One node as a process of its own: tracker, worker or client. It journals what happens to it and takes orders from the supervisor,
 * with whom it ends.
 */
import { randomUUID } from 'node:crypto';
import {
  JobClient,
  type JobContext,
  type JobResult,
  JobTracker,
  Result,
  TaskTracker,
  type TaskTrackerOptions,
} from '../../../src/index.js';
import { Journal, monoMs, type Token, type Work } from '../journal.js';

export type Role = 'tracker' | 'worker' | 'client';

/** What the supervisor says at the start. */
export interface NodePlan {
  readonly role: Role;
  /** Its name in the journal. */
  readonly by: string;
  /** Which life of this node it is: jobIds of different lives must differ. */
  readonly life: number;
  readonly journal: string;
  readonly options: object;
  /** Clients: pause between submits of the steady load; 0 is none. */
  readonly everyMs: number;
}

/** What the supervisor says later. */
export type Order =
  | { readonly order: 'load'; readonly everyMs: number }
  | { readonly order: 'submit'; readonly works: readonly Work[] }
  /** Spins for so long. */
  | { readonly order: 'block'; readonly ms: number }
  /** Dies between the end of its next run and the report of it. */
  | { readonly order: 'die-at-run-end' }
  /** Submits and dies before the answer. */
  | { readonly order: 'die-submitting' };

const plan = JSON.parse(process.argv[2] ?? '{}') as NodePlan;
const journal = new Journal(plan.journal, plan.by);
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const stepMs = 50;
let diesAtRunEnd = false;

async function work(context: JobContext) {
  const { job, runId, attempt, retryTimes, scheduledFor } = context;
  const task = job.params as unknown as Work;
  const { jobId } = job;
  const token: Token = { runId, token: randomUUID() };
  journal.write({ kind: 'start', jobId, attempt, dueWall: scheduledFor.getTime(), work: task, ...token });
  const { signal } = context;
  const onAbort = () => journal.write({ kind: 'abort', jobId, reason: String(signal.reason?.reason), ...token });
  signal.addEventListener('abort', onAbort);
  const untilMono = monoMs() + task.ms;
  const leftAfter = (leftMs: number) => (task.isWait ? untilMono - monoMs() : leftMs - stepMs);
  for (let leftMs = task.ms; leftMs > 0 && !signal.aborted; leftMs = leftAfter(leftMs)) {
    await wait(Math.min(stepMs, leftMs));
  }
  signal.removeEventListener('abort', onAbort);
  const isLater = retryTimes < (task.laters ?? 0);
  const outcome = signal.aborted ? 'aborted' : isLater ? 'later' : 'success';
  journal.write({ kind: 'end', jobId, outcome, ...token });
  if (diesAtRunEnd) process.kill(process.pid, 'SIGKILL');
  if (signal.aborted) throw signal.reason;
  return isLater ? Result.later('once more', { delay: 1_000 }) : token;
}

/** Tells when the event loop stood still: after a freeze or a block, runs of this process may be another's already. */
function watchLoop(): void {
  let lastMono = monoMs();
  setInterval(() => {
    const gapMs = monoMs() - lastMono;
    lastMono = monoMs();
    if (gapMs < 1_000) return;
    journal.write({ kind: 'woke', gapMs });
    setImmediate(() => journal.write({ kind: 'turned' }));
  }, stepMs);
}

class Load {
  private count = 0;
  private everyMs = 0;
  private isGoing = false;

  constructor(private readonly client: JobClient) {}

  /** 0 ends it. */
  set(everyMs: number): void {
    this.everyMs = everyMs;
    if (!this.isGoing) void this.go();
  }

  async submit(task: Work): Promise<void> {
    const jobId = `${plan.by}-${plan.life}-${++this.count}`;
    journal.write({ kind: 'submit', jobId, work: task });
    const { leaseLost } = task;
    const { code } = await this.client.submitJob({ jobId, processor: 'work', params: task, leaseLost });
    journal.write({ kind: 'answer', jobId, code });
    process.send?.({ answered: jobId, code });
  }

  private async go(): Promise<void> {
    this.isGoing = true;
    while (this.everyMs > 0) {
      void this.submit(workOf(this.count));
      await wait(this.everyMs);
    }
    this.isGoing = false;
  }
}

/** Of 20 jobs three run for seconds, one comes again twice, the others are short. */
function workOf(count: number): Work {
  if (count % 20 === 3) return { ms: 20, laters: 2 };
  return { ms: count % 6 === 1 ? 1_000 + (count % 5) * 500 : 20 + (count % 4) * 20 };
}

const tell = (results: readonly JobResult[]) => {
  for (const { jobId, state, value } of results) journal.write({ kind: 'told', jobId, state, value: value as Token });
};

async function start(): Promise<{ stop(): Promise<unknown> }> {
  const options = { ...plan.options, log: logOf() };
  if (plan.role === 'tracker') return new JobTracker(options).start();
  if (plan.role === 'worker') {
    watchLoop();
    const worker: TaskTrackerOptions = { ...options, workThreads: 16, processors: { work } };
    return new TaskTracker(worker).start();
  }
  const client = await new JobClient({ ...options, jobCompletedHandler: tell, submitWithinMs: 2_000 }).start();
  const load = new Load(client);
  process.on('message', (order: Order) => {
    if (order.order === 'load') load.set(order.everyMs);
    if (order.order === 'submit') for (const task of order.works) void load.submit(task);
    if (order.order === 'die-submitting') {
      void load.submit({ ms: 20 });
      setImmediate(() => process.kill(process.pid, 'SIGKILL'));
    }
  });
  load.set(plan.everyMs);
  return client;
}

function logOf() {
  const say = (level: string) => (fields: object, text: string) =>
    console.log(
      `${new Date().toISOString()} ${Math.round(monoMs())} ${level} ${text} ${JSON.stringify(fields, shownErrors)}`,
    );
  return { debug() {}, info: say('info'), warn: say('warn'), error: say('error') };
}

const shownErrors = (_key: string, value: unknown) => (value instanceof Error ? (value.stack ?? String(value)) : value);

function obey(order: Order): void {
  if (order.order === 'die-at-run-end') diesAtRunEnd = true;
  if (order.order !== 'block') return;
  const untilMono = monoMs() + order.ms;
  while (monoMs() < untilMono);
}

process.on('disconnect', () => process.exit(1));
process.on('message', obey);
try {
  const running = await start();
  process.send?.('ready');
  process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)));
} catch (error) {
  const { code = '', message } = error as { code?: string; message: string };
  journal.write({ kind: 'refused', code, text: message });
  process.exit(1);
}
