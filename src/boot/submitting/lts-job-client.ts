/** LtsJobClient: submits a job in one chain of verbs, as LTS's users know it. */
import type { Class, JobContract } from '../../job/contract.js';
import type { Backoff, Job, MisfirePolicy } from '../../job/job.js';
import type { FollowOptions } from '../../job-client/follow.js';
import type { SubmitOptions } from '../../job-client/submit.js';
import { type Duration, durationMs } from '../../kit/duration.js';
import { shown } from '../../kit/shown.js';
import { applicationClient, type BuilderClient } from './application-client.js';
import { type Chain, draftsOf, emptyChain, groupsOf } from './chain.js';
import type { Submitted } from './job-handle.js';
import type { Response } from './response.js';

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
    if (!isObject(params)) return this.wrong('setParams', params);
    return this.and({ params: { ...this.chain.params, ...params } });
  }

  /** Who executes it: `'a'`, `'a,b'`, `'a', 'b'` or `['a', 'b']`; each group gets a job of its own. */
  nodeGroup(...groups: (string | readonly string[])[]): LtsJobClient {
    const names = groups.flat();
    const bad = names.findIndex((name) => typeof name !== 'string');
    return bad === -1 ? this.and({ nodeGroups: groupsOf(names) }) : this.wrong('nodeGroup', names[bad]);
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
  cron(cron: string, options: { timeZone?: string; misfire?: MisfirePolicy } = {}): LtsJobClient {
    if (!isObject(options)) return this.wrong('cron', options);
    const { timeZone, misfire } = options;
    return this.say({ cron, ...(timeZone !== undefined && { timeZone }), ...(misfire !== undefined && { misfire }) });
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
  backoff(backoff: Backoff, options: { max?: Duration } = {}): LtsJobClient {
    if (!isObject(options)) return this.wrong('backoff', options);
    return this.say(options.max === undefined ? { backoff } : { backoff, retryIntervalMax: options.max });
  }

  /** A run longer than this is interrupted. Default: none. */
  timeout(timeout: Duration): LtsJobClient {
    return this.say({ timeout });
  }

  /** Whether the completed handlers of the client's group hear of it. Default: if this client has one. */
  needFeedback(needFeedback = true): LtsJobClient {
    return this.flag({ needFeedback });
  }

  /** A waiting job or schedule with the same taskId is replaced in place. Default false. */
  replaceOnExist(replaceOnExist = true): LtsJobClient {
    return this.flag({ replaceOnExist });
  }

  /** Periodic jobs: the next slot waits for the end of the previous one. Default true. */
  relyOnPrevCycle(relyOnPrevCycle = true): LtsJobClient {
    return this.flag({ relyOnPrevCycle });
  }

  /** Not started by then: the job expires. */
  expireAt(expireAt: Date | number): LtsJobClient {
    return this.say({ expireAt });
  }

  /** One Response for each node group. A bad job is answered `rejected` with the reason in `msg`. Throws only LTS_NOT_STARTED. */
  async submit({ signal }: SubmitOptions = {}): Promise<Response[]> {
    return (await this.submitted(signal)).map(({ response }) => response);
  }

  /**
   * The values, one for each node group; waits 5 minutes unless told otherwise. Throws when a group did not take the job, as
   * a typed submit does (a bad argument of a verb is LTS_JOB_INVALID), or when a job ended otherwise: LTS_JOB_FAILED, LTS_TIMEOUT,
   * LTS_ABORTED. The other groups' jobs go on.
   */
  async submitAndWait(options: FollowOptions = {}): Promise<unknown[]> {
    if (options.timeout !== undefined) durationMs(options.timeout, 'timeout');
    const submitted = await this.submitted(options.signal);
    const failure = submitted.map((each) => each.failure).find((found) => found !== undefined);
    if (failure) throw failure;
    const ends = await Promise.allSettled(submitted.map(({ response }) => this.client.result(response.jobId, options)));
    return ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
  }

  private submitted(signal: AbortSignal | undefined): Promise<Submitted[]> {
    return this.client.submitDrafts(draftsOf(this.chain, signal));
  }

  /** Fields of the job; an undefined value is a mistake of the caller, never a silent default. */
  private say(fields: Partial<Job>): LtsJobClient {
    const missing = Object.entries(fields).find(([, value]) => value === undefined || value === null);
    return missing ? this.wrong(missing[0], missing[1]) : this.and({ job: { ...this.chain.job, ...fields } });
  }

  /** 'false' as a text would count as true. */
  private flag(fields: Pick<Job, 'needFeedback' | 'replaceOnExist' | 'relyOnPrevCycle'>): LtsJobClient {
    const bad = Object.entries(fields).find(([, value]) => typeof value !== 'boolean');
    return bad ? this.wrong(bad[0], bad[1]) : this.say(fields);
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

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
