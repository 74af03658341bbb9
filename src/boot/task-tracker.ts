/** TaskTracker as users construct it. */

import { type LoadBalance, loadBalances } from '../cluster/tracker-choice.js';
import { leaseLostChoices } from '../job/job.js';
import { type LogLevel, logLevels } from '../job/log-line.js';
import { checkName, checkOneOf, checkWhole } from '../job/validate.js';
import type { Runners } from '../ports/runners.js';
import { type StopReport, TaskTrackerRole } from '../task-tracker/task-tracker.js';
import { checkNodeOptions, checkOptions, type NodeOptions } from './node-options.js';
import { OnceStarted } from './once-started.js';
import { choosing } from './places/chosen-tracker.js';
import { enterPlace, membershipOf, type PlacedNode, startNode, stopNode } from './places/placed-node.js';
import { type OpenRunners, prepareRunners, type RunnerOptions } from './runner-table.js';
import { chance, clock, codec, ids } from './system-ports.js';

export interface TaskTrackerOptions extends NodeOptions, RunnerOptions {
  /** The group whose jobs it runs. Default 'lts'. */
  readonly nodeGroup?: string | undefined;
  /** What another has opened and will close, instead of `jobRunner` and `processors`. */
  readonly runners?: Runners | undefined;
  /** Most runs at a time. Default 64. */
  readonly workThreads?: number | undefined;
  /** What runs do when the node's lease could not be renewed in time. Default 'abort'. */
  readonly leaseLost?: 'abort' | 'continue' | undefined;
  /** An aborted run that does not return within this time is given up, in ms. Default 5,000. */
  readonly abortGraceMs?: number | undefined;
  /** Biz-log lines below this level are not kept. Default 'INFO'. */
  readonly bizLoggerLevel?: LogLevel | undefined;
  /**
   * Which JobTracker serves it, until that one is gone: any ('random', default), the next in turn ('round-robin'), one by its
   * identity that changes only with the trackers ('consistent-hash'), or the master ('master-slave').
   */
  readonly loadBalance?: LoadBalance | undefined;
}

const ownKeys = [
  'nodeGroup',
  'jobRunner',
  'processors',
  'runners',
  'workThreads',
  'leaseLost',
  'abortGraceMs',
  'bizLoggerLevel',
  'loadBalance',
];

interface Running extends PlacedNode<TaskTrackerRole> {
  readonly opened: OpenRunners;
}

export class TaskTracker {
  private readonly openRunners: () => Promise<OpenRunners>;
  private readonly once = new OnceStarted<Running>();

  /** Throws LTS_CONFIG_INVALID, naming the option, also when there is nothing to run. */
  constructor(private readonly options: TaskTrackerOptions) {
    checkOptions(() => {
      checkNodeOptions(options, ownKeys);
      checkName('nodeGroup', options.nodeGroup ?? 'lts');
      checkWhole('workThreads', options.workThreads ?? 1, { min: 1, max: 100_000 });
      checkWhole('abortGraceMs', options.abortGraceMs ?? 0, { min: 0, max: 3_600_000 });
      checkOneOf('leaseLost', options.leaseLost ?? 'abort', leaseLostChoices);
      checkOneOf('bizLoggerLevel', options.bizLoggerLevel ?? 'INFO', logLevels);
      checkOneOf('loadBalance', options.loadBalance ?? 'random', loadBalances);
    });
    const { runners } = options;
    this.openRunners = runners
      ? async () => ({ runners, close: async () => {} })
      : prepareRunners(options, options.nodeGroup ?? 'lts');
  }

  /** Between a start and the stop that follows it. */
  get isRunning(): boolean {
    return this.once.now !== undefined;
  }

  async start(): Promise<this> {
    await this.once.start((interruption) => this.open(interruption));
    return this;
  }

  /** Finishes what runs within the deadline (default 25,000 ms), hands back the rest, and says what it did. */
  async stop(deadlineMs = 25_000): Promise<StopReport> {
    const report = await this.once.stop(async ({ opened, ...node }) => {
      try {
        return await stopNode(node, deadlineMs, (role) => role.stop(deadlineMs));
      } finally {
        await opened.close();
      }
    });
    return report ?? { finished: 0, handedBack: 0, abandoned: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async open(interruption: AbortSignal): Promise<Running> {
    const opened = await this.openRunners();
    try {
      return await this.openWith(opened, interruption);
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  private async openWith(opened: OpenRunners, interruption: AbortSignal): Promise<Running> {
    const { runners } = opened;
    const { loadBalance } = this.options;
    const entered = await enterPlace(this.options, 'TASK_TRACKER', { stop: () => this.stop(), interruption });
    // Only who serves its session is chosen; results and log lines are taken by any.
    const place = await choosing(entered, { loadBalance, kinds: ['StartSession'] });
    const { cluster, identity, transport, failStore, log, oldDataHandler } = place;
    const ports = { transport, failStore, runners, codec, clock, ids, chance, log, oldDataHandler };
    const role = new TaskTrackerRole(ports, { ...this.settings(), cluster, identity });
    const { nodeGroup } = this.settings();
    const membership = membershipOf(place, this.options, { nodeGroup, processors: runners.ids() });
    return { ...(await startNode({ place, role, membership })), opened };
  }

  private settings() {
    const {
      nodeGroup = 'lts',
      workThreads = 64,
      leaseLost = 'abort',
      abortGraceMs = 5_000,
      bizLoggerLevel = 'INFO',
    } = this.options;
    return { nodeGroup, workThreads, leaseLost, abortGraceMs, bizLoggerLevel };
  }
}
