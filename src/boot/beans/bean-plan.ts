/**
 * What a list of classes and definitions amounts to: who runs which id, who listens, who intercepts, and every mistake that can be seen
 * before anything is built.
 */
import { isProcessorDefinition, type ProcessorDefinition } from '../../decorators/define-processor.js';
import { type MarkName, markOf, type ProcessorMark, processorMarkOf } from '../../decorators/marks.js';
import { beanIdOf } from '../../decorators/processor.js';
import type { Class, JobContract } from '../../job/contract.js';
import { shown } from '../../kit/shown.js';
import { type Bean, nameOf } from './bean-names.js';
import { mistakeInDefaults } from './job-defaults.js';
import { type JobRunnerLike, type RunStep, stepOf } from './run-steps.js';

/** One processor id and what runs it. */
export interface PlannedRunner {
  readonly contract: JobContract;
  /** Undefined: every group. */
  readonly nodeGroup: string | undefined;
  /** Which jobs it gets: those that name it, those that name no processor, or both. */
  readonly serves: 'named' | 'unnamed' | 'both';
  readonly source: ClassSource | ProcessorDefinition | PlainSource;
}

export interface ClassSource {
  readonly type: Class;
  /** Undefined: `run`. */
  readonly method?: string | undefined;
  /** A new instance for each run. */
  readonly isFresh: boolean;
}

interface PlainSource {
  readonly run: RunStep;
}

const listenerMarks = [
  { mark: 'completed-handler', decorator: '@JobCompletedHandler', methods: ['onComplete'] },
  { mark: 'master-listener', decorator: '@MasterNodeListener', methods: ['change'] },
  { mark: 'node-listener', decorator: '@NodeChangeListener', methods: ['addNodes', 'removeNodes'] },
  { mark: 'run-interceptor', decorator: '@RunInterceptor', methods: ['intercept'] },
] as const;
type ListenerMark = (typeof listenerMarks)[number]['mark'];

const beanMarks: readonly MarkName[] = ['processor', 'handlers', ...listenerMarks.map(({ mark }) => mark)];

/** True for a class with a mark that makes it a bean. */
export function isBeanClass(value: unknown): value is Class {
  return typeof value === 'function' && beanMarks.some((mark) => markOf(value as Class, mark) !== undefined);
}

const idCharsMax = 128;

export interface PlannedBeans {
  readonly processors: readonly Bean[] | Readonly<Record<string, JobRunnerLike>>;
  /** Runs the jobs that name no processor: a class, decorated or not, a function, or an object with `run`. */
  readonly jobRunner?: Class | JobRunnerLike | undefined;
}

export class BeanPlan {
  readonly runners: PlannedRunner[] = [];
  readonly listeners: Record<ListenerMark, Class[]> = {
    'completed-handler': [],
    'master-listener': [],
    'node-listener': [],
    'run-interceptor': [],
  };
  /** Each names the class, its file if known, and the next move. */
  readonly mistakes: string[] = [];

  constructor({ processors, jobRunner }: PlannedBeans) {
    if (isList(processors)) for (const bean of new Set(processors)) if (!bean || bean !== jobRunner) this.add(bean);
    if (!isList(processors)) for (const [id, runner] of Object.entries(processors)) this.addPlain(id, runner, 'named');
    if (isRunnerClass(jobRunner)) this.addProcessor(jobRunner, { ...markOrDefault(jobRunner), isJobRunner: true });
    else if (jobRunner) this.addPlain('default', jobRunner, 'unnamed');
    this.checkIds();
    this.checkDefaults();
    const unnamed = this.runners.filter(({ serves }) => serves !== 'named');
    this.checkOne('@JobRunner', unnamed.map(nameOfRunner));
    this.checkOne('@JobCompletedHandler', this.listeners['completed-handler'].map(nameOf));
  }

  get hasCompletedHandler(): boolean {
    return this.listeners['completed-handler'].length > 0;
  }

  /** Contracts by processor id. */
  get contracts(): ReadonlyMap<string, JobContract> {
    return new Map(this.named.map(({ contract }) => [contract.processor, contract]));
  }

  /** The node groups that processors name, sorted. */
  get groups(): readonly string[] {
    return [...new Set(this.runners.flatMap(({ nodeGroup }) => nodeGroup ?? []))].sort();
  }

  private get named(): readonly PlannedRunner[] {
    return this.runners.filter(({ serves }) => serves !== 'unnamed');
  }

  /** Every class of the plan, once. */
  get classes(): readonly Class[] {
    const running = this.runners.flatMap(({ source }) => ('type' in source ? source.type : []));
    return [...new Set([...running, ...Object.values(this.listeners).flat()])];
  }

  /** True for a class that is made anew for each run. */
  isFresh(type: Class): boolean {
    return this.runners.some(({ source }) => 'type' in source && source.type === type && source.isFresh);
  }

  private add(bean: Bean): void {
    if (isProcessorDefinition(bean)) this.addDefinition(bean);
    else if (isBeanClass(bean)) this.addClass(bean);
    else if (bean === undefined) {
      this.mistakes.push(
        'processors: one of the list is undefined. Look for files that import one another (a circle of imports), or for a misspelt export.',
      );
    } else {
      this.mistakes.push(
        `${nameOf(bean)} is neither a decorated class nor made by defineProcessor. Mark it, for instance with @Processor() (a subclass does not inherit marks), or take it off the list.`,
      );
    }
  }

