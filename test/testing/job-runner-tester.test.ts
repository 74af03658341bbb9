import 'reflect-metadata';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import { Container, inject, injectable } from 'inversify';
import {
  Action,
  defineProcessor,
  type JobContext,
  JobHandler,
  LtsLoggerFactory,
  Processor,
  Result,
} from 'light-task-scheduler';
import { JobRunnerTester } from 'light-task-scheduler/testing';
import { describe, expect, test } from 'vitest';
import { LtsError } from '../../src/errors.js';

@injectable()
class Shops {
  nameOf(id: string): string {
    return `shop ${id}`;
  }
}

@Processor()
class Greeter {
  constructor(@inject(Shops) private readonly shops: Shops) {}

  run(context: JobContext): Result {
    context.bizLogger.debug('begins');
    LtsLoggerFactory.getBizLogger().info(`attempt ${context.attempt}`);
    context.progress(40, 'soon');
    if (context.retryTimes === 0) return Result.later('not yet', { delay: '2m' });
    return Result.success('greeted', { text: this.shops.nameOf(context.job.getParam('shop')), at: new Date(0) });
  }
}

class SyncOrder {
  @IsString() shop!: string;
  @IsOptional() @IsInt() @Min(1) pages?: number = 1;
}

@Processor('orders')
class Orders {
  constructor(private readonly factor = 10) {}

  @JobHandler({ params: SyncOrder })
  async sync(params: SyncOrder, context: JobContext) {
    return { synced: (params.pages ?? 0) * this.factor, taskId: context.job.taskId, run: context.repeatedCount };
  }
}

describe('JobRunnerTester', () => {
  test('tells what a run answered, wrote and reported', async () => {
    expect(await new JobRunnerTester(Greeter).run({ params: { shop: '7' } })).toEqual({
      action: Action.EXECUTE_LATER,
      message: 'not yet',
      value: undefined,
      delay: 120_000,
      logs: [
        { level: 'DEBUG', text: 'begins' },
        { level: 'INFO', text: 'attempt 1' },
      ],
      progress: [{ percent: 40, text: 'soon' }],
      error: undefined,
    });
  });

  test('gives the value as the submitter would get it, after JSON', async () => {
    const report = await new JobRunnerTester(Greeter).run({ params: { shop: '7' }, attempt: 2 });
    expect(report).toMatchObject({ action: Action.EXECUTE_SUCCESS, message: 'greeted' });
    expect(report.value).toEqual({ text: 'shop 7', at: '1970-01-01T00:00:00.000Z' });
  });

  test('runs one method of a class, its params checked and filled in', async () => {
    const tester = new JobRunnerTester(Orders, { method: 'sync' });
    const report = await tester.run({ params: { shop: 'a' }, taskId: 'cart-7', repeatedCount: 3 });
    expect(report.value).toEqual({ synced: 10, taskId: 'cart-7', run: 3 });
    const wrong = await tester.run({ params: { shop: 'a', pages: 0 } });
    expect(wrong.action).toBe(Action.EXECUTE_FAILED);
    expect(wrong.message).toMatch(/pages/);
  });

  test('runs an instance that the test made, a function, an object and a definition', async () => {
    const instance = await new JobRunnerTester(new Orders(2), { method: 'sync' }).run({
      params: { shop: 'a', pages: 4 },
    });
    const plain = await new JobRunnerTester((context: JobContext) => context.job.params.a + 1).run({
      params: { a: 1 },
    });
    const object = await new JobRunnerTester({ run: () => 'object' }).run();
    const defined = await new JobRunnerTester(defineProcessor('d', {}, async (p: { a: number }) => p.a * 2)).run({
      params: { a: 4 },
    });
    expect([instance.value, plain.value, object.value, defined.value]).toMatchObject([{ synced: 8 }, 2, 'object', 8]);
  });

  test('takes stand-ins for services, and leaves a container as it was', async () => {
    const bindings = [{ token: Shops, value: { nameOf: () => 'no shop' } }];
    const input = { params: { shop: '7' }, attempt: 2 };
    expect((await new JobRunnerTester(Greeter, { bindings }).run(input)).value).toMatchObject({ text: 'no shop' });
    const container = new Container();
    container.bind(Shops).toConstantValue({ nameOf: () => 'bound' });
    const tester = new JobRunnerTester(Greeter, { container });
    expect((await tester.run(input)).value).toMatchObject({ text: 'bound' });
    expect((await tester.run(input)).value).toMatchObject({ text: 'bound' });
    expect(container.isBound(Greeter)).toBe(false);
    await expect(new JobRunnerTester(Greeter, { container, bindings }).run()).rejects.toThrow(
      /Shops is bound in the container/,
    );
  });

  test('what a runner throws is an exception with its stack, and the error itself', async () => {
    const error = new TypeError('no such shop');
    const report = await new JobRunnerTester(() => Promise.reject(error)).run();
    expect(report).toMatchObject({
      action: Action.EXECUTE_EXCEPTION,
      message: expect.stringContaining('no such shop'),
    });
    expect(report.error).toBe(error);
  });

  test('tells a run to stop: after a while, or by a signal', async () => {
    const heeding = (context: JobContext) =>
      new Promise((_, reject) => {
        if (context.signal.aborted) reject(context.signal.reason);
        context.signal.addEventListener('abort', () => reject(context.signal.reason));
      });
    const timedOut = await new JobRunnerTester(heeding).run({ abortAfter: 1, abortReason: 'timeout' });
    expect(timedOut).toMatchObject({ action: Action.EXECUTE_EXCEPTION, error: { reason: 'timeout' } });
    const cancelled = await new JobRunnerTester(heeding).run({ signal: AbortSignal.abort() });
    expect(cancelled.error).toMatchObject({ reason: 'cancelled' });
  });

  test('gives up a run that does not heed the signal', async () => {
    const deaf = new JobRunnerTester(() => new Promise(() => {}));
    expect((await deaf.run({ abortAfter: 0, abortGrace: 1 })).message).toMatch(/cancelled/);
  });

  test('refuses what is no runner, naming it', async () => {
    class Plain {
      sync() {}
    }
    expect(() => new JobRunnerTester(Orders)).toThrow(/Orders has no run\(context\).*'sync'/);
    expect(() => new JobRunnerTester(Orders, { method: 'snyc' })).toThrow(/snyc.*sync/);
    expect(() => new JobRunnerTester(Plain, { method: 'sync' })).toThrow(/Plain is not marked @Processor/);
    await expect(new JobRunnerTester({ walk() {} }).run()).rejects.toSatisfy((error) => LtsError.is(error));
    expect(() => new JobRunnerTester(Plain)).toThrow(/Plain has no run/);
  });
});
