/** JobTracker as users construct it. */
import { MemoryLeases } from '../adapters/memory/memory-leases.js';
import { ask } from '../cluster/ask.js';
import { Replay } from '../cluster/replay.js';
import { parseCron } from '../job/cron/cron.js';
import { checkPause, checkWhole } from '../job/validate.js';
import { JobTrackerRole } from '../job-tracker/job-tracker.js';
import type { Transport } from '../ports/transport.js';
import type { RunReport } from '../protocol/messages.js';
import { subjectsOf } from '../protocol/subjects.js';
import type { Stores } from './embedded.js';
import { findExtension } from './extensions.js';
import type { Membership } from './membership.js';
import { checkNodeOptions, checkOptions, type NodeOptions } from './node-options.js';
import { enterCluster, membershipOf, type NodePlace } from './node-place.js';
import { OnceStarted } from './once-started.js';
import { chance, clock, ids } from './system-ports.js';

export interface JobTrackerOptions extends NodeOptions {
  /** For jobs that do not name their own. Default 10. */
  readonly maxRetryTimes?: number | undefined;
  /** For jobs that do not name their own, in ms. Default 30,000. */
  readonly retryIntervalMs?: number | undefined;
  /** Ended jobs are kept this long, in ms. Default 7 days. */
  readonly keepEndedMs?: number | undefined;
  /** Most ended jobs kept. Default 1,000,000. */
  readonly keepEndedMax?: number | undefined;
  /** Where the story of each job goes: 'lmdb', 'memory', 'console' (only to the technical log) or an extension's name. Default: beside the jobs. */
  readonly jobLogger?: string | undefined;
  /** Zone of cron expressions that name none. Default: the process's zone. */
  readonly timeZone?: string | undefined;
}

interface Running {
  readonly place: NodePlace;
  readonly role: JobTrackerRole;
  readonly transport: Transport;
  readonly stores: Stores;
  readonly membership: Membership;
}

/** LTS's name of the one group that all JobTrackers are in. */
const trackerGroup = 'jobTrackerGroup';
const ownKeys = ['maxRetryTimes', 'retryIntervalMs', 'keepEndedMs', 'keepEndedMax', 'jobLogger', 'timeZone'];

export class JobTracker {
  private readonly once = new OnceStarted<Running>();

  /** Throws LTS_CONFIG_INVALID, naming the option. */
  constructor(private readonly options: JobTrackerOptions = {}) {
    checkOptions(() => {
      checkNodeOptions(options, ownKeys);
      if (options.jobLogger !== undefined) findExtension('job.logger', options.jobLogger, options.extensions);
      checkWhole('maxRetryTimes', options.maxRetryTimes ?? 0, { min: 0, max: 1_000_000 });
      checkPause('retryIntervalMs', options.retryIntervalMs ?? 0);
      checkWhole('keepEndedMs', options.keepEndedMs ?? 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
      checkWhole('keepEndedMax', options.keepEndedMax ?? 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
      if (options.timeZone !== undefined) parseCron('0 0 0 * * ?', options.timeZone);
    });
  }

  /** Between a start and the stop that follows it. */
  get isRunning(): boolean {
    return this.once.now !== undefined;
  }

  /** All or nothing: throws LTS_DATA_PATH_IN_USE, LTS_STORE_CORRUPT, LTS_STORE_FAILED or LTS_CONFIG_INVALID. */
  async start(): Promise<this> {
    await this.once.start(() => this.open());
    return this;
  }

  /** Answers what is open and closes the store. */
  async stop(): Promise<void> {
    await this.once.stop(async ({ role, transport, place, membership }) => {
      try {
        await membership.leave();
        await role.stop();
        await transport.close();
      } finally {
        await place.embedded.closeStores();
        await place.embedded.leave();
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async open(): Promise<Running> {
    const place = await enterCluster(this.options, 'JOB_TRACKER');
    try {
      return await this.startIn(place, await place.embedded.openStores(this.options.jobLogger));
    } catch (error) {
      await place.embedded.leave();
      throw error;
    }
  }

  private async startIn(place: NodePlace, stores: Stores): Promise<Running> {
    const { maxRetryTimes, retryIntervalMs, keepEndedMs, keepEndedMax, timeZone } = this.options;
    const own = { maxRetryTimes, retryIntervalMs, keepEndedMs, keepEndedMax, timeZone };
    const transport = place.embedded.network.transport();
    const { queue, logger } = stores;
    const role = new JobTrackerRole(
      { queue, logger, leases: new MemoryLeases(), transport, clock, ids, chance, log: place.log },
      { ...own, cluster: place.cluster },
    );
    const membership = membershipOf(place, this.options, { type: 'JOB_TRACKER', nodeGroup: trackerGroup });
    try {
      await role.start();
      await membership.join();
      if (stores.isFirstOpen) await this.settleDeadProcess(place, { role, transport });
    } catch (error) {
      await membership.leave();
      await role.stop();
      await transport.close();
      await place.embedded.closeStores();
      throw error;
    }
    return { place, role, transport, stores, membership };
  }

  /** At the first opening the store's sessions belong to a process that is gone. Results that it left in the FailStore count before its runs are given back. */
  private async settleDeadProcess(
    place: NodePlace,
    { role, transport }: Pick<Running, 'role' | 'transport'>,
  ): Promise<void> {
    const left = new Replay<RunReport>({
      topic: 'results',
      failStore: place.embedded.failStore,
      clock,
      log: place.log,
      everyMs: 30_000,
      send: async (reports) => {
        const to = { subject: subjectsOf(place.cluster).tracker, deadlineMs: 10_000 };
        await ask(transport, to, { kind: 'ReportRuns', body: { session: '', slots: 0, reports } });
        return [];
      },
    });
    await left.drain();
    await role.rescueDeadProcess();
  }
}
