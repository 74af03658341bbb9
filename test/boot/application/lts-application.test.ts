/** LtsApplication: from decorated classes and settings to a running application, and down again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container, inject, injectable, preDestroy } from 'inversify';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { terminalLines } from '../../../src/adapters/pino/terminal-lines.js';
import {
  type ApplicationOptions,
  Clock,
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  JobClient,
  JobCompletedHandler,
  type JobContext,
  JobHandler,
  type JobResult,
  LtsApplication,
  LtsError,
  LtsJobClient,
  MasterNodeListener,
  NodeChangeListener,
  Processor,
} from '../../../src/index.js';

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

@EnableJobTracker()
@EnableJobClient()
class WithoutWorkers {}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const silent = pino({ level: 'silent' });

async function run(application: Parameters<typeof LtsApplication.run>[0], options: ApplicationOptions = {}) {
  const dataPath = mkdtempSync(join(tmpdir(), 'lts-app-'));
  cleanups.push(() => rmSync(dataPath, { recursive: true, force: true }));
  const app = await LtsApplication.run(application, {
    logger: silent,
    handleSignals: false,
    ...options,
    settings: { 'lts.data-path': dataPath, 'lts.jobtracker.configs.job.queue': 'memory', ...options.settings },
  });
  cleanups.push(() => app.stop());
  return app;
}

async function failing(...given: Parameters<typeof run>): Promise<LtsError> {
  try {
    await run(...given);
  } catch (error) {
    if (LtsError.is(error)) return error;
    throw error;
  }
  throw new Error('it started');
}

/** Without a pool of connections, whose timers would outlive the test. */
function statusOf(place: { port: number | undefined; path: string }): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ ...place, agent: false }, (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
}

@Processor()
class Greeter {
  @JobHandler()
  async greet({ name }: { name: string }) {
    return `hello ${name}`;
  }
}

@Processor({ nodeGroup: 'mail' })
class Mailer {
  run({ nodeGroup }: JobContext) {
    return nodeGroup;
  }
}

