/** `@Processor`: the class becomes a bean that runs jobs. */
import { LtsError } from '../errors.js';
import type { Class, JobDefaults, ParamsSchema } from '../job/contract.js';
import { markOf, refuseStandard, writeMark } from './marks.js';

/** What `@Processor` and `@JobRunner` may say; the defaults hold for every job of this class, and a submit's own word wins. */
export interface ProcessorOptions extends JobDefaults {
  /** Bean id. Default: the name of the class, first letter lower-cased. */
  readonly id?: string | undefined;
  /** 'singleton' (default): one instance; 'job': a fresh one for each run. */
  readonly scope?: 'singleton' | 'job' | undefined;
  /** Shown where people look for what a node can run. */
  readonly description?: string | undefined;
  /** Checks the params of `run`, at submit and before the run. */
  readonly params?: ParamsSchema | undefined;
}

/**
 * Marks a class whose `run(context)` runs the jobs that name its id, and whose methods marked `@JobHandler` run those that name
 * `<id>.<name>`. Found by scanning, by listing the class, or by binding it in a given container.
 */
export function Processor(options: string | ProcessorOptions = {}): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard('Processor', context);
    markProcessor(type, typeof options === 'string' ? { id: options } : options, { isJobRunner: false });
  };
}

/** Writes the mark of `@Processor` or `@JobRunner`. Throws LTS_PROCESSOR_INVALID for a class that has one already. */
export function markProcessor(type: Class, options: ProcessorOptions, { isJobRunner }: { isJobRunner: boolean }): void {
  const { id = beanIdOf(type), scope = 'singleton', description, params, ...defaults } = options;
  if (markOf(type, 'processor')) {
    const text = `Class ${type.name} has two of @Processor and @JobRunner. Keep one; @JobRunner includes @Processor.`;
    throw new LtsError('LTS_PROCESSOR_INVALID', text);
  }
  const contract = { processor: id, description, params, defaults };
  writeMark(type, 'processor', { id, nodeGroup: defaults.nodeGroup, scope, isJobRunner, contract });
}

/** LTS's bean id: the name of the class, first letter lower-cased. */
export function beanIdOf(type: Class): string {
  return type.name.charAt(0).toLowerCase() + type.name.slice(1);
}
