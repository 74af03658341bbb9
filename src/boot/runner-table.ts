/** Runners from a plain table: what a TaskTracker is given without a container. */
import { LtsError } from '../errors.js';
import type { JobContext } from '../job/context.js';
import type { Runner, Runners } from '../ports/runners.js';

/** Code that runs jobs: a function of the context, or an object with `run`. */
export type JobRunnerLike = ((context: JobContext) => unknown) | { run(context: JobContext): unknown };

export interface RunnerTableOptions {
  /** Runs the jobs that name no processor. */
  readonly jobRunner?: JobRunnerLike | undefined;
  /** Runs the jobs that name it. */
  readonly processors?: Readonly<Record<string, JobRunnerLike>> | undefined;
}

export class RunnerTable implements Runners {
  private readonly byId = new Map<string, Runner>();
  private readonly fallback: Runner | undefined;

  /** Throws LTS_CONFIG_INVALID when there is nothing to run. */
  constructor({ jobRunner, processors = {} }: RunnerTableOptions) {
    for (const [id, runner] of Object.entries(processors)) this.byId.set(id, runnerOf(id, runner));
    this.fallback = jobRunner && runnerOf('default', jobRunner);
    if (this.byId.size === 0 && !this.fallback) {
      throw new LtsError(
        'LTS_CONFIG_INVALID',
        'A TaskTracker needs a jobRunner, or processors by name; it was given neither.',
      );
    }
  }

  find(processor: string | undefined): Runner | undefined {
    return processor === undefined ? this.fallback : this.byId.get(processor);
  }

  ids(): readonly { readonly id: string }[] {
    return [...this.byId.keys()].map((id) => ({ id }));
  }
}

function runnerOf(id: string, runner: JobRunnerLike): Runner {
  if (typeof runner === 'function') return { id, run: runner };
  if (typeof runner?.run === 'function') return { id, run: (context) => runner.run(context) };
  throw new LtsError('LTS_CONFIG_INVALID', `Processor ${id} is neither a function nor an object with run(context).`);
}
