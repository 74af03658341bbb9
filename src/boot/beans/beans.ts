/**
 * The beans of an application: builds the planned classes in an inversify container and finds them by processor id, as lts-spring finds its
 * beans. Everything is decided when it opens: later, a run is a lookup in a map and the call of a method.
 */
import type { Container } from 'inversify';
import { decoratedClasses } from '../../decorators/decorated.js';
import {
  type JobCompletedHandler,
  type MasterNodeListener,
  masterListenerOptionsOf,
  type NodeChangeListener,
  nodeListenerOptionsOf,
} from '../../decorators/listeners.js';
import type { RunInterceptor } from '../../decorators/run-interceptor.js';
import { LtsError } from '../../errors.js';
import type { Class, JobContract } from '../../job/contract.js';
import type { NodeType } from '../../ports/registry.js';
import type { Runner, Runners } from '../../ports/runners.js';
import type { Schemas } from '../../ports/schemas.js';
import { clock } from '../system-ports.js';
import { BeanContainer, type Binding, hasBound } from './bean-container.js';
import { BeanPlan, isBeanClass, type PlannedBeans, type PlannedRunner } from './bean-plan.js';
import { type RunStep, withCheckedParams, withInterceptors } from './run-steps.js';

export interface BeansOptions {
  /** Decorated classes and definitions, or plain runners by name. Default, with a container: every decorated class that it has bound. */
  readonly processors?: PlannedBeans['processors'] | undefined;
  readonly jobRunner?: PlannedBeans['jobRunner'];
  /** The user's own; what is bound here is unbound at close. Default: a new one, which builds any class that is marked @injectable. */
  readonly container?: Container | undefined;
  /** Checks the params of processors that have a schema. */
  readonly schemas: Schemas;
  /** Asked once, before anything is built. What the container has bound already wins. */
  readonly bindings?: ((plan: BeanPlan) => readonly Binding[]) | undefined;
}

/** A bean with the node types whose elections it wants to hear; undefined: all. */
export interface HearingBean extends MasterNodeListener {
  readonly nodeTypes?: readonly NodeType[] | undefined;
}

/** A bean with the node types that it wants to hear of; undefined: all. */
export interface NodeHearingBean {
  readonly nodeTypes?: readonly NodeType[] | undefined;
  readonly bean: NodeChangeListener;
}

/** Builds the beans. Throws LTS_PROCESSOR_INVALID, naming every mistake that was found; then nothing is left behind. */
export async function openBeans(options: BeansOptions): Promise<Beans> {
  const { processors = boundClasses(options.container), jobRunner } = options;
  const plan = new BeanPlan({ processors, jobRunner });
  const container = await BeanContainer.open(options.container);
  try {
    container.bindValues(options.bindings?.(plan) ?? []);
    const built = await container.build(plan.classes, (type) => plan.isFresh(type));
    const mistakes = [...plan.mistakes, ...built.mistakes];
    if (mistakes.length > 0) throw new LtsError('LTS_PROCESSOR_INVALID', listed(mistakes), { cause: built.cause });
    return new Beans(plan, { container, instances: built.instances, schemas: options.schemas });
  } catch (error) {
    await container.close();
    throw error;
  }
}

const boundClasses = (container: Container | undefined): Class[] =>
  container ? decoratedClasses().filter((type) => isBeanClass(type) && hasBound(container, type)) : [];

function listed(mistakes: readonly string[]): string {
  if (mistakes.length === 1) return mistakes[0] as string;
  return `${mistakes.length} mistakes in the processors:\n${mistakes.map((text) => `  - ${text}`).join('\n')}`;
}

interface BuiltParts {
  readonly container: BeanContainer;
  readonly instances: ReadonlyMap<Class, unknown>;
  readonly schemas: Schemas;
}

export class Beans implements Runners {
  /** The one handler of feedback. */
  readonly completedHandler: JobCompletedHandler | undefined;
  readonly masterListeners: readonly HearingBean[];
  readonly nodeListeners: readonly NodeHearingBean[];
  private readonly interceptors: readonly RunInterceptor[];
  private readonly table: RunnerMap;
  private readonly contractsById: ReadonlyMap<string, JobContract>;
  private readonly built: readonly BuiltRunner[];

