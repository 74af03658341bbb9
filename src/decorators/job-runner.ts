/** `JobRunner`, the decorator and the interface: the class that runs the jobs which name no processor. */

import type { JobContext } from '../job/context.js';
import type { Class } from '../job/contract.js';
import { refuseStandard } from './marks.js';
import { markProcessor, type ProcessorOptions } from './processor.js';

/** LTS's runner: what it returns is the job's result, what it throws is EXECUTE_EXCEPTION. */
export interface JobRunner {
  run(context: JobContext): unknown;
}

/** Marks the one class of an application that also runs the jobs which name no processor. Otherwise as `@Processor`. */
export function JobRunner(options: string | ProcessorOptions = {}): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard('JobRunner', context);
    markProcessor(type, typeof options === 'string' ? { id: options } : options, { isJobRunner: true });
  };
}
