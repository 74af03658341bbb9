/** The runners of a TaskTracker that is constructed by hand: a plain table of functions and objects, or beans. */
import { LtsError } from '../errors.js';
import type { Class } from '../job/contract.js';
import type { Runner, Runners } from '../ports/runners.js';
import type { Bean } from './beans/bean-names.js';
import { isRunnerClass } from './beans/bean-plan.js';
import { type Beans, openBeans } from './beans/beans.js';
import { type JobRunnerLike, stepOf } from './beans/run-steps.js';
import { schemas } from './system-ports.js';

export interface RunnerTableOptions {
  /** Runs the jobs that name no processor. */
  readonly jobRunner?: JobRunnerLike | undefined;
  /** Runs the jobs that name it. */
  readonly processors?: Readonly<Record<string, JobRunnerLike>> | undefined;
}

export interface RunnerOptions {
  /** Runs the jobs that name no processor: a function, an object with `run`, or a class with `run`, which is built at start. */
  readonly jobRunner?: JobRunnerLike | Class | undefined;
  /** By name; or decorated classes, which are built at start, and what `defineProcessor` made. */
  readonly processors?: Readonly<Record<string, JobRunnerLike>> | readonly Bean[] | undefined;
}

/** Runners from a plain table: no container, nothing to build. */
export class RunnerTable implements Runners {
  private readonly byId = new Map<string, Runner>();
  private readonly fallback: Runner | undefined;

  /** Throws LTS_CONFIG_INVALID when there is nothing to run. */
  constructor({ jobRunner, processors = {} }: RunnerTableOptions) {
    for (const [id, runner] of Object.entries(processors)) this.byId.set(id, { id, run: stepOf(id, runner) });
    this.fallback = jobRunner && { id: 'default', run: stepOf('default', jobRunner) };
    if (this.byId.size === 0 && !this.fallback) throw nothingToRun();
  }

  find(processor: string | undefined): Runner | undefined {
    return processor === undefined ? this.fallback : this.byId.get(processor);
  }

  ids(): readonly { readonly id: string }[] {
    return [...this.byId.keys()].map((id) => ({ id }));
  }
}

/** Runners as a TaskTracker uses them, from its start to its stop. */
export interface OpenRunners {
  readonly runners: Runners;
  close(): Promise<void>;
}

/**
 * Throws LTS_CONFIG_INVALID at once for what can be known at once; what it answers builds the classes, and throws LTS_PROCESSOR_INVALID, or
 * LTS_CONFIG_INVALID for a processor of another node group.
 */
export function prepareRunners(options: RunnerOptions, nodeGroup: string): () => Promise<OpenRunners> {
  if (isPlain(options)) {
    const runners = new RunnerTable(options);
    return async () => ({ runners, close: async () => {} });
  }
  const { jobRunner, processors } = options;
  if (Array.isArray(processors) && processors.length === 0 && !jobRunner) throw nothingToRun();
  return async () => {
    const beans = await openBeans({ processors: processors ?? [], jobRunner, schemas });
    try {
      checkFitting(beans, nodeGroup);
    } catch (error) {
      await beans.close();
      throw error;
    }
    return { runners: beans, close: () => beans.close() };
  };
}

const isPlain = (options: RunnerOptions): options is RunnerTableOptions =>
  !Array.isArray(options.processors) && !isRunnerClass(options.jobRunner);

/** Nobody would notice what a TaskTracker silently leaves out. */
function checkFitting(beans: Beans, nodeGroup: string): void {
  const others = beans.groups().filter((group) => group !== nodeGroup);
  if (others.length > 0) {
    throw wrong(
      `processors: some belong to the node group ${others.join(', ')}, but this TaskTracker serves ${nodeGroup}. Start a TaskTracker for each group`,
    );
  }
  if (beans.completedHandler) {
    throw wrong('processors: feedback goes to a JobClient. Give the completed handler to it as jobCompletedHandler');
  }
  if (beans.masterListeners.length > 0) {
    throw wrong('processors: a TaskTracker takes one master listener. Give it as masterChangeListener');
  }
  if (beans.nodeListeners.length > 0) {
    throw wrong('processors: a TaskTracker takes one node listener. Give it as nodeChangeListener');
  }
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', `${text}.`);

const nothingToRun = (): LtsError =>
  wrong('A TaskTracker needs a jobRunner, or processors by name; it was given neither');
