/** LtsJobClient: submits a job in one chain of verbs, as LTS's users know it. */
import type { Class, JobContract } from '../../job/contract.js';
import type { Backoff, Job, MisfirePolicy } from '../../job/job.js';
import type { FollowOptions } from '../../job-client/follow.js';
import type { SubmitOptions } from '../../job-client/submit.js';
import type { Duration } from '../../kit/duration.js';
import { shown } from '../../kit/shown.js';
import { applicationClient, type BuilderClient } from './application-client.js';
import { type Chain, draftsOf, emptyChain, groupsOf } from './chain.js';
import { failureOf, type Response, rejectedResponse } from './response.js';

/**
 * Every verb answers a new value: chains never share state, and a chain may be submitted again. A bad argument is said at submit,
 * and then nothing is sent. Durations are milliseconds or text such as '30s'.
 */
export class LtsJobClient {
  private chain: Chain = emptyChain;

  /** `client` is a JobClient that has started. */
  constructor(private readonly client: BuilderClient) {}

  /** Submits through the application's client. Throws LTS_NOT_STARTED before one has started. */
  static getInstance(): LtsJobClient {
    return new LtsJobClient(applicationClient());
  }

  /** Business id. The taskId becomes 'bizType:bizId', so the same business object again is a duplicate while its job is open. */
  bizId(bizId: string | number | bigint): LtsJobClient {
    const isId = (typeof bizId === 'number' && Number.isFinite(bizId)) || ['string', 'bigint'].includes(typeof bizId);
    return isId ? this.and({ bizId: `${bizId}` }) : this.wrong('bizId', bizId);
  }

  /** Business type, the first part of the taskId. */
  bizType(bizType: string): LtsJobClient {
    return typeof bizType === 'string' && bizType !== '' ? this.and({ bizType }) : this.wrong('bizType', bizType);
  }

  /** Who runs it: a bean id, a class with @Processor (and the method, for one that has several), or a contract of defineJob. */
  processor(id: string): LtsJobClient;
  processor(contract: JobContract): LtsJobClient;
  processor(type: Class, method?: string): LtsJobClient;
  processor(processor: string | Class | JobContract, method?: string): LtsJobClient {
    if (processor === undefined || processor === null) return this.wrong('processor', processor);
    return this.and({ target: { processor, method } });
  }

  /** One of the job's params, plain data. */
  setParam(name: string, value: unknown): LtsJobClient {
    if (typeof name !== 'string') return this.wrong('setParam', name);
    return this.and({ params: { ...this.chain.params, [name]: value } });
  }

  /** Further params, all at once; those that were set stay unless they are named again. */
  setParams(params: object): LtsJobClient {
    if (typeof params !== 'object' || params === null || Array.isArray(params)) return this.wrong('setParams', params);
    return this.and({ params: { ...this.chain.params, ...params } });
  }

  /** Who executes it: `'a'`, `'a,b'`, `'a', 'b'` or `['a', 'b']`; each group gets a job of its own. */
  nodeGroup(...groups: (string | readonly string[])[]): LtsJobClient {
    return this.and({ nodeGroups: groupsOf(groups) });
  }

  /** The key itself, instead of the one made of bizType and bizId. */
  taskId(taskId: string): LtsJobClient {
    return this.say({ taskId });
  }

  /** Smaller is more urgent. Default 100. */
  priority(priority: number): LtsJobClient {
    return this.say({ priority });
  }

  /** A share of the group's queue; lanes take turns. */
  lane(lane: string): LtsJobClient {
    return this.say({ lane });
  }

  /** First or only fire time. Default now. */
  triggerTime(triggerTime: Date | number): LtsJobClient {
    return this.say({ triggerTime });
  }

  /** Fires this long after acceptance. */
  delay(delay: Duration): LtsJobClient {
    return this.say({ delay });
  }

  /** Fires by a Quartz or unix cron expression. Zone: default the JobTracker's. Misfire: default 'fire-once'. */
  cron(cron: string, { timeZone, misfire }: { timeZone?: string; misfire?: MisfirePolicy } = {}): LtsJobClient {
    const options = { ...(timeZone !== undefined && { timeZone }), ...(misfire !== undefined && { misfire }) };
    return this.say({ cron, ...options });
  }

