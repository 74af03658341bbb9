/** What stands between a runner and the user's code: the check of the params, and the interceptors. A run without them costs nothing for them. */
import type { RunInterceptor } from '../../decorators/run-interceptor.js';
import { LtsError } from '../../errors.js';
import type { JobContext } from '../../job/context.js';
import type { ParamsSchema } from '../../job/contract.js';
import { Action } from '../../job/job.js';
import { Result } from '../../job/result.js';
import type { Clock } from '../../ports/clock.js';
import type { Schemas } from '../../ports/schemas.js';

/** Code that runs jobs: a function of the context, or an object with `run`. */
export type JobRunnerLike = ((context: JobContext) => unknown) | { run(context: JobContext): unknown };

export type RunStep = (context: JobContext) => unknown;

/** Throws LTS_CONFIG_INVALID, naming the id, for what is no runner. */
export function stepOf(id: string, runner: JobRunnerLike): RunStep {
  if (typeof runner === 'function') return runner;
  if (typeof runner?.run === 'function') return (context) => runner.run(context);
  throw new LtsError('LTS_CONFIG_INVALID', `Processor ${id} is neither a function nor an object with run(context).`);
}

/** Rules may ask a database. Without an end, a rule that never settles would hold the slot of its run for ever. */
const rulesWithinMs = 30_000;

export interface ParamsCheck {
  /** Of the processor. */
  readonly id: string;
  readonly schema: ParamsSchema;
  readonly schemas: Schemas;
  readonly clock: Clock;
}

/**
 * Gives the run the params that the schema made. Params that do not fit end the job: no retry would make them better. Rules that do
 * not settle within 30 s, or before the run is told to stop, are EXECUTE_EXCEPTION.
 */
export function withCheckedParams(run: RunStep, { id, schema, schemas, clock }: ParamsCheck): RunStep {
  return async (context) => {
    let params: unknown;
    try {
      const check = schemas.check(schema, context.job.params);
      if (!(await isSettled(check, context, clock))) return unsettled(id, context);
      params = await check;
    } catch (error) {
      if (LtsError.is(error, 'LTS_PARAMS_INVALID')) return Result.failed(error.message);
      throw error;
    }
    return run(context.withParams(params) as JobContext);
  };
}

/** Most rules settle within the turn, so that most checks need neither timer nor signal. */
async function isSettled(check: Promise<unknown>, context: JobContext, clock: Clock): Promise<boolean> {
  const settled = check.then(() => true);
  if (await Promise.race([settled, clock.endOfTurn().then(() => false)])) return true;
  const over = new AbortController();
  const end = AbortSignal.any([context.signal, over.signal]);
  try {
    return await Promise.race([settled, clock.sleep(rulesWithinMs, end).then(() => false)]);
  } finally {
    over.abort(over);
  }
}

function unsettled(id: string, { signal }: JobContext): Result {
  const limit = signal.aborted ? 'before the run was told to stop' : `within ${rulesWithinMs / 1_000} s`;
  const text = `Processor ${id}: the rules of its params did not settle ${limit}; its code was not called. Give what they wait for a deadline.`;
  return new Result(Action.EXECUTE_EXCEPTION, text);
}

/** The first interceptor is the outermost. */
export function withInterceptors(run: RunStep, interceptors: readonly RunInterceptor[]): RunStep {
  return interceptors.reduceRight(
    (next, interceptor) => (context) => interceptor.intercept(context, async () => next(context)),
    run,
  );
}
