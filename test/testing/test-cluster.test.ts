import 'reflect-metadata';
import { inject, injectable } from 'inversify';
import {
  Action,
  defineProcessor,
  JobClient,
  JobCompletedHandler,
  type JobContext,
  JobHandler,
  type JobRunner,
  LtsJobClient,
  Processor,
  Result,
} from 'light-task-scheduler';
import { testCluster } from 'light-task-scheduler/testing';
import { describe, expect, test } from 'vitest';
import { LtsError } from '../../src/errors.js';
import type { JobResult } from '../../src/job/result.js';
import { Clock } from '../../src/ports/clock.js';

@injectable()
class OrderService {
  readonly synced: string[] = [];

  async sync(shop: string): Promise<void> {
    this.synced.push(shop);
    throw new Error('the shop is closed');
  }
}

@Processor()
class SpringBean implements JobRunner {
  constructor(@inject(OrderService) private readonly orders: OrderService) {}

  async run(context: JobContext): Promise<Result> {
    const shop = context.job.getParam('shop');
    context.bizLogger.info('a line that the console shows under this job');
    try {
      await this.orders.sync(shop);
    } catch (error) {
      return new Result(Action.EXECUTE_LATER, String(error));
    }
    return Result.success('done');
  }
}

@Processor('orders')
class Orders {
  @JobHandler({ maxRetryTimes: 3 })
  async sync(params: { pages: number }, context: JobContext): Promise<{ synced: number }> {
    context.progress(50, 'half');
    return { synced: params.pages * 10 };
  }

  @JobHandler()
  async fail(): Promise<void> {
    throw new Error('never again');
  }
}

/** Takes a minute of virtual time, unless it is told to stop. */
@Processor('slow')
class Slow {
  static runs: string[] = [];
  constructor(@inject(Clock) private readonly clock: Clock) {}

  async run(context: JobContext): Promise<string> {
    Slow.runs.push(`attempt ${context.attempt} at ${this.clock.wallMs() - startAt}`);
    await this.clock.sleep(60_000, context.signal);
    context.signal.throwIfAborted();
    return 'done';
  }
}

const startAt = Date.UTC(2026, 2, 1, 12);

describe('the contract of api.md', () => {
  test('ten retries pass in five virtual minutes', async () => {
    const cluster = await testCluster({ processors: [SpringBean], seed: 7, faults: 'none' });
    const job = await cluster.submit(SpringBean, { shop: '1' });
    await cluster.advance('5m');
    expect(job.attempts).toBe(11);
    expect([job.state(), job.reason]).toEqual(['failed', 'exhausted']);
    expect(job.message).toBe('Error: the shop is closed');
    const lines = await job.log();
    expect(lines.filter(({ type }) => type === 'biz')).toHaveLength(11);
    await cluster.stop();
  });
});

describe('submitting to a test cluster', () => {
  test('takes a method, a class, a contract and a plain job, each with its value', async () => {
    const hello = defineProcessor('hello', {}, async (params: { name: string }) => `hello ${params.name}`);
    await using cluster = await testCluster({ processors: [Orders, hello], jobRunner: () => 'unnamed' });
    const synced = await cluster.submit(Orders, 'sync', { pages: 2 }, { taskId: 'cart-7' });
    const greeted = await cluster.submit(hello, { name: 'you' });
    const plain = await cluster.submit({ processor: 'orders.sync', params: { pages: 3 } });
    const unnamed = await cluster.submit({});
    const { synced: count }: { synced: number } = await synced.result();
    expect([count, await greeted.result(), await plain.result(), await unnamed.result()]).toEqual([
      20,
      'hello you',
      { synced: 30 },
      'unnamed',
    ]);
    expect(synced.taskId).toBe('cart-7');
    expect(cluster.jobs().map(({ jobId }) => jobId)).toEqual([synced, greeted, plain, unnamed].map((job) => job.jobId));
  });

  test('answers a duplicate with the handle of the existing job', async () => {
    await using cluster = await testCluster({ processors: [Slow] });
    const first = await cluster.submit(Slow, {}, { taskId: 'one' });
    const second = await cluster.submit(Slow, {}, { taskId: 'one' });
    expect([second.code, second.jobId]).toEqual(['duplicate', first.jobId]);
  });

  test('refuses a processor that nobody has, naming those that are there', async () => {
    await using cluster = await testCluster({ processors: [Orders] });
    await expect(cluster.submit({ processor: 'order.sync' })).rejects.toThrow(
      /order\.sync.*orders\.sync, orders\.fail/,
    );
    await expect(cluster.submit({})).rejects.toThrow(/no jobRunner/);
    await expect(cluster.submit(SpringBean, { shop: '1' })).rejects.toSatisfy((e) =>
      LtsError.is(e, 'LTS_RUNNER_UNKNOWN'),
    );
  });

  test('refuses a node group without a TaskTracker, and starts TaskTrackers for the groups of the processors', async () => {
    const report = defineProcessor(
      'report',
      { nodeGroup: 'reports' },
      async (_: unknown, context) => context.nodeGroup,
    );
    await using cluster = await testCluster({ processors: [report] });
    expect(await (await cluster.submit(report)).result()).toBe('reports');
    await expect(cluster.submit(report, {}, { nodeGroup: 'billing' })).rejects.toThrow(/billing.*reports/);
  });

  test('names a misspelt option', async () => {
    await expect(testCluster({ procesors: [Orders] } as object)).rejects.toThrow(/procesors.*Did you mean processors/);
    await expect(testCluster({ faults: 'lots' as 'many' })).rejects.toThrow(/faults.*'none'/);
  });
});

