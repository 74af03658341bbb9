/** TaskTracker as users construct it. */
import type { LogLevel } from '../job/log-line.js';
import type { Transport } from '../ports/transport.js';
import { type StopReport, TaskTrackerRole } from '../task-tracker/task-tracker.js';
import { enterCluster, type NodeOptions, type NodePlace } from './node-options.js';
import { RunnerTable, type RunnerTableOptions } from './runner-table.js';
import { chance, clock, codec, ids } from './system-ports.js';

export interface TaskTrackerOptions extends NodeOptions, RunnerTableOptions {
  /** The group whose jobs it runs. Default 'lts'. */
  readonly nodeGroup?: string;
  /** Most runs at a time. Default 64. */
  readonly workThreads?: number;
  /** What runs do when the node's lease could not be renewed in time. Default 'abort'. */
  readonly leaseLost?: 'abort' | 'continue';
  /** An aborted run that does not return within this time is given up, in ms. Default 5,000. */
  readonly abortGraceMs?: number;
  /** Biz-log lines below this level are not kept. Default 'INFO'. */
  readonly bizLoggerLevel?: LogLevel;
}

interface Running {
  readonly place: NodePlace;
  readonly role: TaskTrackerRole;
  readonly transport: Transport;
}

export class TaskTracker {
  private readonly runners: RunnerTable;
  private running: Running | undefined;

  /** Throws LTS_CONFIG_INVALID when there is nothing to run. */
  constructor(private readonly options: TaskTrackerOptions) {
    this.runners = new RunnerTable(options);
  }

  async start(): Promise<this> {
    if (this.running) return this;
    const place = await enterCluster(this.options, 'TT');
    const transport = place.embedded.network.transport();
    const { failStore } = place.embedded;
    const ports = { transport, failStore, runners: this.runners, codec, clock, ids, chance, log: place.log };
    const role = new TaskTrackerRole(ports, { ...this.settings(), cluster: place.cluster, identity: place.identity });
    this.running = { place, role, transport };
    await role.start();
    return this;
  }

  /** Finishes what runs within the deadline (default 25,000 ms), hands back the rest, and says what it did. */
  async stop(deadlineMs?: number): Promise<StopReport> {
    const { running } = this;
    this.running = undefined;
    if (!running) return { finished: 0, handedBack: 0, abandoned: 0 };
    const report = await running.role.stop(deadlineMs);
    await running.transport.close();
    await running.place.embedded.leave();
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private settings() {
    const { nodeGroup = 'lts', workThreads = 64, leaseLost = 'abort', abortGraceMs = 5_000, bizLoggerLevel = 'INFO' } = this.options;
    return { nodeGroup, workThreads, leaseLost, abortGraceMs, bizLoggerLevel };
  }
}
