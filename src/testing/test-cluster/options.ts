/** What a test cluster can be told, checked, with defaults filled in. */
import type { Beans } from '../../boot/beans/beans.js';
import { checkOptionNames, checkOptions } from '../../boot/node-options.js';
import { LtsError } from '../../errors.js';
import { type LogLevel, logLevels } from '../../job/log-line.js';
import { checkInstant, checkName, checkOneOf, checkWhole } from '../../job/validate.js';
import type { TrackerSettings } from '../../job-tracker/tracker-ports.js';
import { type Duration, durationMs } from '../../kit/duration.js';
import { shown } from '../../kit/shown.js';
import type { Log } from '../../ports/log.js';
import { type FaultLevel, type NetworkFaults, networkFaultsOf } from '../faults.js';
import { worldBeganAt } from '../virtual-clock.js';
import type { TestBeansOptions } from './test-beans.js';

export interface TestClusterOptions extends TestBeansOptions {
  /** The same seed has the same history. Default 1. */
  readonly seed?: number | undefined;
  /** What the network does to messages: a level, or rates of one's own. Default 'none'. */
  readonly faults?: FaultLevel | Partial<NetworkFaults> | undefined;
  /** Groups of the TaskTrackers; jobs that name none go to the first. Default 'lts' and the groups that the processors name. */
  readonly nodeGroup?: string | readonly string[] | undefined;
  /** TaskTrackers of each group. Default 1. */
  readonly workers?: number | undefined;
  /** Most runs at a time on each TaskTracker. Default 64. */
  readonly workThreads?: number | undefined;
  /** Default 'INFO'. */
  readonly bizLoggerLevel?: LogLevel | undefined;
  /** Settings of the JobTracker, such as `maxRetryTimes` and `retryIntervalMs`. */
  readonly jobTracker?: Omit<TrackerSettings, 'cluster' | 'timeZone'> | undefined;
  /** What the wall clocks show at the beginning. Default 2027-01-15 08:00 UTC. */
  readonly startAt?: Date | number | undefined;
  /** Zone of cron expressions that name none. Default 'UTC'. */
  readonly timeZone?: string | undefined;
  /**
   * Real time that virtual time stands still for one handler that awaits something else than virtual time, such as a file or a
   * server. Default 250 ms. Counted in turns of the event loop, so a busy machine gets more.
   */
  readonly realWait?: Duration | undefined;
  /** Technical log lines of the nodes. Default: none. */
  readonly log?: Log | undefined;
  /** Gets each line of the history: messages and runs. */
  readonly trace?: ((line: string) => void) | undefined;
}

export interface ClusterPlan {
  readonly seed: number;
  readonly faults: NetworkFaults;
  readonly workers: number;
  readonly workThreads: number;
  readonly bizLoggerLevel: LogLevel;
  readonly tracker: TrackerSettings;
  readonly startAt: number;
  readonly realWaitMs: number;
  readonly log: Log;
  readonly print: ((line: string) => void) | undefined;
}

/** All nodes of a test cluster are in the cluster of this name. */
export const clusterName = 'test';
const defaultGroup = 'lts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const keys: readonly string[] = [
  ...['processors', 'jobRunner', 'container', 'bindings'],
  ...['seed', 'faults', 'nodeGroup', 'workers', 'workThreads', 'bizLoggerLevel', 'jobTracker', 'startAt', 'timeZone'],
  ...['realWait', 'log', 'trace'],
];

/** Throws LTS_CONFIG_INVALID, naming the option. */
export function planOf(options: TestClusterOptions): ClusterPlan {
  checkOptions(() => checkAll(options));
  const { seed = 1, faults = 'none', workers = 1, workThreads = 64, bizLoggerLevel = 'INFO', log = silent } = options;
  return {
    ...{ seed, workers, workThreads, bizLoggerLevel, log },
    faults: networkFaultsOf(faults),
    tracker: { ...options.jobTracker, cluster: clusterName, timeZone: options.timeZone ?? 'UTC' },
    startAt: instantOf(options.startAt),
    realWaitMs: durationMs(options.realWait ?? 250, 'realWait'),
    print: options.trace,
  };
}

/** The groups that get TaskTrackers: those that are asked for, else those that have something to run. The first is the default one. */
export function groupsOf({ nodeGroup }: TestClusterOptions, beans: Beans): [string, ...string[]] {
  const asked = askedGroups(nodeGroup);
  if (asked.length > 0) return asked as [string, ...string[]];
  const named = beans.groups().filter((group) => group !== defaultGroup);
  const isDefaultServed = beans.forGroup(defaultGroup).ids().length > 0 || beans.find(undefined) !== undefined;
  return isDefaultServed || named.length === 0 ? [defaultGroup, ...named] : (named as [string, ...string[]]);
}

const askedGroups = (nodeGroup: TestClusterOptions['nodeGroup'] = []): readonly string[] =>
  typeof nodeGroup === 'string' ? [nodeGroup] : nodeGroup;

function checkAll(options: TestClusterOptions): void {
  if (typeof options !== 'object' || options === null) throw wrong(`options: ${shown(options)} is no object`);
  checkOptionNames(options, keys);
  checkWhole('seed', options.seed ?? 1, { min: 0, max: 2 ** 32 - 1 });
  checkWhole('workers', options.workers ?? 1, { min: 0, max: 1_000 });
  checkWhole('workThreads', options.workThreads ?? 1, { min: 1, max: 100_000 });
  checkOneOf('bizLoggerLevel', options.bizLoggerLevel ?? 'INFO', logLevels);
  if (typeof options.faults === 'string') checkOneOf('faults', options.faults, ['none', 'some', 'many']);
  for (const group of askedGroups(options.nodeGroup)) checkName('nodeGroup', group);
  instantOf(options.startAt);
}

function instantOf(startAt: Date | number = worldBeganAt): number {
  const at = startAt instanceof Date ? startAt.getTime() : startAt;
  checkInstant('startAt', at);
  return at;
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', `testCluster ${text}`);