describe('an application', () => {
  it('runs processors that are submitted by class, by builder and by a service of the container', async () => {
    @injectable()
    class Checkout {
      constructor(@inject(JobClient) readonly jobs: JobClient) {}
      pay() {
        return this.jobs.submitAndWait(Greeter, 'greet', { name: 'service' });
      }
    }
    const app = await run(Application, { processors: [Greeter] });
    expect(await (await app.jobClient.submit(Greeter, 'greet', { name: 'class' })).result()).toBe('hello class');
    const builder = LtsJobClient.getInstance().bizId('1').bizType('greeting').processor('greeter.greet');
    const [response] = await builder.setParam('name', 'builder').submit();
    expect(response).toMatchObject({ code: 'accepted', taskId: 'greeting:1' });
    expect(await app.jobClient.result(response?.jobId ?? '')).toBe('hello builder');
    expect(await app.container.get(Checkout, { autobind: true }).pay()).toBe('hello service');
  });

  it('starts a TaskTracker for each node group that a processor names', async () => {
    const app = await run(Application, { processors: [Greeter, Mailer] });
    const groups = app.health().nodes.filter(({ type }) => type === 'TASK_TRACKER');
    expect(groups.map(({ nodeGroup }) => nodeGroup)).toEqual(['lts', 'mail']);
    expect(await app.jobClient.submitAndWait(Mailer, {})).toBe('mail');
  });

  it('starts the listed node groups only, each with its own processors', async () => {
    const app = await run(Application, { processors: [Mailer], settings: { 'lts.tasktracker.node-group': 'mail' } });
    const groups = app.health().nodes.map(({ nodeGroup }) => nodeGroup);
    expect(groups).toEqual([undefined, 'lts', 'mail']);
  });

  it('starts the node groups that its decorator lists', async () => {
    @EnableJobTracker()
    @EnableTaskTracker({ nodeGroup: 'lts, mail' })
    class TwoGroups {}
    const app = await run(TwoGroups, { processors: [Greeter, Mailer] });
    expect(app.health().nodes.map(({ nodeGroup }) => nodeGroup)).toEqual([undefined, 'lts', 'mail']);
  });

  it('runs a class that has both run and handlers by each of its names', async () => {
    @Processor()
    class Both {
      run() {
        return 'run';
      }
      @JobHandler()
      async handle(_params: { n: number }) {
        return 'handle';
      }
    }
    const app = await run(Application, { processors: [Both] });
    expect(await app.jobClient.submitAndWait(Both, {})).toBe('run');
    expect(await app.jobClient.submitAndWait(Both, 'handle', { n: 1 })).toBe('handle');
  });

  it('hands feedback and elections to the classes that are marked for them', async () => {
    const feedback: JobResult[] = [];
    const elections: string[] = [];
    @JobCompletedHandler()
    class Completed {
      onComplete(results: JobResult[]) {
        feedback.push(...results);
      }
    }
    @MasterNodeListener({ nodeTypes: ['TASK_TRACKER'] })
    class Elections implements MasterNodeListener {
      change(master: { type: string }, isMaster: boolean) {
        elections.push(`${master.type} ${isMaster}`);
      }
    }
    const app = await run(Application, { processors: [Greeter, Completed, Elections] });
    await app.jobClient.submitAndWait(Greeter, 'greet', { name: 'you' });
    await expect.poll(() => feedback.map(({ value }) => value)).toEqual(['hello you']);
    await expect.poll(() => elections).toEqual(['TASK_TRACKER true']);
  });

  it.each([
    ['three roles', Application, ['JOB_CLIENT', 'JOB_TRACKER', 'TASK_TRACKER']],
    ['workers alone', { taskTracker: {} }, ['TASK_TRACKER']],
    ['a client alone', { jobClient: {} }, ['JOB_CLIENT']],
  ] as const)('tells its listeners of each node once: %s', async (_, application, types) => {
    const all: string[] = [];
    const clients: string[] = [];
    @NodeChangeListener()
    class Failing {
      addNodes() {
        throw new Error('must not keep the others from hearing');
      }
    }
    @NodeChangeListener()
    class Nodes implements NodeChangeListener {
      addNodes(nodes: readonly { type: string }[]) {
        all.push(...nodes.map(({ type }) => type));
      }
      removeNodes(nodes: readonly { type: string }[]) {
        all.push(...nodes.map(({ type }) => `-${type}`));
      }
    }
    @NodeChangeListener({ nodeTypes: ['JOB_CLIENT'] })
    class Clients {
      addNodes(nodes: readonly { type: string }[]) {
        clients.push(...nodes.map(({ type }) => type));
      }
    }
    await run(application, { processors: [Greeter, Failing, Nodes, Clients] });
    await expect.poll(() => [...all].sort()).toEqual(types);
    expect(clients).toEqual(types.filter((type) => type === 'JOB_CLIENT'));
  });

  it("uses the user's own container, and takes its bindings away again at stop", async () => {
    const container = new Container();
    const Zone = Symbol('Zone');
    container.bind(Zone).toConstantValue('Asia/Shanghai');
    @Processor()
    class Zoned {
      constructor(
        @inject(Zone) private readonly zone: string,
        @inject(Clock) private readonly clock: Clock,
      ) {}
      run() {
        return { zone: this.zone, hasTime: this.clock.wallMs() > 0 };
      }
    }
    container.bind(Zoned).toSelf().inSingletonScope();
    const app = await run(Application, { container });
    expect(app.container).toBe(container);
    expect(await app.jobClient.submitAndWait(Zoned, {})).toEqual({ zone: 'Asia/Shanghai', hasTime: true });
    await app.stop();
    expect([container.isBound(Zoned), container.isBound(JobClient)]).toEqual([true, false]);
  });

  it('is ready while it runs, drains at stop and says what became of its runs', async () => {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let began = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      began = resolve;
    });
    @Processor()
    class Slow {
      async run() {
        began();
        await finished;
      }
    }
    const app = await run(Application, { processors: [Slow], settings: { 'lts.health.port': 0 } });
    const probe = (path: string) => statusOf({ port: app.healthPort, path });
    expect([await probe('/health/live'), await probe('/health/ready'), await probe('/')]).toEqual([200, 200, 404]);
    await app.jobClient.submit(Slow, {});
    await hasBegun;
    const stopping = app.stop();
    expect([await probe('/health/live'), await probe('/health/ready')]).toEqual([200, 503]);
    finish();
    expect(await stopping).toEqual({ finished: 1, handedBack: 0, abandoned: 0 });
    expect(app.health()).toMatchObject({ state: 'stopped', isLive: false, isReady: false });
    await expect(probe('/health/live')).rejects.toThrow();
    expect(() => LtsJobClient.getInstance()).toThrow(/No application/);
  });

  it('stops within its deadline although a run never returns', async () => {
    let began = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      began = resolve;
    });
    @Processor()
    class Stuck {
      run() {
        began();
        return new Promise(() => {});
      }
    }
    const app = await run(Application, { processors: [Stuck], settings: { 'lts.tasktracker.abort-grace': '50ms' } });
    await app.jobClient.submit(Stuck, {});
    await hasBegun;
    expect(await app.stop(100)).toEqual({ finished: 0, handedBack: 0, abandoned: 1 });
  });
});

