/** Beans: built, found by id, run with checked params and interceptors. */
import { Container, inject, injectable, preDestroy } from 'inversify';
import { afterEach, describe, expect, it } from 'vitest';
import { type Beans, type BeansOptions, openBeans } from '../../../src/boot/beans/beans.js';
import {
  defineProcessor,
  JobClient,
  JobCompletedHandler,
  type JobContext,
  JobHandler,
  type JobResult,
  JobRunner,
  LtsError,
  MasterNodeListener,
  Processor,
  Result,
  RunInterceptor,
} from '../../../src/index.js';
import { Clock } from '../../../src/ports/clock.js';
import type { Schemas } from '../../../src/ports/schemas.js';
import { madeUpContext } from './made-up-context.js';

/** Takes params whose `n` is a number, and gives twice of it. */
const doubling: Schemas = {
  async check<Output>(_schema: unknown, value: unknown): Promise<Output> {
    const { n } = value as { n: unknown };
    if (typeof n !== 'number') throw new LtsError('LTS_PARAMS_INVALID', 'n must be a number');
    return { n: 2 * n } as Output;
  },
};

const open: Beans[] = [];
afterEach(async () => {
  for (const beans of open.splice(0)) await beans.close();
});

async function opened(options: Partial<BeansOptions>): Promise<Beans> {
  const beans = await openBeans({ schemas: doubling, ...options });
  open.push(beans);
  return beans;
}

const ran = (beans: Beans, id?: string, params?: Record<string, unknown>) => beans.find(id)?.run(madeUpContext(params));

@injectable()
class Shop {
  readonly name = 'corner';
}

class Numbers {
  n!: number;
}

describe('lookup', () => {
  @JobRunner({ id: 'main', description: 'the rest' })
  class Main {
    run({ job }: JobContext) {
      return `main ${job.jobId}`;
    }
  }
  @Processor('orders')
  class Orders {
    constructor(@inject(Shop) private readonly shop: Shop) {}
    @JobHandler()
    sync(params: { a: number }, context: JobContext) {
      return [this.shop.name, params.a, context.job.jobId];
    }
  }
  const mail = defineProcessor('mail', { description: 'sends' }, (params: { to: string }) => `to ${params.to}`);

  it('a class with run, a handler and a definition are found by their ids', async () => {
    const beans = await opened({ processors: [Main, Orders, mail] });
    expect(ran(beans, 'main')).toBe('main J1');
    expect(ran(beans, 'orders.sync', { a: 1 })).toEqual(['corner', 1, 'J1']);
    expect(ran(beans, 'mail', { to: 'x' })).toBe('to x');
    expect(beans.find('orders')).toBeUndefined();
    expect(beans.ids()).toEqual([
      { id: 'main', description: 'the rest' },
      { id: 'orders.sync' },
      { id: 'mail', description: 'sends' },
    ]);
    expect([...beans.contracts().keys()]).toEqual(['main', 'orders.sync', 'mail']);
  });

  it('a job without processor goes to the JobRunner, and to nobody where there is none', async () => {
    expect(ran(await opened({ processors: [Main] }))).toBe('main J1');
    expect((await opened({ processors: [Orders] })).find(undefined)).toBeUndefined();
  });

  it('a class may have run and handlers, each with an id of its own', async () => {
    @Processor('both')
    class Both {
      run() {
        return 'run';
      }
      @JobHandler()
      part() {
        return 'part';
      }
    }
    const beans = await opened({ processors: [Both] });
    expect([ran(beans, 'both'), ran(beans, 'both.part')]).toEqual(['run', 'part']);
  });

  it('plain runners by name and a class as job runner go together', async () => {
    class Undecorated {
      run() {
        return 'undecorated';
      }
    }
    const beans = await opened({ processors: { a: () => 'a', b: { run: () => 'b' } }, jobRunner: Undecorated });
    expect([ran(beans, 'a'), ran(beans, 'b'), ran(beans)]).toEqual(['a', 'b', 'undecorated']);
  });

  it('a plain job runner has no id', async () => {
    const beans = await opened({ processors: [mail], jobRunner: () => 'rest' });
    expect(ran(beans)).toBe('rest');
    expect(beans.ids()).toEqual([{ id: 'mail', description: 'sends' }]);
  });
});

describe('node groups', () => {
  @Processor({ id: 'red', nodeGroup: 'red' })
  class Red {
    run() {}
    @JobHandler()
    own() {}
    @JobHandler({ nodeGroup: 'blue' })
    elsewhere() {}
  }
  @Processor('any')
  class AnyGroup {
    run() {}
  }

  it('a group has its own processors and those that name none', async () => {
    const beans = await opened({ processors: [Red, AnyGroup] });
    const idsOf = (group: string) =>
      beans
        .forGroup(group)
        .ids()
        .map(({ id }) => id);
    expect(beans.groups()).toEqual(['blue', 'red']);
    expect(idsOf('red')).toEqual(['red', 'red.own', 'any']);
    expect(idsOf('blue')).toEqual(['red.elsewhere', 'any']);
    expect(idsOf('green')).toEqual(['any']);
    expect(beans.forGroup('green').find('red')).toBeUndefined();
  });
});

