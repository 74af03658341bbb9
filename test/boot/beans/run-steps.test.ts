/** The check of params before a run, when its rules do not come to an end. */
import { expect, it } from 'vitest';
import { withCheckedParams } from '../../../src/boot/beans/run-steps.js';
import { type JobContext, Result } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';
import type { Schemas } from '../../../src/ports/schemas.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../../src/testing/virtual-time.js';
import { madeUpContext } from './made-up-context.js';

class Params {}

/** A run whose rules answer with `settle`; `ran` tells what reached the user's code. */
function checkedRun(signal = new AbortController().signal) {
  const time = new VirtualTime();
  const answer = new Deferred<unknown>();
  const schemas: Schemas = { check: <Output>() => answer.promise as Promise<Output> };
  const ran: unknown[] = [];
  const check = { id: 'orders.sync', schema: Params, schemas, clock: new VirtualClock(time) };
  const run = withCheckedParams((context) => ran.push(context.job.params), check);
  const context = madeUpContext();
  Object.defineProperty(context, 'signal', { value: signal });
  return { time, answer, ran, outcome: Promise.resolve(run(context as JobContext)) };
}

it('a rule that never settled held its slot for ever', async () => {
  const { time, ran, outcome } = checkedRun();
  await time.advance(30_000);
  const result = (await outcome) as Result;
  expect(Result.is(result)).toBe(true);
  expect(result.action).toBe('EXECUTE_EXCEPTION');
  expect(result.message).toMatch(/^Processor orders\.sync: the rules of its params did not settle within 30 s; /);
  expect(ran).toEqual([]);
});

it('a run that was told to stop waited on for its rules', async () => {
  const controller = new AbortController();
  const { time, outcome } = checkedRun(controller.signal);
  await time.advance(1_000);
  controller.abort();
  await time.advance(0);
  expect(await outcome).toMatchObject({
    action: 'EXECUTE_EXCEPTION',
    message: expect.stringContaining('did not settle before the run was told to stop'),
  });
});

it('rules may take their time, and then the run begins; they leave no listener', async () => {
  const controller = new AbortController();
  const { time, answer, ran, outcome } = checkedRun(controller.signal);
  await time.advance(29_000);
  answer.resolve({ n: 1 });
  expect(await outcome).toBe(1);
  controller.abort();
  expect(ran).toEqual([{ n: 1 }]);
});

it('rules that throw late are thrown to the run', async () => {
  const { time, answer, outcome } = checkedRun();
  const thrown = expect(outcome).rejects.toThrow('no luck');
  await time.advance(1_000);
  answer.reject(new Error('no luck'));
  await thrown;
});
