/** A kind of job: its name, its params, its usual options. Written once, known to the one who submits and the one who runs. */
import type { Job } from './job.js';
import type { Sent } from './plain-data.js';

/** Any class: of params, or of processors. */
// biome-ignore lint/suspicious/noExplicitAny: what a constructor takes is the container's affair.
export type Class<T = unknown> = new (...args: any[]) => T;

/** The part of the Standard Schema specification (https://standardschema.dev) that is used here: zod, valibot, arktype and others have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** What checks params: a class with class-validator rules, or any Standard Schema. */
export type ParamsSchema<Input = unknown, Output = Input> = Class<Output> | StandardSchema<Input, Output>;

/** What the submitter writes for params of this schema. */
export type InputOf<Schema> =
  Schema extends StandardSchema<infer Input, unknown>
    ? Input
    : Schema extends Class<infer Params>
      ? Sent<Params>
      : unknown;

/** What the handler gets for params of this schema: defaults filled in. */
export type OutputOf<Schema> =
  Schema extends StandardSchema<unknown, infer Output> ? Output : Schema extends Class<infer Params> ? Params : unknown;

// biome-ignore lint/suspicious/noExplicitAny: the input and output of a schema are inferred, not demanded.
type AnySchema = ParamsSchema<any, any>;

/** What a submit may say beside processor and params. */
export type JobOptions = Omit<Job, 'processor' | 'params'>;

/** What a kind of job may say for all its jobs; a submit's own word wins. */
export type JobDefaults = Omit<
  JobOptions,
  'jobId' | 'taskId' | 'submitNodeGroup' | 'triggerTime' | 'delay' | 'expireAt' | 'replaceOnExist'
>;

/** A kind of job. `Input` is submitted, `Params` is what the handler gets, `Value` is the result. */
export interface JobContract<Input = unknown, Params = Input, Value = unknown> {
  /** Bean id of the runner. */
  readonly processor: string;
  readonly description?: string | undefined;
  /** Checked at submit and before the run. Without it any plain data passes. */
  readonly params?: ParamsSchema<Input, Params> | undefined;
  readonly defaults: JobDefaults;
  /** Never there: it carries the result's type. */
  readonly value?: Value;
}

export interface JobDefinition<
  Params extends AnySchema | undefined = undefined,
  Value extends AnySchema | undefined = undefined,
> extends JobDefaults {
  readonly description?: string | undefined;
  /** A class with class-validator rules, or any Standard Schema. Default: any plain data passes. */
  readonly params?: Params;
  /** Only its type counts: what `result()` gives. It is not checked. */
  readonly result?: Value;
}

/**
 * A kind of job without its handler, for the one who submits and the one who runs: `jobs.submit(contract, params)` submits it,
 * `@JobHandler(contract)` implements it. `processor` is the bean id of the runner. The other fields are defaults of its jobs.
 * `result` gives the value its type and is not checked.
 */
export function defineJob<
  Params extends AnySchema | undefined = undefined,
  Value extends AnySchema | undefined = undefined,
>(
  processor: string,
  definition: JobDefinition<Params, Value> = {},
): JobContract<InputOf<Params>, OutputOf<Params>, OutputOf<Value>> {
  const { description, params, result: _typeOnly, ...defaults } = definition;
  return { processor, description, params, defaults };
}