describe('waiting in a test cluster', () => {
  test('time passes while a result is awaited, and stands still otherwise', async () => {
    await using cluster = await testCluster({ processors: [Slow], startAt: new Date(startAt) });
    const job = await cluster.submit(Slow);
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    expect([cluster.now(), job.state()]).toEqual([startAt, 'executing']);
    expect(await job.result()).toBe('done');
    expect(cluster.now()).toBe(startAt + 60_000);
  });

  test('many waits share the time', async () => {
    await using cluster = await testCluster({ processors: [Slow], startAt });
    const jobs = await Promise.all([1, 2, 3].map((k) => cluster.submit(Slow, {}, { delay: k * 1_000 })));
    expect(await Promise.all([...jobs.map((job) => job.result()), cluster.advance('2s')])).toHaveLength(4);
    expect(cluster.now()).toBe(startAt + 63_000);
  });

  test('a result that does not come in time says what the job is doing', async () => {
    await using cluster = await testCluster({ processors: [Slow] });
    const job = await cluster.submit(Slow, {}, { delay: '3h' });
    await expect(job.result({ timeout: '1m' })).rejects.toThrow(/slow\): waiting, attempt 0/);
    expect(await job.result()).toBe('done');
  });

  test('a failed job throws its reason from result, and its state from ended', async () => {
    await using cluster = await testCluster({ processors: [Orders] });
    const job = await cluster.submit(Orders, 'fail', {}, { maxRetryTimes: 1 });
    expect(await job.ended()).toBe('failed');
    await expect(job.result()).rejects.toThrow(/never again/);
    expect(job.attempts).toBe(2);
  });

  test('runUntilIdle waits for retries and delays, and for all feedback', async () => {
    await using cluster = await testCluster({ processors: [Orders, Slow] });
    const failing = await cluster.submit(Orders, 'fail', {}, { maxRetryTimes: 2 });
    const slow = await cluster.submit(Slow, {}, { delay: '10m' });
    await cluster.runUntilIdle();
    expect([failing.state(), slow.state()]).toEqual(['failed', 'succeeded']);
    expect(cluster.feedback.map(({ jobId, success }) => [jobId, success])).toEqual([
      [failing.jobId, false],
      [slow.jobId, true],
    ]);
  });

  test('runUntilIdle names what keeps the cluster busy', async () => {
    await using cluster = await testCluster({ processors: [Slow] });
    await cluster.submit(Slow, {}, { delay: '2h' });
    await expect(cluster.runUntilIdle('1h')).rejects.toThrow(/slow\): waiting/);
    await expect(cluster.until(() => false, '1s')).rejects.toThrow(/within 1s/);
  });

  test('events come while they are waited for', async () => {
    await using cluster = await testCluster({ processors: [Orders] });
    const job = await cluster.submit(Orders, 'sync', { pages: 1 }, { delay: '5s' });
    const seen: string[] = [];
    for await (const event of job.events()) seen.push(event.kind === 'state' ? event.job.status.state : event.kind);
    expect(seen[0]).toBe('waiting');
    expect(seen.at(-1)).toBe('succeeded');
  });
});