  /** Use `openBeans`. */
  constructor(
    private readonly plan: BeanPlan,
    private readonly parts: BuiltParts,
  ) {
    const { listeners } = plan;
    const [completedHandler] = this.instancesOf<JobCompletedHandler>(listeners['completed-handler']);
    this.completedHandler = completedHandler;
    this.masterListeners = listeners['master-listener'].map((type) => this.hearing(type));
    this.nodeListeners = listeners['node-listener'].map((type) => ({
      nodeTypes: nodeListenerOptionsOf(type)?.nodeTypes,
      bean: this.parts.instances.get(type) as NodeChangeListener,
    }));
    this.interceptors = this.instancesOf<RunInterceptor>(listeners['run-interceptor']);
    this.built = plan.runners.map((planned) => ({ planned, runner: this.runnerOf(planned) }));
    this.table = new RunnerMap(this.built);
    this.contractsById = plan.contracts;
  }

  get container(): Container {
    return this.parts.container.container;
  }

  find(processor: string | undefined): Runner | undefined {
    return this.table.find(processor);
  }

  ids(): readonly { readonly id: string; readonly description?: string }[] {
    return this.table.ids();
  }

  /** Contracts by processor id. */
  contracts(): ReadonlyMap<string, JobContract> {
    return this.contractsById;
  }

  /** The node groups that processors name, sorted. */
  groups(): readonly string[] {
    return this.plan.groups;
  }

  /** The processors of one node group, and those that name none. */
  forGroup(nodeGroup: string): Runners {
    return new RunnerMap(
      this.built.filter(({ planned }) => planned.nodeGroup === undefined || planned.nodeGroup === nodeGroup),
    );
  }

  /** Unbinds what was bound here; the classes' own clean-up (inversify's @preDestroy) runs. */
  close(): Promise<void> {
    return this.parts.container.close();
  }

  private instancesOf<T>(types: readonly Class[]): T[] {
    return types.map((type) => this.parts.instances.get(type) as T);
  }

  private hearing(type: Class): HearingBean {
    const [bean] = this.instancesOf<MasterNodeListener>([type]);
    return {
      nodeTypes: masterListenerOptionsOf(type)?.nodeTypes,
      change: (master, isMaster) => bean?.change(master, isMaster),
    };
  }

  private runnerOf(planned: PlannedRunner): Runner {
    const { processor: id, description, params: schema } = planned.contract;
    const call = this.callOf(planned);
    const checked = schema ? withCheckedParams(call, { id, schema, schemas: this.parts.schemas, clock }) : call;
    return { id, description, run: withInterceptors(checked, this.interceptors) };
  }

  private callOf({ source }: PlannedRunner): RunStep {
    if ('run' in source) return source.run;
    if ('handler' in source) return (context) => source.handler(context.job.params, context);
    const { type, method } = source;
    if (source.isFresh) {
      const { container } = this;
      return async (context) => callOn(await container.getAsync(type), method)(context);
    }
    return callOn(this.parts.instances.get(type), method);
  }
}

function callOn(instance: unknown, method: string | undefined): RunStep {
  const bean = instance as Record<string, (...args: unknown[]) => unknown>;
  if (method === undefined) return (context) => bean.run?.(context);
  return (context) => bean[method]?.(context.job.params, context);
}

interface BuiltRunner {
  readonly planned: PlannedRunner;
  readonly runner: Runner;
}

class RunnerMap implements Runners {
  /** Under undefined: who runs the jobs that name no processor. */
  private readonly byId = new Map<string | undefined, Runner>();

  constructor(private readonly built: readonly BuiltRunner[]) {
    for (const { planned, runner } of built) {
      if (planned.serves !== 'unnamed') this.byId.set(runner.id, runner);
      if (planned.serves !== 'named') this.byId.set(undefined, runner);
    }
  }

  find(processor: string | undefined): Runner | undefined {
    return this.byId.get(processor);
  }

  ids(): readonly { readonly id: string; readonly description?: string }[] {
    const named = this.built.filter(({ planned }) => planned.serves !== 'unnamed');
    return named.map(({ runner: { id, description } }) => (description === undefined ? { id } : { id, description }));
  }
}
