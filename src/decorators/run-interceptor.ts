/** `RunInterceptor`, the decorator and the interface: code around every run. */
import type { JobContext } from '../job/context.js';
import type { Class } from '../job/contract.js';
import { refuseStandard, writeMark } from './marks.js';

/** Calls `next` once and returns what it gives, or something else. The first one listed is the outermost; params are not yet checked. */
export interface RunInterceptor {
  intercept(context: JobContext, next: () => Promise<unknown>): unknown;
}

/** Marks a class whose `intercept` wraps every run of the application. */
export function RunInterceptor(): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard('RunInterceptor', context);
    writeMark(type, 'run-interceptor', {});
  };
}