describe('services of a test cluster', () => {
  test('get the JobClient of the cluster and the clock of the cluster, or what the test binds instead', async () => {
    class Mailer {
      send(): string {
        return 'a real mail';
      }
    }
    @Processor('checkout')
    class Checkout {
      constructor(
        @inject(JobClient) private readonly jobs: JobClient,
        @inject(Mailer) private readonly mailer: Mailer,
        @inject(Clock) private readonly clock: Clock,
      ) {}

      async run(): Promise<unknown> {
        const job = await this.jobs.submit(Orders, 'sync', { pages: 1 }, { delay: '5s' });
        const { synced } = await job.result();
        return { synced, mail: this.mailer.send(), at: this.clock.wallMs() - startAt };
      }
    }
    const bindings = [{ token: Mailer, value: { send: () => 'a fake mail' } }];
    await using cluster = await testCluster({ processors: [Checkout, Orders], bindings, startAt });
    expect(await (await cluster.submit(Checkout)).result()).toEqual({ synced: 10, mail: 'a fake mail', at: 5_000 });
  });

  test('code under test may use the JobClient by itself: time passes for it', async () => {
    await using cluster = await testCluster({ processors: [Orders] });
    const pay = async (jobs: JobClient) =>
      (await jobs.submit(Orders, 'sync', { pages: 4 }, { delay: '1h' })).result({ timeout: '2h' });
    expect(await pay(cluster.jobClient)).toEqual({ synced: 40 });
  });

  test('the builder submits to the cluster until that is stopped', async () => {
    const cluster = await testCluster({ processors: [Orders] });
    const [response] = await LtsJobClient.getInstance().processor('orders.sync').setParam('pages', 2).submit();
    expect(await cluster.jobClient.result(response?.jobId ?? '')).toEqual({ synced: 20 });
    await cluster.stop();
    expect(() => LtsJobClient.getInstance()).toThrow(/No application/);
  });

  test('a completed handler is told what feedback holds', async () => {
    const told: JobResult[] = [];
    @JobCompletedHandler()
    class Completed {
      onComplete(results: JobResult[]): void {
        told.push(...results);
      }
    }
    await using cluster = await testCluster({ processors: [Orders, Completed] });
    await cluster.submit(Orders, 'sync', { pages: 1 });
    await cluster.runUntilIdle();
    expect(told.map(({ value }) => value)).toEqual([{ synced: 10 }]);
    expect(cluster.feedback).toEqual(told);
  });
});

describe('crashes in a test cluster', () => {
  test('a run whose worker dies in the middle is run again elsewhere', async () => {
    Slow.runs = [];
    await using cluster = await testCluster({ processors: [Slow], workers: 2, startAt });
    const job = await cluster.submit(Slow);
    await cluster.advance('10s');
    const first = job.worker;
    first?.kill();
    await cluster.until(() => job.attempts === 2);
    expect(job.worker?.name).not.toBe(first?.name);
    expect(await job.result()).toBe('done');
    expect(Slow.runs).toHaveLength(2);
    expect(cluster.now() - startAt).toBeLessThan(10_000 + 5_000 + 60_000);
  });

  test('a job waits for its only worker to come back', async () => {
    await using cluster = await testCluster({ processors: [Slow] });
    cluster.workers[0]?.kill();
    const job = await cluster.submit(Slow);
    await cluster.advance('1m');
    expect([job.state(), (await job.explain()).code]).toEqual(['waiting', 'no-worker']);
    await cluster.workers[0]?.start();
    expect(await job.result()).toBe('done');
  });

  test('a submission without a JobTracker is kept, and sent when one is back', async () => {
    await using cluster = await testCluster({ processors: [Orders] });
    cluster.tracker.kill();
    const job = await cluster.submit(Orders, 'sync', { pages: 1 });
    expect([job.code, job.state()]).toEqual(['stored-locally', 'not-stored']);
    await cluster.tracker.start();
    await cluster.runUntilIdle();
    expect(await job.result()).toEqual({ synced: 10 });
  });

  test('a JobTracker that dies while a job runs takes the result when it is back', async () => {
    await using cluster = await testCluster({ processors: [Slow] });
    const job = await cluster.submit(Slow);
    await cluster.advance('55s');
    cluster.tracker.kill();
    await cluster.advance('10s');
    await cluster.tracker.start();
    expect(await job.result()).toBe('done');
    expect(job.attempts).toBe(1);
  });
});

