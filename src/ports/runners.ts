/** Bean id to runner, without knowing the container. */
import type { JobContext } from '../job/context.js';

export interface Runner {
  readonly id: string;
  readonly description?: string | undefined;
  run(context: JobContext): unknown;
}

export interface Runners {
  /** The runner for a job that names `processor`; without a name the one for jobs that name none. */
  find(processor: string | undefined): Runner | undefined;
  ids(): readonly { readonly id: string; readonly description?: string }[];
}
export const Runners = Symbol.for('lts.Runners');
