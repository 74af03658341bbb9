/** JobTracker as users construct it. */
import { within } from '../cluster/within.js';
import { LtsError } from '../errors.js';
import { parseCron } from '../job/cron/cron.js';
import { checkPause, checkWhole } from '../job/validate.js';
import { JobTrackerRole } from '../job-tracker/job-tracker.js';
import { checkMongo, type MongoOptions } from './mongo-options.js';
import { checkNodeOptions, checkOptions, type NodeOptions } from './node-options.js';
import { OnceStarted } from './once-started.js';
import { findExtension } from './own-adapters.js';
import type { NodePlace } from './places/node-place.js';
import { RegistryPeers } from './places/peers.js';
import { enterPlace, membershipOf, type PlacedNode, startNode, stopNode } from './places/placed-node.js';
import { calmLog } from './stores/calm-log.js';
import { replayOf } from './stores/replays.js';
import type { Stores } from './stores/stores.js';
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
  /** For 'mongo' as jobQueue or jobLogger. */
  readonly mongo?: MongoOptions | undefined;
  /** Where the story of each job goes: 'lmdb', 'memory', 'mongo', 'console' (only to the technical log) or an extension's name. Default: beside the jobs. */
  readonly jobLogger?: string | undefined;
  /** Zone of cron expressions that name none. Default: the process's zone. */
  readonly timeZone?: string | undefined;
}

interface Running extends PlacedNode<JobTrackerRole> {
  /** What is not may be left with work under way. */
  readonly isLocal: boolean;
}

/** What it works on, and who does so beside it; nobody where the store can be its own only. */
type Ground = Stores & { readonly peers: RegistryPeers | undefined };

const deadlineMsDefault = 25_000;
/** LTS's name of the one group that all JobTrackers are in. */
const trackerGroup = 'jobTrackerGroup';
const ownKeys = ['maxRetryTimes', 'retryIntervalMs', 'keepEndedMs', 'keepEndedMax', 'mongo', 'jobLogger', 'timeZone'];

/** Each of several JobTrackers would know a part of every story. */
function checkSharedLog({ jobQueue, jobLogger }: JobTrackerOptions): void {
  if (jobQueue !== 'mongo' || jobLogger !== 'memory') return;
  const text =
    'jobLogger: memory shows what one JobTracker heard, and with jobQueue mongo there may be several. Use mongo or console.';
  throw new LtsError('LTS_CONFIG_INVALID', text);
}

export class JobTracker {
  private readonly once = new OnceStarted<Running>();

  /** Throws LTS_CONFIG_INVALID, naming the option. */
  constructor(private readonly options: JobTrackerOptions = {}) {
    checkOptions(() => {
      checkNodeOptions(options, ownKeys);
      if (options.jobLogger !== undefined) findExtension('job.logger', options.jobLogger, options.extensions);
      checkMongo(options.mongo ?? {});
      checkSharedLog(options);
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
    await this.once.start((interruption) => this.open(interruption));
    return this;
  }

  /**
   * Answers what is open and closes the store. What MongoDB, NATS or another node has not answered is given up at the deadline (default
   * 25,000 ms): each call there is safe to be left or to be repeated by another JobTracker. A local store is waited for.
   */
  async stop(deadlineMs = deadlineMsDefault): Promise<void> {
    await this.once.stop(({ isLocal, ...node }) =>
      stopNode(node, deadlineMs, async (role) => {
        const stopped = role.stop();
        if (await within(clock, deadlineMs - leavingMs(deadlineMs), stopped)) return;
        if (!isLocal) return sayGivenUp(node.place);
        // What it asks of other nodes is given up; what it writes is waited for.
        await node.place.transport.close();
        await stopped;
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async open(interruption: AbortSignal): Promise<Running> {
    const place = await enterPlace(this.options, 'JOB_TRACKER', { stop: () => this.stop(), interruption });
    const { jobLogger, mongo } = this.options;
    let ground: Ground;
    try {
      const stores = await place.openStores({ jobLogger, mongo });
      ground = { ...stores, peers: stores.isShared ? await RegistryPeers.of(place) : undefined };
    } catch (error) {
      await place.leave();
      throw error;
    }
    return this.startWith(ground, place);
  }

  private async startWith(ground: Ground, place: NodePlace): Promise<Running> {
    const { maxRetryTimes, retryIntervalMs, keepEndedMs, keepEndedMax, timeZone } = this.options;
    const { cluster, identity, transport, oldDataHandler } = place;
    const { queue, logger, leases, clock: sharedClock, peers } = ground;
    const log = calmLog(place.log, ground.isOutage);
    const role = new JobTrackerRole(
      { queue, logger, leases, peers, transport, clock: sharedClock, ids, chance, log, oldDataHandler },
      { maxRetryTimes, retryIntervalMs, keepEndedMs, keepEndedMax, timeZone, cluster, identity },
    );
    const membership = membershipOf(place, this.options, { nodeGroup: trackerGroup, store: ground.id });
    const { isLocal } = ground;
    const running = { ...(await startNode({ place, role, membership })), isLocal };
    if (ground.hasDeadSessions) await settleDeadProcess(running);
    return running;
  }
}

/** Of a stop's deadline: for taking leave of the others when the store has used up the rest. */
const leavingMs = (deadlineMs: number): number => Math.min(2_000, deadlineMs / 8);

function sayGivenUp({ log, identity }: NodePlace): void {
  log.warn({ identity }, 'MongoDB does not answer; this JobTracker leaves what it had under way there');
}

/** Results that a dead process left in the FailStore count before its runs are given back. */
async function settleDeadProcess(node: Running): Promise<void> {
  try {
    await replayOf('results', node.place).drain();
    await node.role.rescueDeadProcess();
  } catch (error) {
    await stopNode(node, deadlineMsDefault, (role) => role.stop());
    throw error;
  }
}
