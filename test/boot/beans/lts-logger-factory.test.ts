/** LtsLoggerFactory and lists of processors, through a TaskTracker as users construct it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  defineProcessor,
  JobClient,
  JobCompletedHandler,
  type JobContext,
  JobHandler,
  JobRunner,
  JobTracker,
  LtsLoggerFactory,
  Processor,
  TaskTracker,
  type TaskTrackerOptions,
} from '../../../src/index.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let places = 0;
/** A store in memory of its own, with a tracker, a worker with these runners, and a client. */
async function aCluster(runners: Pick<TaskTrackerOptions, 'processors' | 'jobRunner' | 'nodeGroup'>) {
  const place = { dataPath: `lts-logger-${places++}`, jobQueue: 'memory' as const, log: silent };
  const nodes = [new JobTracker(place), new TaskTracker({ ...place, ...runners }), new JobClient(place)] as const;
  for (const node of nodes) {
    await node.start();
    cleanups.push(() => node.stop());
  }
  const client = nodes[2];
  const submit = async (processor?: string, params: unknown = {}) =>
    (await client.submitJob({ processor, params })).jobId;
  const run = async (processor?: string, params?: unknown) => client.result(await submit(processor, params));
  return { client, submit, run, worker: nodes[1] };
}

describe('getBizLogger', () => {
  const kept = LtsLoggerFactory.getBizLogger();

  async function deepBelow(text: string): Promise<void> {
    await Promise.resolve();
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    LtsLoggerFactory.getBizLogger().info(text);
  }

  it('below a run, across awaits and timers, it is the logger of that run; runs beside one another never mix', async () => {
    const all = 20;
    let started = 0;
    let open = () => {};
    const everyoneIsHere = new Promise<void>((resolve) => {
      open = resolve;
    });
    const jobRunner = async ({ job }: JobContext) => {
      const text = String(job.getParam('text'));
      LtsLoggerFactory.getBizLogger().info(`${text} at once`);
      if (++started === all) open();
      await everyoneIsHere;
      await deepBelow(`${text} deep`);
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          kept.warn(`${text} by timer`);
          resolve();
        }, 1);
      });
    };
    const { client, submit } = await aCluster({ jobRunner });
    const texts = Array.from({ length: all }, (_, n) => `job ${n}`);
    const jobIds = await Promise.all(texts.map((text) => submit(undefined, { text })));
    for (const [n, jobId] of jobIds.entries()) {
      const lines: string[] = [];
      for await (const event of client.events(jobId)) if (event.kind === 'log') lines.push(event.line.text);
      expect(lines).toEqual([`job ${n} at once`, `job ${n} deep`, `job ${n} by timer`]);
    }
  });

  it('outside a run, lines go to standard error and say so', () => {
    const written: unknown[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(text) > 0);
    LtsLoggerFactory.getBizLogger().error('lost');
    kept.debug('also');
    expect(written).toEqual(['[outside a run] ERROR lost\n', '[outside a run] DEBUG also\n']);
  });

  it('a logger taken in a run goes on belonging to it', async () => {
    let taken = kept;
    const { client, submit } = await aCluster({
      jobRunner: () => {
        taken = LtsLoggerFactory.getBizLogger();
      },
    });
    const jobId = await submit();
    await client.result(jobId);
    taken.info('from outside');
    await vi.waitFor(async () => {
      const { lines } = await client.readLog(jobId);
      expect(lines.map(({ text }) => text)).toContain('from outside');
    });
  });
});

describe('a TaskTracker with a list', () => {
  @Processor('orders')
  class Orders {
    @JobHandler()
    sync({ shop }: { shop: string }) {
      return `synced ${shop}`;
    }
  }
  @JobRunner()
  class Rest {
    run() {
      return 'rest';
    }
  }
  class Numbers {
    constructor(readonly n = 0) {}
  }
  const twice = defineProcessor('twice', { params: Numbers }, ({ n }) => 2 * n);

  it('builds the classes at its start and runs them and definitions', async () => {
    const { run } = await aCluster({ processors: [Orders, Rest, twice] });
    expect(await run('orders.sync', { shop: '7' })).toBe('synced 7');
    expect(await run('twice', { n: 21 })).toBe(42);
    expect(await run()).toBe('rest');
  });

  it('takes a class as job runner, beside runners by name', async () => {
    const { run } = await aCluster({ processors: { named: () => 'named' }, jobRunner: Rest });
    expect([await run('named'), await run()]).toEqual(['named', 'rest']);
  });

  it('starts again after a stop', async () => {
    const { run, worker } = await aCluster({ processors: [Orders] });
    await worker.stop();
    await worker.start();
    expect(await run('orders.sync', { shop: '8' })).toBe('synced 8');
  });

  it('refuses at its start what it would have to leave out', async () => {
    @Processor({ nodeGroup: 'elsewhere' })
    class Elsewhere {
      run() {}
    }
    @JobCompletedHandler()
    class Completed {
      onComplete() {}
    }
    const start = (type: typeof Elsewhere | typeof Completed) =>
      new TaskTracker({ jobQueue: 'memory', log: silent, processors: [Rest, type] }).start();
    await expect(start(Elsewhere)).rejects.toThrow(
      /belong to the node group elsewhere, but this TaskTracker serves lts/,
    );
    await expect(start(Completed)).rejects.toThrow(/feedback goes to a JobClient/);
    await expect(start(Elsewhere)).rejects.toMatchObject({ code: 'LTS_CONFIG_INVALID' });
  });

  it('is refused at once when it is empty', () => {
    expect(() => new TaskTracker({ processors: [] })).toThrow(/needs a jobRunner, or processors/);
  });
});
