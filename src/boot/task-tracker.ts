/** TaskTracker as users construct it. */

import type { LogLevel } from '../job/log-line.js';
import { checkName, checkOneOf, checkWhole } from '../job/validate.js';
import { type StopReport, TaskTrackerRole } from '../task-tracker/task-tracker.js';
import { checkNodeOptions, checkOptions, type NodeOptions } from './node-options.js';
import { enterCluster, leaveCluster, type PlacedNode, startRole } from './node-place.js';
import { OnceStarted } from './once-started.js';
import { RunnerTable, type RunnerTableOptions } from './runner-table.js';
import { chance, clock, codec, ids } from './system-ports.js';

export interface TaskTrackerOptions extends NodeOptions, RunnerTableOptions {
  /** The group whose jobs it runs. Default 'lts'. */
  readonly nodeGroup?: string | undefined;
  /** Most runs at a time. Default 64. */
  readonly workThreads?: number | undefined;
  /** What runs do when the node's lease could not be renewed in time. Default 'abort'. */
  readonly leaseLost?: 'abort' | 'continue' | undefined;
  /** An aborted run that does not return within this time is given up, in ms. Default 5,000. */
  readonly abortGraceMs?: number | undefined;
  /** Biz-log lines below this level are not kept. Default 'INFO'. */
  readonly bizLoggerLevel?: LogLevel | undefined;
}

const ownKeys = ['nodeGroup', 'jobRunner', 'processors', 'workThreads', 'leaseLost', 'abortGraceMs', 'bizLoggerLevel'];

interface Running extends PlacedNode {
  readonly role: TaskTrackerRole;
}

export class TaskTracker {
  private readonly runners: RunnerTable;
  private readonly once = new OnceStarted<Running>();

  /** Throws LTS_CONFIG_INVALID, naming the option, also when there is nothing to run. */
  constructor(private readonly options: TaskTrackerOptions) {
    checkOptions(() => {
      checkNodeOptions(options, ownKeys);
      checkName('nodeGroup', options.nodeGroup ?? 'lts');
      checkWhole('workThreads', options.workThreads ?? 1, { min: 1, max: 100_000 });
      checkWhole('abortGraceMs', options.abortGraceMs ?? 0, { min: 0, max: 3_600_000 });
      checkOneOf('leaseLost', options.leaseLost ?? 'abort', ['abort', 'continue']);
      checkOneOf('bizLoggerLevel', options.bizLoggerLevel ?? 'INFO', ['DEBUG', 'INFO', 'WARN', 'ERROR']);
    });
    this.runners = new RunnerTable(options);
  }

  async start(): Promise<this> {
    await this.once.start(() => this.open());
    return this;
  }

  /** Finishes what runs within the deadline (default 25,000 ms), hands back the rest, and says what it did. */
  async stop(deadlineMs?: number): Promise<StopReport> {
    const report = await this.once.stop(async ({ role, ...node }) => {
      try {
        return await role.stop(deadlineMs);
      } finally {
        await leaveCluster(node);
      }
    });
    return report ?? { finished: 0, handedBack: 0, abandoned: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async open(): Promise<Running> {
    const place = await enterCluster(this.options, 'TT');
    const transport = place.embedded.network.transport();
    const { failStore } = place.embedded;
    const ports = { transport, failStore, runners: this.runners, codec, clock, ids, chance, log: place.log };
    const role = new TaskTrackerRole(ports, { ...this.settings(), cluster: place.cluster, identity: place.identity });
    await startRole(role, { place, transport });
    return { place, role, transport };
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