describe('building', () => {
  it('a singleton is built once, at open; a bean of scope job for each run', async () => {
    const built: string[] = [];
    @Processor('once')
    class Once {
      constructor() {
        built.push('once');
      }
      run() {
        return this;
      }
    }
    @Processor({ id: 'fresh', scope: 'job' })
    class Fresh {
      constructor() {
        built.push('fresh');
      }
      run() {
        return this;
      }
    }
    const beans = await opened({ processors: [Once, Fresh] });
    // One of the second, too: to see whether it can be built.
    expect(built).toEqual(['once', 'fresh']);
    expect(await ran(beans, 'once')).toBe(await ran(beans, 'once'));
    expect(await ran(beans, 'fresh')).not.toBe(await ran(beans, 'fresh'));
    expect(built).toEqual(['once', 'fresh', 'fresh', 'fresh']);
  });

  it('constructors get the client, framework ports and other beans', async () => {
    const client = {} as JobClient;
    const clock = {} as Clock;
    @Processor('other')
    class Other {
      run() {}
    }
    @Processor('asking')
    class Asking {
      constructor(
        @inject(JobClient) readonly jobs: JobClient,
        @inject(Clock) readonly clock: Clock,
        @inject(Other) readonly other: Other,
      ) {}
      run() {
        return this;
      }
    }
    const bindings = () => [
      { token: JobClient, value: client },
      { token: Clock, value: clock },
    ];
    const beans = await opened({ processors: [Asking, Other], bindings });
    const asking = ran(beans, 'asking') as Asking;
    expect(asking.jobs).toBe(client);
    expect(asking.clock).toBe(clock);
    expect(asking.other).toBe(beans.container.get(Other));
  });

  it('bindings are asked for once, with the plan, before anything is built', async () => {
    const asked: unknown[] = [];
    const bindings: BeansOptions['bindings'] = (plan) => {
      asked.push([plan.hasCompletedHandler, plan.groups, [...plan.contracts.keys()]]);
      return [];
    };
    await opened({ processors: [defineProcessor('a', { nodeGroup: 'g' }, () => 1)], bindings });
    expect(asked).toEqual([[false, ['g'], ['a']]]);
  });

  it('a dependency that is made asynchronously is waited for, in both scopes', async () => {
    const container = new Container();
    container.bind('db').toDynamicValue(async () => 'connected');
    @Processor('one')
    class One {
      constructor(@inject('db') readonly db: string) {}
      run() {
        return this.db;
      }
    }
    @Processor({ id: 'each', scope: 'job' })
    class Each extends One {
      constructor(@inject('db') db: string) {
        super(db);
      }
    }
    const beans = await opened({ container, processors: [One, Each] });
    expect([await ran(beans, 'one'), await ran(beans, 'each')]).toEqual(['connected', 'connected']);
  });

  it('the clean-up of beans runs at close', async () => {
    const ended: string[] = [];
    @Processor('ending')
    class Ending {
      run() {}
      @preDestroy()
      end() {
        ended.push('ending');
      }
    }
    await (await openBeans({ processors: [Ending], schemas: doubling })).close();
    expect(ended).toEqual(['ending']);
  });
});

describe('a container of the user', () => {
  it('without a list, every decorated class that it has bound is a bean', async () => {
    @Processor('bound')
    class Bound {
      run() {
        return this;
      }
    }
    @Processor('unbound')
    class Unbound {
      run() {}
    }
    const container = new Container();
    container.bind(Bound).toSelf().inSingletonScope();
    const beans = await opened({ container });
    expect(Unbound).toBeDefined();
    expect(beans.ids()).toEqual([{ id: 'bound' }]);
    expect(beans.container).toBe(container);
    expect(ran(beans, 'bound')).toBe(container.get(Bound));
  });

  it('that binds classes by itself has bound only what somebody bound', async () => {
    @Processor('asked')
    class Asked {
      run() {}
    }
    @Processor('neverAsked')
    class NeverAsked {
      // Asking such a container about this class makes it throw.
      constructor(readonly anything: unknown) {}
      run() {}
    }
    const parent = new Container();
    parent.bind(Asked).toSelf();
    const container = new Container({ autobind: true, parent });
    const beans = await opened({ container });
    expect(NeverAsked).toBeDefined();
    expect(beans.ids()).toEqual([{ id: 'asked' }]);
  });

  it('gets back what was bound in it, and keeps its own', async () => {
    @Processor('listed')
    class Listed {
      run() {}
    }
    const container = new Container();
    container.bind(Shop).toSelf();
    const bindings = () => [
      { token: Shop, value: 'never used' },
      { token: Clock, value: {} },
    ];
    const beans = await openBeans({ container, processors: [Listed], bindings, schemas: doubling });
    expect([Listed, Clock, Shop].map((token) => container.isBound(token))).toEqual([true, true, true]);
    expect(container.get(Shop)).toBeInstanceOf(Shop);
    await beans.close();
    expect([Listed, Clock, Shop].map((token) => container.isBound(token))).toEqual([false, false, true]);
  });

  it('gets it back also when the beans cannot be opened', async () => {
    const container = new Container();
    class NoBean {}
    const bindings = () => [{ token: Clock, value: {} }];
    await expect(openBeans({ container, processors: [NoBean], bindings, schemas: doubling })).rejects.toThrow();
    expect(container.isBound(Clock)).toBe(false);
  });
});

