/** `defineProcessor`: a runner without a class, for code that is run by stripping its types. */
import type { JobContext } from '../job/context.js';
import type { InputOf, JobContract, JobDefaults, OutputOf, ParamsSchema } from '../job/contract.js';
import type { Result } from '../job/result.js';

// biome-ignore lint/suspicious/noExplicitAny: the params of the context are the first parameter's affair.
type Handler<Params, Value> = (params: Params, context: JobContext<any>) => Value;

const brand = Symbol.for('lts.processor-definition');

/** A contract together with the code that fulfils it: stands where a processor class may stand, and is submitted like a contract. */
export interface ProcessorDefinition<Input = unknown, Params = Input, Value = unknown>
  extends JobContract<Input, Params, Value> {
  readonly handler: Handler<Params, unknown>;
  readonly [brand]: true;
}

/** The defaults hold for every job of this processor; a submit's own word wins. */
export interface DefineProcessorOptions<Schema extends ParamsSchema | undefined = ParamsSchema | undefined>
  extends JobDefaults {
  /** Checked at submit and before the run; the handler gets what it made of them. Without it any plain data passes. */
  readonly params?: Schema;
  readonly description?: string | undefined;
}

/** The value that a job is known to have: what the handler returns, taken out of promises and Results. */
type ValueOf<Returned> = Exclude<Awaited<Returned>, Result>;

/** The runner of the jobs that name this id, or this contract. */
export function defineProcessor<Input, Params, Value>(
  contract: JobContract<Input, Params, Value>,
  handler: Handler<Params, Value | Result | Promise<Value | Result>>,
): ProcessorDefinition<Input, Params, Value>;
export function defineProcessor<Schema extends ParamsSchema, Returned>(
  id: string,
  options: DefineProcessorOptions<Schema> & { readonly params: Schema },
  handler: Handler<OutputOf<Schema>, Returned>,
): ProcessorDefinition<InputOf<Schema>, OutputOf<Schema>, ValueOf<Returned>>;
// biome-ignore lint/suspicious/noExplicitAny: without a schema the handler says what its params are.
export function defineProcessor<Params = any, Returned = unknown>(
  id: string,
  options: DefineProcessorOptions<undefined> & { readonly params?: undefined },
  handler: Handler<Params, Returned>,
): ProcessorDefinition<Params, Params, ValueOf<Returned>>;
export function defineProcessor(
  named: string | JobContract,
  ...rest: readonly (DefineProcessorOptions | Handler<never, unknown>)[]
): ProcessorDefinition {
  const handler = rest.at(-1) as Handler<unknown, unknown>;
  if (typeof named !== 'string') return { ...named, handler, [brand]: true };
  const { params, description, ...defaults } = rest[0] as DefineProcessorOptions;
  return { processor: named, description, params, defaults, handler, [brand]: true };
}

export function isProcessorDefinition(value: unknown): value is ProcessorDefinition {
  return typeof value === 'object' && value !== null && brand in value;
}