describe("the user's own container", () => {
  it('is refused to a second application at the same time, and free again after the first', async () => {
    const container = new Container();
    container.bind(Greeter).toSelf().inSingletonScope();
    const first = await run(Application, { container });
    expect((await failing(Application, { container })).message).toMatch(/another application of this process uses/);
    expect(await first.jobClient.submitAndWait(Greeter, 'greet', { name: 'first' })).toBe('hello first');
    await first.stop();
    const second = await run(Application, { container });
    expect(await second.jobClient.submitAndWait(Greeter, 'greet', { name: 'second' })).toBe('hello second');
  });

  it('holds nothing of ours after a start that failed behind the beans', async () => {
    const container = new Container();
    const settings = { 'lts.tasktracker.node-group': 'other' };
    await failing(Application, { container, processors: [Mailer], settings });
    expect([container.isBound(JobClient), container.isBound(Mailer)]).toEqual([false, false]);
  });
});

describe('a clean-up of the user that', () => {
  const stopOf = async (bye: () => unknown) => {
    @Processor()
    class Leaving {
      run() {}
      @preDestroy()
      bye() {
        return bye();
      }
    }
    const app = await run(Application, { processors: [Leaving] });
    return app.stop(400);
  };

  it('never ends does not hold the stop up', async () => {
    expect(await stopOf(() => new Promise(() => {}))).toEqual({ finished: 0, handedBack: 0, abandoned: 0 });
  });

  it('throws does not spoil the report', async () => {
    const throwing = () => {
      throw new Error('bye failed');
    };
    expect(await stopOf(throwing)).toEqual({ finished: 0, handedBack: 0, abandoned: 0 });
  });
});

describe('an application that cannot start', () => {
  it('says what is wrong with its class, settings and processors, and leaves nothing running', async () => {
    class Bare {}
    expect((await failing(Bare)).message).toMatch(/Bare enables no role/);
    expect((await failing(Application)).message).toMatch(/nothing to run: no processor was found/);
    const settings = { 'lts.tasktracker.work-thread': 3 };
    expect((await failing(Application, { processors: [Greeter], settings })).message).toMatch(
      /Did you mean lts\.tasktracker\.work-threads/,
    );
    const cluster = { 'lts.registry-address': 'nats://user:secret@127.0.0.1:9', 'lts.nats.connect-within': 50 };
    const error = await failing(Application, { processors: [Greeter], settings: cluster });
    expect(error.message).toMatch(/127\.0\.0\.1:9 does not answer within 50 ms/);
    expect(error.message).not.toMatch(/secret/);
    const elsewhere = { 'lts.tasktracker.node-group': 'lts' };
    expect((await failing(Application, { processors: [Mailer], settings: elsewhere })).message).toMatch(
      /all processors \(mailer\) name other groups/,
    );
  });

  it('on a port in use names the key, and the next start works', async () => {
    const app = await run(WithoutWorkers, { settings: { 'lts.health.port': 0 } });
    const settings = { 'lts.health.port': app.healthPort };
    expect((await failing(WithoutWorkers, { settings })).message).toMatch(/lts\.health\.port: 127\.0\.0\.1:\d+ cannot/);
    await app.stop();
    await run(WithoutWorkers, { settings });
  });

  it('has no JobClient unless it is enabled', async () => {
    const app = await run({ jobTracker: {} });
    expect(() => app.jobClient).toThrow(/@EnableJobClient/);
  });
});

