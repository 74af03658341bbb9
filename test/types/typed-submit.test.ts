/** What the compiler infers for submits: params and values, and what it refuses. Nothing here runs: tsc is the judge. */
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  defineJob,
  defineProcessor,
  type JobClient,
  type JobContext,
  type JobContract,
  type JobHandle,
  JobHandler,
  Nested,
  Processor,
  Result,
} from '../../src/index.js';
import type { InputOf, OutputOf } from '../../src/job/contract.js';
import type { Received, Sent } from '../../src/job/plain-data.js';

/** The calls are compiled, never made. */
const compiled = (_calls: (jobs: JobClient) => unknown): void => expect(_calls).toBeTypeOf('function');

class Line {
  sku!: string;
  count?: number = 1;
  total(): number {
    return 0;
  }
}
class Order {
  shop!: string;
  due?: Date;
  @Nested(() => Line) lines?: Line[];
}
interface Synced {
  synced: number;
  at: Date;
}

@Processor('orders')
class Orders {
  constructor(private readonly prefix: string) {}
  @JobHandler({ params: Order })
  async sync(params: Order, _context: JobContext): Promise<Synced> {
    return { synced: params.lines?.length ?? 0, at: new Date() };
  }
  @JobHandler()
  ping() {
    return 'pong' as const;
  }
  @JobHandler()
  async maybe(params: { n?: number }): Promise<Result<{ ok: boolean }>> {
    return Result.success('done', { ok: params.n === 1 });
  }
  @JobHandler()
  either(_params: { n: number }) {
    return Math.random() > 2 ? Result.later('again') : { n: 1 };
  }
  @JobHandler()
  nothing(_params: { n: number }): void {}
  named(): string {
    return this.prefix;
  }
}
@Processor()
class SpringBean {
  async run(context: JobContext<{ shop: string; day?: Date }>) {
    return { day: context.job.getParam('day') ?? null, big: [new Date()] };
  }
}
@Processor()
class Untyped {
  run(_context: JobContext) {}
}
@Processor()
class Bare {
  run() {
    return 1;
  }
}

const zodSchema = z.object({
  shop: z.string(),
  pages: z.number().default(1),
  at: z.iso.datetime().transform((t) => new Date(t)),
});
const valibotSchema = v.object({ shop: v.string(), pages: v.optional(v.number(), 1) });
const byClass = defineJob('orders.sync', { params: Order, result: Line });
const byZod = defineJob('z', { params: zodSchema, result: z.object({ at: z.date() }) });
const byValibot = defineJob('v', { params: valibotSchema });
const free = defineJob('free');

describe('a class and its method', () => {
  it('params are plain data, the value is what comes back from JSON', () =>
    compiled(async (jobs) => {
      const job = await jobs.submit(
        Orders,
        'sync',
        { shop: '1', lines: [{ sku: 'a' }], due: new Date() },
        { delay: '5s' },
      );
      expectTypeOf(job).toEqualTypeOf<JobHandle<{ synced: number; at: string }>>();
      expectTypeOf(await job.result()).toEqualTypeOf<{ synced: number; at: string }>();
      await jobs.submit(Orders, 'sync', { shop: '1', lines: [{ sku: 'a', count: 2 }] as const });
      expectTypeOf(await jobs.submitAndWait(Orders, 'ping')).toEqualTypeOf<'pong'>();
      expectTypeOf(await jobs.submitAndWait(Orders, 'nothing', { n: 1 })).toEqualTypeOf<undefined>();
    }));

  it('a Result gives its value', () =>
    compiled(async (jobs) => {
      expectTypeOf(await jobs.submitAndWait(Orders, 'maybe')).toEqualTypeOf<{ ok: boolean }>();
      expectTypeOf(await jobs.submitAndWait(Orders, 'either', { n: 1 })).toEqualTypeOf<{ n: number }>();
    }));

  it('is refused with other words', () =>
    compiled((jobs) => [
      // @ts-expect-error no such method
      jobs.submit(Orders, 'snyc', { shop: '1' }),
      // @ts-expect-error shop is missing
      jobs.submit(Orders, 'sync', {}),
      // @ts-expect-error params are missing
      jobs.submit(Orders, 'sync'),
      // @ts-expect-error shop is a text
      jobs.submit(Orders, 'sync', { shop: 1 }),
      // @ts-expect-error a line needs a sku
      jobs.submit(Orders, 'sync', { shop: '1', lines: [{}] }),
      // @ts-expect-error a field that the class does not have
      jobs.submit(Orders, 'sync', { shop: '1', shopp: '2' }),
      // @ts-expect-error the method is missing
      jobs.submit(Orders, { shop: '1' }),
      // @ts-expect-error no such option
      jobs.submit(Orders, 'sync', { shop: '1' }, { taskID: 'T' }),
      // @ts-expect-error the processor is said by the class
      jobs.submit(Orders, 'sync', { shop: '1' }, { processor: 'other' }),
      // @ts-expect-error waitTimeout is for submitAndWait
      jobs.submit(Orders, 'sync', { shop: '1' }, { waitTimeout: '1m' }),
      jobs.submitAndWait(Orders, 'sync', { shop: '1' }, { waitTimeout: '1m' }),
      // @ts-expect-error a private field is no method
      jobs.submit(Orders, 'prefix'),
    ]));
});

