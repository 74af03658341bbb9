/** What the compiler holds: handlers that fit their params and contracts, and inferred definitions. */
import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineProcessor, type JobContext, JobHandler, type ProcessorDefinition, Result } from '../../src/index.js';
import { defineJob, type JobContract } from '../../src/job/contract.js';

class SyncOrder {
  shop!: string;
  pages?: number = 1;
}
class Synced {
  synced!: number;
}
const schema = z.object({ shop: z.string(), pages: z.number().default(1) });
const contract = defineJob('orders.sync', { params: SyncOrder, result: Synced });

it('a handler takes what its params class, schema or contract gives', () => {
  class Fitting {
    @JobHandler({ params: SyncOrder, timeout: '30s' })
    async byClass(params: SyncOrder, _context: JobContext) {
      return { synced: params.pages };
    }
    @JobHandler({ params: SyncOrder })
    withPart(_params: { shop: string }, _context: JobContext<SyncOrder>) {}
    @JobHandler({ params: schema })
    bySchema(_params: { shop: string; pages: number }) {}
    @JobHandler(contract)
    async byContract(_params: SyncOrder): Promise<Synced> {
      return { synced: 1 };
    }
    @JobHandler(contract)
    plainly(_params: SyncOrder) {
      return _params.shop === '' ? Result.later('no shop') : { synced: 1 };
    }
    @JobHandler('free')
    free(_params: { anything: Date }, _context: JobContext) {}
    @JobHandler()
    bare() {}
  }
  expect(Fitting).toBeDefined();
});

it('a handler that does not fit is an error of the compiler', () => {
  class Unfit {
    // @ts-expect-error pages may be absent, shop is a string
    @JobHandler({ params: SyncOrder })
    wrongField(_params: { shop: number }) {}
    // @ts-expect-error the class gives no customer
    @JobHandler({ params: SyncOrder })
    asksMore(_params: SyncOrder & { customer: string }) {}
    // @ts-expect-error the schema's output has pages as number
    @JobHandler({ params: schema })
    wrongOutput(_params: { shop: string; pages: string }) {}
    // @ts-expect-error the contract promises { synced: number }
    @JobHandler(contract)
    async wrongValue(_params: SyncOrder) {
      return { synced: 'many' };
    }
    // @ts-expect-error the second parameter is the context
    @JobHandler({ params: SyncOrder })
    wrongContext(_params: SyncOrder, _context: string) {}
  }
  expect(Unfit).toBeDefined();
});

it('a definition knows its input, params and value', () => {
  const bySchema = defineProcessor('a', { params: schema }, async ({ shop, pages }) => {
    expectTypeOf(pages).toEqualTypeOf<number>();
    return shop === '' ? Result.failed('no shop') : { synced: pages };
  });
  expectTypeOf(bySchema).toEqualTypeOf<
    ProcessorDefinition<
      { shop: string; pages?: number | undefined },
      { shop: string; pages: number },
      { synced: number }
    >
  >();
  const byClass = defineProcessor('b', { params: SyncOrder, timeout: '1s' }, (params, context) => {
    expectTypeOf(params).toEqualTypeOf<SyncOrder>();
    expectTypeOf(context.attempt).toEqualTypeOf<number>();
    return 7;
  });
  expectTypeOf(byClass.value).toEqualTypeOf<number | undefined>();
  const free = defineProcessor('c', {}, (params: { n: number }) => params.n);
  expectTypeOf(free).toExtend<JobContract<{ n: number }, { n: number }, number>>();
  const byContract = defineProcessor(contract, (params) => ({ synced: params.pages ?? 0 }));
  expectTypeOf(byContract).toExtend<typeof contract>();
  // @ts-expect-error the contract promises { synced: number }
  defineProcessor(contract, () => 'many');
  expect(byContract).toMatchObject({ processor: 'orders.sync', params: SyncOrder });
});
