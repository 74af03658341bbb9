/** Target: what a typed submit names, a class with its method or a contract, and the contract that it comes to. */
import { processorMarkOf } from '../../decorators/marks.js';
import { LtsError } from '../../errors.js';
import type { Class, JobContract } from '../../job/contract.js';
import { shown } from '../../kit/shown.js';

/** A contract and what followed it in the argument list. */
export interface Target {
  readonly contract: JobContract;
  readonly rest: readonly unknown[];
}

/** `[Orders, 'sync', ...rest]`, `[SpringBean, ...rest]` or `[contract, ...rest]`. Throws LTS_PROCESSOR_INVALID. */
export function targetOf(list: readonly unknown[]): Target {
  if (!Array.isArray(list)) throw invalid(`${shown(list)} is no list of arguments. Write [[Orders, 'sync', params]].`);
  const [target, ...rest] = list;
  if (isContract(target)) return { contract: target, rest };
  if (typeof target !== 'function') {
    throw invalid(`${shown(target)} is neither a class with @Processor nor a contract of defineJob.`);
  }
  const type = target as Class;
  const [method] = rest;
  if (typeof method === 'string' && (isHandler(type, method) || !hasRun(type))) {
    return { contract: handlerContract(type, method), rest: rest.slice(1) };
  }
  return { contract: runContract(type), rest };
}

/** The contract of `run`, or of the one method. Throws LTS_PROCESSOR_INVALID. */
export const contractOfClass = (type: Class, method?: string): JobContract =>
  method === undefined ? runContract(type) : handlerContract(type, method);

function runContract(type: Class): JobContract {
  const mark = markOf(type);
  if (hasRun(type)) return mark.contract;
  const methods = mark.handlers.map(({ method }) => `'${method}'`).join(', ');
  throw invalid(`${type.name} has no run(context). Name one of its methods: ${methods || '(it has no @JobHandler)'}.`);
}

function handlerContract(type: Class, method: string): JobContract {
  const mark = markOf(type);
  const handler = mark.handlers.find((found) => found.method === method);
  if (handler) return withGroup(handler.contract, mark.nodeGroup);
  const known = mark.handlers.map((found) => found.method).join(', ') || '(none)';
  throw invalid(`${type.name} has no method ${shown(method)} marked @JobHandler. Marked: ${known}.`);
}

function markOf(type: Class) {
  const mark = processorMarkOf(type);
  if (mark) return mark;
  throw invalid(`${type.name || 'The class'} is not marked @Processor. Mark it, or submit by a contract of defineJob.`);
}

/** The class's node group serves the handlers of contracts that name none. */
function withGroup(contract: JobContract, nodeGroup: string | undefined): JobContract {
  if (nodeGroup === undefined || contract.defaults.nodeGroup !== undefined) return contract;
  return { ...contract, defaults: { ...contract.defaults, nodeGroup } };
}

const hasRun = (type: Class): boolean => typeof (type.prototype as { run?: unknown } | undefined)?.run === 'function';

const isHandler = (type: Class, method: string): boolean =>
  processorMarkOf(type)?.handlers.some((handler) => handler.method === method) ?? false;

export function isContract(value: unknown): value is JobContract {
  const contract = value as Partial<JobContract> | null | undefined;
  return (
    typeof value === 'object' &&
    typeof contract?.processor === 'string' &&
    typeof contract.defaults === 'object' &&
    contract.defaults !== null
  );
}

const invalid = (text: string): LtsError => new LtsError('LTS_PROCESSOR_INVALID', text);
