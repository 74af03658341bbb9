/**
 * What the decorators write on classes, and how it is read back. Marks are own properties of the class under `Symbol.for` keys, so that
 * another copy of this package reads them too; a subclass does not inherit them.
 */
import { LtsError } from '../errors.js';
import type { Class, JobContract, JobDefaults, ParamsSchema } from '../job/contract.js';
import { rememberDecorated } from './decorated.js';

/** What `@Processor` and its kin wrote on one class. */
export interface ProcessorMark {
  readonly id: string;
  readonly nodeGroup?: string | undefined;
  /** 'singleton' (default): one instance; 'job': a fresh one for each run. */
  readonly scope: 'singleton' | 'job';
  /** `@JobRunner` also runs the jobs that name no processor. */
  readonly isJobRunner: boolean;
  /** The contract of `run`, for a class that has it. */
  readonly contract: JobContract;
  /** The methods marked `@JobHandler`. */
  readonly handlers: readonly HandlerMark[];
}

export interface HandlerMark {
  readonly method: string;
  /** Its `processor` is `<id>.<name>`, or the name of the contract it implements. */
  readonly contract: JobContract;
}

/** A handler as written on its class, before the class's own id and defaults are known. */
export interface WrittenHandler {
  readonly method: string;
  /** The name of a contract is the whole processor id. */
  readonly contract?: JobContract | undefined;
  readonly name: string;
  readonly params?: ParamsSchema | undefined;
  readonly description?: string | undefined;
  readonly defaults: JobDefaults;
}

interface MarkTypes {
  processor: Omit<ProcessorMark, 'handlers'>;
  handlers: WrittenHandler[];
  'enabled-roles': object;
  'completed-handler': object;
  'master-listener': object;
  'node-listener': object;
  'run-interceptor': object;
}

export type MarkName = keyof MarkTypes;

const keyOf = (name: MarkName): symbol => Symbol.for(`lts.${name}`);

/** Writes a mark over an older one of the same name. */
export function writeMark<Name extends MarkName>(type: Class, name: Name, mark: MarkTypes[Name]): void {
  Object.defineProperty(type, keyOf(name), { value: mark, configurable: true });
  rememberDecorated(type);
}

export function markOf<Name extends MarkName>(type: Class, name: Name): MarkTypes[Name] | undefined {
  return Object.getOwnPropertyDescriptor(type, keyOf(name))?.value;
}

/** Undefined for a class without `@Processor` or `@JobRunner`. */
export function processorMarkOf(type: Class): ProcessorMark | undefined {
  const mark = markOf(type, 'processor');
  if (!mark) return undefined;
  const handlers = (markOf(type, 'handlers') ?? []).map((handler) => handlerOf(mark, handler));
  return { ...mark, handlers };
}

/** What the class says for all its jobs holds for a handler that says nothing else. A contract stands as it is: who submits it may not know the class. */
function handlerOf({ id, contract }: MarkTypes['processor'], handler: WrittenHandler): HandlerMark {
  const { method, name, params, description, defaults } = handler;
  if (handler.contract) return { method, contract: handler.contract };
  const merged = { ...contract.defaults, ...defaults };
  return { method, contract: { processor: `${id}.${name}`, description, params, defaults: merged } };
}

/** Throws LTS_PROCESSOR_INVALID when the compiler called a decorator in the standard way, which knows no parameter decorators. */
export function refuseStandard(decorator: string, context: unknown): void {
  if (typeof context !== 'object' || context === null || !('kind' in context)) return;
  const { name } = context as { name?: unknown };
  throw new LtsError(
    'LTS_PROCESSOR_INVALID',
    `@${decorator} on ${String(name)}: the decorators of this file were compiled without "experimentalDecorators". ` +
      'Set "experimentalDecorators": true in the compilerOptions of tsconfig.json, and let the compiler or loader that builds this file read it.',
  );
}
