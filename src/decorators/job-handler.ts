/** `@JobHandler`: a method of a processor class becomes a runner of its own. */
import { LtsError } from '../errors.js';
import type { JobContext } from '../job/context.js';
import type { Class, JobContract, JobDefaults, OutputOf, ParamsSchema } from '../job/contract.js';
import type { Result } from '../job/result.js';
import { markOf, refuseStandard, type WrittenHandler, writeMark } from './marks.js';

/** The defaults hold for every job of this handler; a submit's own word wins, and what is not said here is taken from the class. */
export interface JobHandlerOptions<Schema extends ParamsSchema | undefined = ParamsSchema | undefined>
  extends JobDefaults {
  /** Second part of the processor id `<bean id>.<name>`. Default: the name of the method. */
  readonly name?: string | undefined;
  /** Checks the params, at submit and before the run; the handler gets what it made of them. */
  readonly params?: Schema;
  readonly description?: string | undefined;
}

type AnyMethod = (...args: never[]) => unknown;

/** What a handler may return where `Value` is promised. */
type Returned<Value> = Value | Result | Promise<Value | Result>;

// biome-ignore lint/suspicious/noExplicitAny: the params of the context are the first parameter's affair.
type Handler<Params, Value> = (params: Params, context: JobContext<any>) => Returned<Value>;

/** Nothing more to ask of a method that fits. Function types made anew, since parameters of methods are compared in both directions. */
type Fitting<Method extends AnyMethod, Params, Value> =
  ((...args: Parameters<Method>) => ReturnType<Method>) extends Handler<Params, Value>
    ? unknown
    : { readonly 'a handler of this contract looks like': Handler<Params, Value> };

type HandlerDecorator<Params, Value> = <Method extends AnyMethod>(
  prototype: object,
  method: string,
  descriptor: TypedPropertyDescriptor<Method> & Fitting<Method, Params, Value>,
) => void;

/**
 * Marks `method(params, context)` as the runner of `<bean id>.<name>`, or of a contract's name. The class needs `@Processor`.
 * The first parameter must take what the params class, schema or contract gives, and a contract's value must be what it returns.
 */
export function JobHandler<Input, Params, Value>(
  contract: JobContract<Input, Params, Value>,
): HandlerDecorator<Params, Value>;
export function JobHandler<Schema extends ParamsSchema>(
  options: JobHandlerOptions<Schema> & { readonly params: Schema },
): HandlerDecorator<OutputOf<Schema>, unknown>;
export function JobHandler(
  name?: string | (JobHandlerOptions<undefined> & { readonly params?: undefined }),
  // biome-ignore lint/suspicious/noExplicitAny: without a schema the handler knows best what its params are.
): HandlerDecorator<any, unknown>;
export function JobHandler(words: string | JobContract | JobHandlerOptions = {}) {
  return (prototype: object, method: string, descriptor: unknown) => {
    refuseStandard('JobHandler', method);
    const type = classOf(prototype, method, descriptor);
    const written = markOf(type, 'handlers') ?? [];
    writeMark(type, 'handlers', [...written, writtenHandler(method, words)]);
  };
}

function classOf(prototype: object, method: string, descriptor: unknown): Class {
  if (typeof prototype === 'function') throw unfit(prototype.name, method, 'is static; a handler needs an instance');
  const type = prototype.constructor as Class;
  const { value } = (descriptor ?? {}) as PropertyDescriptor;
  if (typeof value !== 'function') throw unfit(type.name, method, 'is no method');
  return type;
}

const unfit = (type: string, method: string, why: string): LtsError =>
  new LtsError('LTS_PROCESSOR_INVALID', `@JobHandler on ${type}.${method}: it ${why}. Put it on a method.`);

function writtenHandler(method: string, words: string | JobContract | JobHandlerOptions): WrittenHandler {
  if (typeof words === 'string') return { method, name: words, defaults: {} };
  if ('processor' in words) return { method, name: words.processor, contract: words, defaults: {} };
  const { name = method, params, description, ...defaults } = words;
  return { method, name, params, description, defaults };
}