describe('a class with run', () => {
  it('params are those of its context', () =>
    compiled(async (jobs) => {
      const job = await jobs.submit(SpringBean, { shop: '1' });
      expectTypeOf(job).toEqualTypeOf<JobHandle<{ day: string | null; big: string[] }>>();
      expectTypeOf(await jobs.submitAndWait(Bare)).toEqualTypeOf<number>();
      await jobs.submit(Untyped);
      await jobs.submit(Untyped, { any: 'thing' }, { taskId: 'T' });
      // @ts-expect-error shop is missing
      await jobs.submit(SpringBean, {});
      // @ts-expect-error params are missing
      await jobs.submit(SpringBean);
      // @ts-expect-error run takes a context, not params
      await jobs.submit(SpringBean, 'run', { shop: '1' });
      // @ts-expect-error no runner at all
      await jobs.submit(Line, {});
    }));

  it('JobContext<P> knows its params; without P they are any', () => {
    const typed = (context: JobContext<{ shop: string }>) => {
      expectTypeOf(context.job.params).toEqualTypeOf<{ shop: string }>();
      expectTypeOf(context.job.getParam('shop')).toEqualTypeOf<string>();
      // @ts-expect-error no such param
      context.job.getParam('shopp');
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    };
    const untyped = (context: JobContext) => expectTypeOf(context.job.getParam('any')).toBeAny();
    expect([typed, untyped]).toHaveLength(2);
  });
});

describe('a contract', () => {
  it('takes what its class or schema takes, and promises its result as JSON gives it', () =>
    compiled(async (jobs) => {
      expectTypeOf(await jobs.submitAndWait(byClass, { shop: '1', lines: [{ sku: 'a' }] })).toEqualTypeOf<{
        sku: string;
        count?: number;
      }>();
      expectTypeOf(await jobs.submitAndWait(byZod, { shop: '1', at: '2026-01-01T00:00:00Z' })).toEqualTypeOf<{
        at: string;
      }>();
      expectTypeOf(await jobs.submit(byValibot, { shop: '1' })).toEqualTypeOf<JobHandle<unknown>>();
      await jobs.submit(free);
      await jobs.submit(free, { any: ['thing'] }, { taskId: 'T' });
      // @ts-expect-error the schema's input is a text, its output a Date
      await jobs.submit(byZod, { shop: '1', at: new Date() });
      // @ts-expect-error at is missing
      await jobs.submit(byZod, { shop: '1' });
      // @ts-expect-error pages is a number
      await jobs.submit(byValibot, { shop: '1', pages: '2' });
      // @ts-expect-error params are missing
      await jobs.submit(byClass);
    }));

  it('input and output of a schema differ', () => {
    expectTypeOf<InputOf<typeof zodSchema>>().toEqualTypeOf<{ shop: string; pages?: number | undefined; at: string }>();
    expectTypeOf<OutputOf<typeof zodSchema>>().toEqualTypeOf<{ shop: string; pages: number; at: Date }>();
    expectTypeOf<OutputOf<typeof valibotSchema>>().toEqualTypeOf<{ shop: string; pages: number }>();
    expectTypeOf<OutputOf<typeof Order>>().toEqualTypeOf<Order>();
    expectTypeOf(byZod).toEqualTypeOf<
      JobContract<InputOf<typeof zodSchema>, OutputOf<typeof zodSchema>, { at: Date }>
    >();
  });

  it('defaults are options of jobs, but not those that belong to one job', () => {
    defineJob('a', { timeout: '1s', cron: '0 0 * * *' });
    // @ts-expect-error a key belongs to one job
    defineJob('a', { taskId: 'T' });
    // @ts-expect-error no such option
    defineJob('a', { timeOut: '1s' });
    expect(byClass.processor).toBe('orders.sync');
  });

  it('a handler gets the output, a submit gives the input', () => {
    const handled = defineProcessor('p', { params: zodSchema }, ({ at, pages }) => {
      expectTypeOf(at).toEqualTypeOf<Date>();
      return pages > 1 ? Result.failed('many') : { at };
    });
    compiled(async (jobs) => {
      expectTypeOf(await jobs.submitAndWait(handled, { shop: '1', at: 'x' })).toEqualTypeOf<{ at: string }>();
      // @ts-expect-error pages is a number
      await jobs.submit(handled, { shop: '1', at: 'x', pages: 'many' });
    });
    class Implementing {
      @JobHandler(byZod)
      good(params: { shop: string; at: Date }) {
        return { at: params.at };
      }
      // @ts-expect-error the schema gives a Date
      @JobHandler(byZod)
      bad(_params: { at: string }) {
        return { at: new Date() };
      }
      // @ts-expect-error the contract promises { at: Date }
      @JobHandler(byZod)
      worse(_params: { shop: string }) {
        return { at: 5 };
      }
    }
    expect(Implementing).toBeDefined();
  });
});

