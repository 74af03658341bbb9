/** Types of a typed submit: params and value are read from a class and its method, or from a contract. */
import type { JobContext } from '../../job/context.js';
import type { Class, JobContract, JobOptions } from '../../job/contract.js';
import type { Received, Sent } from '../../job/plain-data.js';
import type { Result } from '../../job/result.js';
import type { Duration } from '../../kit/duration.js';
import type { JobHandle } from './job-handle.js';

/** What a typed submit may say beside the params; it wins over what the class or contract says. */
export interface TypedSubmitOptions extends JobOptions {
  /** Ends the wait for the answer; the job may still have been accepted. */
  readonly signal?: AbortSignal | undefined;
}

export interface SubmitAndWaitOptions extends TypedSubmitOptions {
  /** How long to wait for the value; `timeout` limits each run. Default 5 minutes. */
  readonly waitTimeout?: Duration | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a handler of any params.
type AnyHandler = (params: any, context: JobContext<any>) => unknown;

/** A class with `run(context)`. */
// biome-ignore lint/suspicious/noExplicitAny: a runner of any params.
export type RunClass = { run(context: JobContext<any>): unknown };

// biome-ignore lint/suspicious/noExplicitAny: a contract of anything.
export type AnyContract = JobContract<any, any, any>;

/** The methods of T that can be handlers: `(params, context)`. */
export type HandlerName<T> = { [Key in keyof T]: T[Key] extends AnyHandler ? Key : never }[keyof T] & string;

type ArgumentsOf<F> = F extends (...args: infer Arguments) => unknown ? Arguments : never;
type AnswerOf<F> = F extends (...args: never) => infer Answer ? Answer : never;

/** What is submitted for a method: its first parameter as plain data. */
export type HandlerParams<T, Method extends keyof T> = Sent<
  ArgumentsOf<T[Method]> extends [] ? Record<string, never> : ArgumentsOf<T[Method]>[0]
>;

/** What is submitted for `run(context: JobContext<P>)`: P as plain data. */
export type RunParams<T extends RunClass> = Sent<
  ArgumentsOf<T['run']> extends [JobContext<infer P>, ...unknown[]] ? P : Record<string, unknown>
>;

type Unwrapped<Answer> = Answer extends Result<infer Value> ? Value : Answer;

/** What a handler's answer is for the one who submitted: promise and Result unwrapped, as it comes back from JSON. */
export type HandlerValue<T, Method extends keyof T> = Received<Unwrapped<Awaited<AnswerOf<T[Method]>>>>;

/** Params may be left out where nothing is required. */
export type ParamsThen<Params, Options> =
  Record<never, never> extends Params
    ? [params?: Params, options?: Options]
    : undefined extends Params
      ? [params?: Params, options?: Options]
      : [params: Params, options?: Options];

/** The arguments of one typed submit, as `submitAll` takes them: `[Orders, 'sync', params, options?]`, `[contract, params, options?]`. */
// biome-ignore lint/suspicious/noExplicitAny: the params are checked by CheckedItems, item for item.
export type SubmitItem = readonly [target: Class<any> | AnyContract, ...rest: any[]];

type CheckedItem<Item> = Item extends readonly [Class<infer T>, infer Method, ...unknown[]]
  ? Method extends string
    ? Method extends HandlerName<T>
      ? readonly [Class<T>, Method, ...ParamsThen<HandlerParams<T, Method>, TypedSubmitOptions>]
      : readonly [Class<T>, HandlerName<T>, ...unknown[]]
    : CheckedRun<T>
  : Item extends readonly [Class<infer T>]
    ? CheckedRun<T>
    : Item extends readonly [JobContract<infer Input, unknown, unknown>, ...unknown[]]
      ? readonly [Item[0], ...ParamsThen<Input, TypedSubmitOptions>]
      : never;

type CheckedRun<T> = T extends RunClass
  ? readonly [Class<T>, ...ParamsThen<RunParams<T>, TypedSubmitOptions>]
  : readonly [Class<T>, HandlerName<T>, ...unknown[]];

/** Each item as it should be. */
export type CheckedItems<Items extends readonly SubmitItem[]> = {
  readonly [Index in keyof Items]: CheckedItem<Items[Index]>;
};

type ValueOfItem<Item> = Item extends readonly [Class<infer T>, infer Method, ...unknown[]]
  ? Method extends HandlerName<T>
    ? HandlerValue<T, Method>
    : RunValue<T>
  : Item extends readonly [Class<infer T>]
    ? RunValue<T>
    : Item extends readonly [JobContract<unknown, unknown, infer Value>, ...unknown[]]
      ? Received<Value>
      : never;

type RunValue<T> = T extends RunClass ? HandlerValue<T, 'run'> : never;

/** A handle for each item, in the same order. */
export type HandlesOf<Items extends readonly SubmitItem[]> = {
  -readonly [Index in keyof Items]: JobHandle<ValueOfItem<Items[Index]>>;
};

/** The three forms of a typed submit. */
export interface TypedSubmit {
  <T, Method extends HandlerName<T>>(
    type: Class<T>,
    method: Method,
    ...rest: ParamsThen<HandlerParams<T, Method>, TypedSubmitOptions>
  ): Promise<JobHandle<HandlerValue<T, Method>>>;
  <T extends RunClass>(
    type: Class<T>,
    ...rest: ParamsThen<RunParams<T>, TypedSubmitOptions>
  ): Promise<JobHandle<HandlerValue<T, 'run'>>>;
  <Input, Params, Value>(
    contract: JobContract<Input, Params, Value>,
    ...rest: ParamsThen<NoInfer<Input>, TypedSubmitOptions>
  ): Promise<JobHandle<Received<Value>>>;
}

/** The same forms; the answer is the job's value. */
export interface TypedSubmitAndWait {
  <T, Method extends HandlerName<T>>(
    type: Class<T>,
    method: Method,
    ...rest: ParamsThen<HandlerParams<T, Method>, SubmitAndWaitOptions>
  ): Promise<HandlerValue<T, Method>>;
  <T extends RunClass>(
    type: Class<T>,
    ...rest: ParamsThen<RunParams<T>, SubmitAndWaitOptions>
  ): Promise<HandlerValue<T, 'run'>>;
  <Input, Params, Value>(
    contract: JobContract<Input, Params, Value>,
    ...rest: ParamsThen<NoInfer<Input>, SubmitAndWaitOptions>
  ): Promise<Received<Value>>;
}

/** `submitAll`. */
export type TypedSubmitAll = <const Items extends readonly SubmitItem[]>(
  items: Items & CheckedItems<Items>,
) => Promise<HandlesOf<Items>>;