  /** Runs every `interval`, `count` times in all; -1 is endless. */
  repeat(repeat: { interval: Duration; count: number }): LtsJobClient {
    return this.say({ repeat });
  }

  /** Runs again this long after the previous run ended. */
  fixedDelay(fixedDelay: Duration): LtsJobClient {
    return this.say({ fixedDelay });
  }

  /** Default 10. */
  maxRetryTimes(maxRetryTimes: number): LtsJobClient {
    return this.say({ maxRetryTimes });
  }

  /** Default 30 s. */
  retryInterval(retryInterval: Duration): LtsJobClient {
    return this.say({ retryInterval });
  }

  /** 'fixed' (default), or 'exponential' with jitter, up to `max` (default 1 h). */
  backoff(backoff: Backoff, { max }: { max?: Duration } = {}): LtsJobClient {
    return this.say(max === undefined ? { backoff } : { backoff, retryIntervalMax: max });
  }

  /** A run longer than this is interrupted. Default: none. */
  timeout(timeout: Duration): LtsJobClient {
    return this.say({ timeout });
  }

  /** Whether the completed handlers of the client's group hear of it. Default: if this client has one. */
  needFeedback(needFeedback = true): LtsJobClient {
    return this.say({ needFeedback });
  }

  /** A waiting job or schedule with the same taskId is replaced in place. Default false. */
  replaceOnExist(replaceOnExist = true): LtsJobClient {
    return this.say({ replaceOnExist });
  }

  /** Periodic jobs: the next slot waits for the end of the previous one. Default true. */
  relyOnPrevCycle(relyOnPrevCycle = true): LtsJobClient {
    return this.say({ relyOnPrevCycle });
  }

  /** Not started by then: the job expires. */
  expireAt(expireAt: Date | number): LtsJobClient {
    return this.say({ expireAt });
  }

  /** One Response for each node group. A bad job is answered `rejected` with the reason in `msg`. Throws only LTS_NOT_STARTED. */
  async submit(options?: SubmitOptions): Promise<Response[]> {
    const { drafts, problem } = draftsOf(this.chain);
    if (problem !== undefined) return drafts.map(({ job }) => rejectedResponse(job, problem));
    return this.client.submitDrafts(drafts, options);
  }

  /**
   * The values, one for each node group; waits 5 minutes unless told otherwise. Throws when a group did not take the job, as
   * a typed submit does, or when a job ended otherwise: LTS_JOB_FAILED, LTS_TIMEOUT, LTS_ABORTED. The other groups' jobs go on.
   */
  async submitAndWait(options: FollowOptions = {}): Promise<unknown[]> {
    const { signal } = options;
    const responses = await this.submit({ signal });
    const failures = responses.map((response, index) => failureOf(response, this.nameOf(index), signal));
    const failure = failures.find((found) => found !== undefined);
    if (failure) throw failure;
    const ends = await Promise.allSettled(responses.map(({ jobId }) => this.client.result(jobId, options)));
    return ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
  }

  private nameOf(index: number): string {
    const { target, nodeGroups } = this.chain;
    const processor = typeof target?.processor === 'string' ? target.processor : (target?.processor as Class)?.name;
    return [processor, nodeGroups?.[index] && `for ${nodeGroups[index]}`].filter(Boolean).join(' ');
  }

  /** Fields of the job; an undefined value is a mistake of the caller, never a silent default. */
  private say(fields: Partial<Job>): LtsJobClient {
    const missing = Object.entries(fields).find(([, value]) => value === undefined || value === null);
    return missing ? this.wrong(missing[0], missing[1]) : this.and({ job: { ...this.chain.job, ...fields } });
  }

  private wrong(verb: string, value: unknown): LtsJobClient {
    return this.and({ problems: [...this.chain.problems, `${verb}: ${shown(value)} cannot be used.`] });
  }

  private and(change: Partial<Chain>): LtsJobClient {
    const next = new LtsJobClient(this.client);
    next.chain = { ...this.chain, ...change };
    return next;
  }
}