it('submitAll: each item is checked, each handle has its own value', () =>
  compiled(async (jobs) => {
    const [synced, bean, contract] = await jobs.submitAll([
      [Orders, 'sync', { shop: '1' }, { taskId: 'T' }],
      [SpringBean, { shop: '1' }],
      [byZod, { shop: '1', at: 'x' }, { delay: 5 }],
    ]);
    expectTypeOf(synced).toEqualTypeOf<JobHandle<{ synced: number; at: string }>>();
    expectTypeOf(bean).toEqualTypeOf<JobHandle<{ day: string | null; big: string[] }>>();
    expectTypeOf(contract).toEqualTypeOf<JobHandle<{ at: string }>>();
    const many = await jobs.submitAll(['a', 'b'].map((shop) => [Orders, 'sync', { shop }] as const));
    expectTypeOf(many).toEqualTypeOf<JobHandle<{ synced: number; at: string }>[]>();
    await jobs.submitAll([[Orders, 'ping'], [Untyped], [free]]);
    // @ts-expect-error shop is a text
    await jobs.submitAll([[Orders, 'sync', { shop: 1 }]]);
    // @ts-expect-error no such method
    await jobs.submitAll([[Orders, 'snyc', { shop: '1' }]]);
    // @ts-expect-error params are missing
    await jobs.submitAll([[SpringBean]]);
    // @ts-expect-error at is missing
    await jobs.submitAll([[byZod, { shop: '1' }]]);
    // @ts-expect-error neither class nor contract
    await jobs.submitAll([['orders.sync', {}]]);
  }));

it('data on its way: without methods, Dates as text, plain types as they are', () => {
  expectTypeOf<Sent<Line>>().toEqualTypeOf<{ sku: string; count?: number }>();
  expectTypeOf<Sent<{ a: Line[] }>>().toEqualTypeOf<{ a: readonly { sku: string; count?: number }[] }>();
  expectTypeOf<Received<{ at: Date; on: () => void; list: [Date, 1] }>>().toEqualTypeOf<{
    at: string;
    list: [string, 1];
  }>();
  expectTypeOf<Received<Synced[]>>().toEqualTypeOf<{ synced: number; at: string }[]>();
  expectTypeOf<Received<void>>().toEqualTypeOf<undefined>();
  expectTypeOf<Received<unknown>>().toEqualTypeOf<unknown>();
  // biome-ignore lint/suspicious/noExplicitAny: any stays any.
  expectTypeOf<Received<any>>().toBeAny();
  interface Plain {
    readonly a: string;
  }
  expectTypeOf<Received<Plain>>().toEqualTypeOf<Plain>();
});