describe('params', () => {
  @Processor({ id: 'whole', params: Numbers })
  class Whole {
    run({ job }: JobContext<Numbers>) {
      return job.params.n;
    }
  }
  @Processor('parts')
  class Parts {
    @JobHandler({ params: Numbers })
    part(params: Numbers, context: JobContext<Numbers>) {
      return [params.n, context.job.params === params, context.job.jobId];
    }
  }
  const defined = defineProcessor('defined', { params: Numbers }, ({ n }) => n);

  it('are checked and converted before the run, for run, handlers and definitions', async () => {
    const beans = await opened({ processors: [Whole, Parts, defined] });
    expect(await ran(beans, 'whole', { n: 2 })).toBe(4);
    expect(await ran(beans, 'parts.part', { n: 2 })).toEqual([4, true, 'J1']);
    expect(await ran(beans, 'defined', { n: 2 })).toBe(4);
  });

  it('the context with the checked params is that of the same run', async () => {
    const seen: JobContext[] = [];
    const watching = defineProcessor('watching', { params: Numbers }, (_params, context) => seen.push(context));
    const context = madeUpContext({ n: 2 });
    await (await opened({ processors: [watching] })).find('watching')?.run(context);
    const { job, ...rest } = context;
    expect(seen[0]).toMatchObject({ runId: rest.runId, attempt: 1, nodeGroup: 'lts' });
    expect(seen[0]?.bizLogger).toBe(context.bizLogger);
    expect([job.params, seen[0]?.job.params]).toEqual([{ n: 2 }, { n: 4 }]);
  });

  it('that do not fit end the job without a retry, with the message', async () => {
    const beans = await opened({ processors: [Parts] });
    expect(await ran(beans, 'parts.part', { n: 'two' })).toEqual(Result.failed('n must be a number'));
  });

  it('a check that fails by itself is no fault of the params', async () => {
    const schemas = { check: () => Promise.reject(new Error('out of order')) };
    const beans = await opened({ processors: [Parts], schemas });
    await expect(ran(beans, 'parts.part', { n: 2 })).rejects.toThrow('out of order');
  });
});

describe('interceptors and listeners', () => {
  const seen: string[] = [];
  @RunInterceptor()
  class Outer {
    async intercept({ job }: JobContext, next: () => Promise<unknown>) {
      seen.push(`outer ${job.jobId}`);
      return `(${await next()})`;
    }
  }
  @RunInterceptor()
  class Inner {
    async intercept(_context: JobContext, next: () => Promise<unknown>) {
      seen.push('inner');
      return `[${await next()}]`;
    }
  }
  const plain = defineProcessor('plain', {}, () => 'run');

  it('wrap every run in the order of the list, the first outermost', async () => {
    seen.length = 0;
    const beans = await opened({ processors: [Outer, plain, Inner] });
    expect(await ran(beans, 'plain')).toBe('([run])');
    expect(seen).toEqual(['outer J1', 'inner']);
  });

  it('what a run throws at once reaches the interceptor as a rejection', async () => {
    @RunInterceptor()
    class Mending {
      async intercept(_context: JobContext, next: () => Promise<unknown>) {
        return next().catch((error: Error) => `mended ${error.message}`);
      }
    }
    const failing = defineProcessor('failing', {}, () => {
      throw new Error('it');
    });
    expect(await ran(await opened({ processors: [Mending, failing] }), 'failing')).toBe('mended it');
  });

  it('without interceptor and schema a run calls the method and nothing else', async () => {
    const handler = () => 'run';
    const beans = await opened({ processors: { plain: handler } });
    expect(beans.find('plain')?.run).toBe(handler);
  });

  it('the completed handler and the master listeners are built like other beans', async () => {
    @JobCompletedHandler()
    class Completed {
      constructor(@inject(Shop) readonly shop: Shop) {}
      onComplete(results: JobResult[]) {
        return `${this.shop.name} ${results.length}`;
      }
    }
    @MasterNodeListener({ nodeTypes: ['JOB_TRACKER'] })
    class Elections {
      heard = 0;
      change() {
        return ++this.heard;
      }
    }
    const beans = await opened({ processors: [Completed, Elections] });
    expect(beans.completedHandler?.onComplete([])).toBe('corner 0');
    const [listener] = beans.masterListeners;
    expect(listener?.nodeTypes).toEqual(['JOB_TRACKER']);
    const node = { type: 'JOB_TRACKER', nodeGroup: 'g', identity: 'i', startedAt: 0 } as const;
    expect([listener?.change(node, true), listener?.change(node, true)]).toEqual([1, 2]);
  });
});
