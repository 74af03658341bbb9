/** What stands between a runner and the user's code: the check of the params, and the interceptors. A run without them costs nothing for them. */
import type { RunInterceptor } from '../../decorators/run-interceptor.js';
import { LtsError } from '../../errors.js';
import type { JobContext } from '../../job/context.js';
import type { ParamsSchema } from '../../job/contract.js';
import { Result } from '../../job/result.js';
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

/** Gives the run the params that the schema made. Params that do not fit end the job: no retry would make them better. */
export function withCheckedParams(run: RunStep, schema: ParamsSchema, schemas: Schemas): RunStep {
  return async (context) => {
    let params: unknown;
    try {
      params = await schemas.check(schema, context.job.params);
    } catch (error) {
      if (LtsError.is(error, 'LTS_PARAMS_INVALID')) return Result.failed(error.message);
      throw error;
    }
    return run(context.withParams(params) as JobContext);
  };
}

/** The first interceptor is the outermost. */
export function withInterceptors(run: RunStep, interceptors: readonly RunInterceptor[]): RunStep {
  return interceptors.reduceRight(
    (next, interceptor) => (context) => interceptor.intercept(context, async () => next(context)),
    run,
  );
}