describe('log lines for a terminal', () => {
  it('show time, level, text, fields and the stack of an error', () => {
    const lines: string[] = [];
    const destination = terminalLines({ write: (text) => lines.push(text) }, { colour: false });
    const options = { serializers: { error: pino.stdSerializers.err }, base: null };
    const logger = pino(options, destination);
    logger.warn({ jobId: 'J1', tries: 2 }, 'a warning');
    logger.error({ error: new Error('broken') }, 'a failure');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}a warning jobId=J1 tries=2\n$/);
    expect(lines[1]).toMatch(/ERROR a failure\nError: broken\n {4}at /);
  });
});

describe('what run is given, regressions', () => {
  it('an option or role that is misspelt or of the wrong kind did nothing, or failed far away', async () => {
    const text = async (application: unknown, options: object) => {
      const { code, message } = await failing(application as typeof Application, options);
      expect(code).toBe('LTS_CONFIG_INVALID');
      return message;
    };
    expect(await text(Application, { procesors: [Greeter] })).toMatch(/procesors: .* Did you mean processors\?/);
    expect(await text(Application, { processors: Greeter })).toMatch(/^processors: Greeter is no list/);
    expect(await text(Application, { logger: console })).toMatch(/logger: it has no method child/);
    expect(await text(null, {})).toMatch(/null is no application/);
    expect(await text(undefined, {})).toMatch(/undefined is no application/);
    expect(await text({ jobtracker: {} }, {})).toMatch(/jobtracker: .* Did you mean jobTracker\?/);
  });

  it('an option of a decorator that is undefined switched the setting off', async () => {
    @EnableJobTracker()
    @EnableTaskTracker({ workThreads: undefined, nodeGroup: undefined })
    @EnableJobClient({ nodeGroup: undefined })
    class Undecided {}
    @Processor()
    class Counting {
      static now = 0;
      static most = 0;
      async run() {
        Counting.most = Math.max(Counting.most, ++Counting.now);
        await new Promise(setImmediate);
        Counting.now--;
      }
    }
    const settings = { 'lts.tasktracker.work-threads': 1, 'lts.jobclient.node-group': 'web' };
    const app = await run(Undecided, { processors: [Counting], settings });
    expect(app.health().nodes.map(({ nodeGroup }) => nodeGroup)).toEqual([undefined, 'web', 'lts']);
    await Promise.all([1, 2, 3].map(() => app.jobClient.submitAndWait(Counting, {})));
    expect(Counting.most).toBe(1);
  });

  it('a container in which nothing is bound was answered with advice about scanning', async () => {
    const { message } = await failing(Application, { container: new Container() });
    expect(message).toMatch(/no processor is bound in the container\. Bind each one/);
  });

  it('a client or worker that no JobTracker can hear started without a word', async () => {
    const lines: string[] = [];
    const logger = pino({ base: null }, { write: (line) => void lines.push(line) });
    await run({ taskTracker: {} }, { processors: [Greeter], logger });
    expect(lines.filter((line) => line.includes('starts no JobTracker'))).toHaveLength(1);
    lines.length = 0;
    await run({ taskTracker: {}, jobTracker: {} }, { processors: [Greeter], logger });
    expect(lines.filter((line) => line.includes('starts no JobTracker'))).toEqual([]);
  });
});
