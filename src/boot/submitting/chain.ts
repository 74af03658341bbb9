/** Chain: what the verbs of the builder collected, and the jobs that it comes to, one for each node group. */
import { LtsError } from '../../errors.js';
import type { Class, JobContract } from '../../job/contract.js';
import type { Job } from '../../job/job.js';
import { shown } from '../../kit/shown.js';
import type { Draft } from './draft.js';
import { contractOfClass, isContract } from './target.js';

/** Bean id, class (of one with methods, the method too) or contract. */
export interface ChainTarget {
  readonly processor: string | Class | JobContract;
  readonly method?: string | undefined;
}

/** Never changed: each verb makes a new one. */
export interface Chain {
  readonly job: Job;
  readonly params: Readonly<Record<string, unknown>>;
  readonly bizId?: string | undefined;
  readonly bizType?: string | undefined;
  readonly target?: ChainTarget | undefined;
  /** Absent: the group of the contract or the client's default. */
  readonly nodeGroups?: readonly string[] | undefined;
  /** What was wrong with the verbs' arguments; said at submit. */
  readonly problems: readonly string[];
}

export const emptyChain: Chain = { job: {}, params: {}, problems: [] };

/** Names, some of them several in one text as `'a,b'`: each group once. */
export function groupsOf(given: readonly string[]): string[] {
  return [...new Set(given.flatMap((names) => names.split(',').map((name) => name.trim())))];
}

/** One draft for each group. */
export function draftsOf(chain: Chain, signal: AbortSignal | undefined): Draft[] {
  const problems = [...chain.problems];
  const contract = contractOf(chain.target, problems);
  const processor = contract?.processor ?? (chain.target?.processor as string | undefined);
  const whole = { ...chain.job, processor, taskId: taskIdOf(chain, problems) };
  if (chain.nodeGroups?.length === 0) problems.push('nodeGroup: no group was given. Name one, or leave the verb out.');
  const groups = chain.nodeGroups?.length ? chain.nodeGroups : [undefined];
  const problem = problems.length === 0 ? undefined : new LtsError('LTS_JOB_INVALID', problems.join(' '));
  return groups.map((nodeGroup) => ({
    contract,
    signal,
    problem,
    job: { ...whole, nodeGroup, params: { ...chain.params } },
  }));
}

function contractOf(target: ChainTarget | undefined, problems: string[]): JobContract | undefined {
  if (!target) return undefined;
  const { processor, method } = target;
  if (typeof processor === 'function') return contractOfMarked(processor, method, problems);
  if (method !== undefined)
    problems.push(`processor: ${shown(method)} is a method, but what stands before it is no class.`);
  if (typeof processor === 'string') return undefined;
  if (isContract(processor)) return processor;
  problems.push(`processor: ${shown(processor)} is neither a bean id, a class nor a contract.`);
  return undefined;
}

function contractOfMarked(type: Class, method: string | undefined, problems: string[]): JobContract | undefined {
  try {
    return contractOfClass(type, method);
  } catch (error) {
    if (!LtsError.is(error)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

/** 'bizType:bizId', or the bizId alone; the verb taskId says it directly. */
function taskIdOf({ job, bizId, bizType }: Chain, problems: string[]): string | undefined {
  if (job.taskId !== undefined) return job.taskId;
  if (bizId === '') problems.push('bizId: it is empty, so the job would have no key. Give it, or leave the verb out.');
  if (bizType !== undefined && bizId === undefined)
    problems.push(`bizType: ${shown(bizType)} needs a bizId beside it.`);
  return bizType === undefined ? bizId : `${bizType}:${bizId}`;
}