test('a cron job runs through a virtual day, in its own zone', async () => {
  const firedAt: string[] = [];
  const nightly = defineProcessor('nightly', {}, async (_: unknown, context) => {
    firedAt.push(context.scheduledFor.toISOString());
  });
  await using cluster = await testCluster({ processors: [nightly], startAt, timeZone: 'Asia/Tokyo' });
  const job = await cluster.submit(nightly, {}, { cron: '0 30 1/6 * * ?' });
  await cluster.advance('1d');
  expect(firedAt).toEqual([
    '2026-03-01T16:30:00.000Z',
    '2026-03-01T22:30:00.000Z',
    '2026-03-02T04:30:00.000Z',
    '2026-03-02T10:30:00.000Z',
  ]);
  expect(job.instances().map((slot) => slot.state())).toEqual([...Array(4).fill('succeeded'), 'waiting']);
  await expect(job.result()).rejects.toThrow(/periodic/);
  // A day of an idle cluster is 400,000 events: a second or two, and more where other tests run beside this one.
}, 60_000);

describe('faults in a test cluster', () => {
  async function history(seed: number): Promise<{ digest: string; trace: string[]; counts: unknown }> {
    const trace: string[] = [];
    await using cluster = await testCluster({
      processors: [Orders, Slow],
      ...{ seed, faults: 'many', workers: 2, workThreads: 4 },
      trace: (line) => trace.push(line),
    });
    const jobs = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        i % 4 === 0 ? cluster.submit(Slow) : cluster.submit(Orders, i % 4 === 1 ? 'fail' : 'sync', { pages: i }),
      ),
    );
    await cluster.advance('20s');
    cluster.workers[0]?.kill();
    await cluster.advance('1m');
    await cluster.workers[0]?.start();
    await cluster.runUntilIdle();
    const counts = jobs.map((job) => job.state());
    return { digest: cluster.digest(), trace, counts };
  }

  test('every accepted job ends, whatever the network does', async () => {
    const { counts, trace } = await history(11);
    const expected = Array.from({ length: 40 }, (_, i) => (i % 4 === 1 ? 'failed' : 'succeeded'));
    expect(counts).toEqual(expected);
    expect(trace.filter((line) => line.endsWith('lost')).length).toBeGreaterThan(20);
  });

  test("rates of one's own are met exactly: what is not named does not happen", async () => {
    await using cluster = await testCluster({
      processors: [Orders],
      faults: { latencyMs: { min: 500, max: 500 } },
      startAt,
    });
    const begin = cluster.now();
    await cluster.submit(Orders, 'sync', { pages: 1 });
    expect(cluster.now() - begin).toBe(1_000);
  });

  test('one seed has one history, another seed another', async () => {
    const [first, again, other] = [await history(5), await history(5), await history(6)];
    expect(again.trace).toEqual(first.trace);
    expect(again.digest).toBe(first.digest);
    expect(other.digest).not.toBe(first.digest);
  });
});

describe('the end of a test cluster', () => {
  test('running handlers are told to stop, and whoever still waits gets an error', async () => {
    let reason: unknown;
    const stubborn = async (context: JobContext) => {
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      reason = context.signal.reason;
      throw reason;
    };
    const cluster = await testCluster({ jobRunner: stubborn, realWait: 5 });
    const job = await cluster.submit({});
    await cluster.advance('1s');
    await cluster.stop();
    expect(reason).toMatchObject({ reason: 'shutdown' });
    await expect(cluster.advance('1s')).rejects.toSatisfy((error) => LtsError.is(error, 'LTS_NOT_STARTED'));
    await expect(job.result()).rejects.toSatisfy((error) => LtsError.is(error, 'LTS_NOT_STARTED'));
    expect(job.state()).toBe('waiting');
  });

  test('a cluster that nobody stops leaves no timer and no immediate behind', async () => {
    const cluster = await testCluster({ processors: [Slow] });
    await cluster.submit(Slow);
    await cluster.advance('10s');
    await new Promise((resolve) => setImmediate(resolve));
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate')).toEqual([]);
  });
});