  private addPlain(id: string, runner: JobRunnerLike, serves: 'named' | 'unnamed'): void {
    const contract = { processor: id, defaults: {} };
    this.runners.push({ contract, nodeGroup: undefined, serves, source: { run: stepOf(id, runner) } });
  }

  private addDefinition(definition: ProcessorDefinition): void {
    const { nodeGroup } = definition.defaults;
    this.runners.push({ contract: definition, nodeGroup, serves: 'named', source: definition });
    if (typeof definition.handler === 'function') return;
    this.mistakes.push(`${nameOf(definition)} has no handler. Give a function as the last argument.`);
  }

  private addClass(type: Class): void {
    const mark = processorMarkOf(type);
    if (mark) this.addProcessor(type, mark);
    else if (markOf(type, 'handlers')) {
      this.mistakes.push(
        `${nameOf(type)} has methods marked @JobHandler but no @Processor. Add @Processor() to the class.`,
      );
    }
    for (const { mark, decorator, methods } of listenerMarks) {
      if (!markOf(type, mark)) continue;
      this.listeners[mark].push(type);
      if (!methods.some((method) => hasMethod(type, method))) {
        const names = methods.join(' or ');
        this.mistakes.push(`${nameOf(type)} is marked ${decorator} but has no method ${names}. Add the method.`);
      }
    }
  }

  /** `run` beside handlers is allowed: it has the bean's id, and each handler an id of its own. */
  private addProcessor(type: Class, mark: ProcessorMark): void {
    this.mistakes.push(...processorMistakes(type, mark));
    const isFresh = mark.scope === 'job';
    if (hasMethod(type, 'run')) {
      const { contract, nodeGroup, isJobRunner } = mark;
      this.runners.push({ contract, nodeGroup, serves: isJobRunner ? 'both' : 'named', source: { type, isFresh } });
    }
    for (const { contract, method } of mark.handlers) {
      const nodeGroup = contract.defaults.nodeGroup ?? mark.nodeGroup;
      this.runners.push({ contract, nodeGroup, serves: 'named', source: { type, method, isFresh } });
    }
  }

  private checkIds(): void {
    const byId = new Map<string, PlannedRunner[]>();
    for (const runner of this.named) {
      const { processor } = runner.contract;
      byId.set(processor, [...(byId.get(processor) ?? []), runner]);
    }
    for (const [id, same] of byId) {
      const names = same.map(nameOfRunner);
      if (typeof id !== 'string' || id === '' || id.length > idCharsMax) {
        this.mistakes.push(`${names.join(', ')}: ${shown(id)} is no processor id. Use 1 to ${idCharsMax} characters.`);
      }
      if (same.length > 1) {
        this.mistakes.push(`The processor id ${shown(id)} is used by ${names.join(' and by ')}. Rename all but one.`);
      }
    }
  }

  private checkDefaults(): void {
    for (const runner of this.runners) {
      const mistake = mistakeInDefaults(runner.contract.defaults);
      if (mistake !== undefined) this.mistakes.push(`${nameOfRunner(runner)}: ${mistake}`);
    }
  }

  private checkOne(what: string, names: readonly string[]): void {
    if (names.length > 1) this.mistakes.push(`There is more than one ${what}: ${names.join(' and ')}. Keep one.`);
  }
}

function* processorMistakes(type: Class, mark: ProcessorMark): Generator<string> {
  const name = `${nameOf(type)}, processor ${shown(mark.id)},`;
  if (mark.isJobRunner && !hasMethod(type, 'run')) {
    yield `${name} is the JobRunner but has no method run(context). Add the method.`;
  } else if (!hasMethod(type, 'run') && mark.handlers.length === 0) {
    yield `${name} has neither run(context) nor a method marked @JobHandler. Add one (handlers of a base class are not inherited).`;
  }
  if (mark.scope !== 'singleton' && mark.scope !== 'job') {
    yield `${name} has the scope ${shown(mark.scope)}. Use 'singleton' or 'job'.`;
  }
  if (mark.handlers.some(({ method }) => method === 'run')) {
    yield `${name} marks run as @JobHandler. Take the mark away, or give the method another name.`;
  }
}

function markOrDefault(type: Class): ProcessorMark {
  const contract = { processor: beanIdOf(type), defaults: {} };
  const plain = { id: contract.processor, scope: 'singleton', isJobRunner: false, contract, handlers: [] } as const;
  return processorMarkOf(type) ?? plain;
}

const isList = (processors: PlannedBeans['processors']): processors is readonly Bean[] => Array.isArray(processors);

/** A decorated class, or one with a method `run`: not a function that is a runner itself. */
export function isRunnerClass(value: unknown): value is Class {
  return isBeanClass(value) || (typeof value === 'function' && hasMethod(value as Class, 'run'));
}

/** Arrow functions have no prototype. */
function hasMethod({ prototype }: Class, method: string): boolean {
  return typeof (prototype as Record<string, unknown> | undefined)?.[method] === 'function';
}

function nameOfRunner({ contract, source }: PlannedRunner): string {
  if ('handler' in source) return nameOf(source);
  if ('run' in source) return `a runner named ${shown(contract.processor)}`;
  return source.method === undefined ? nameOf(source.type) : `${nameOf(source.type)}.${source.method}`;
}
