/** What an application is made of: settings, log, processors and nodes; everything made, nothing started. */
import { type Logger, PinoLog, pinoLog } from '../../adapters/pino/pino-log.js';
import { terminalLines } from '../../adapters/pino/terminal-lines.js';
import { LtsError } from '../../errors.js';
import type { Class } from '../../job/contract.js';
import type { JobResult } from '../../job/result.js';
import { Chance } from '../../ports/chance.js';
import { Clock } from '../../ports/clock.js';
import { Codec } from '../../ports/codec.js';
import { Ids } from '../../ports/ids.js';
import { Log } from '../../ports/log.js';
import type { NodeType } from '../../ports/registry.js';
import type { Runners } from '../../ports/runners.js';
import { Schemas } from '../../ports/schemas.js';
import type { Bean } from '../beans/bean-names.js';
import type { BeanPlan } from '../beans/bean-plan.js';
import { type Beans, openBeans } from '../beans/beans.js';
import { scanProcessors } from '../beans/scanner.js';
import { JobClient } from '../job-client.js';
import { JobTracker } from '../job-tracker.js';
import type { GiveUpListener, MasterChangeListener, NodeOptions } from '../node-options.js';
import { loadSettings, type Settings, type TaskTrackerSettings } from '../settings/load-settings.js';
import { chance, clock, codec, ids, schemas } from '../system-ports.js';
import { TaskTracker } from '../task-tracker.js';
import { type ApplicationOptions, checkApplicationOptions } from './application-options.js';
import { nodeListenerOf, tellMaster } from './listening-beans.js';
import { type Roles, rolesOf, warnWithoutTracker } from './roles.js';

export interface AppNode {
  readonly type: NodeType;
  readonly nodeGroup?: string | undefined;
  readonly node: JobTracker | JobClient | TaskTracker;
}

export interface AppParts {
  readonly settings: Settings;
  readonly log: Log;
  readonly beans: Beans;
  readonly jobClient: JobClient | undefined;
  /** In the order of start. */
  readonly nodes: readonly AppNode[];
}

/** `giveUpListener` hears of each node that cannot go on. Throws LTS_CONFIG_INVALID, LTS_PROCESSOR_INVALID. */
export async function openParts(
  application: Class | Roles,
  options: ApplicationOptions,
  giveUpListener: GiveUpListener,
): Promise<AppParts> {
  checkApplicationOptions(options);
  const roles = rolesOf(application);
  const { extensions = [], config, oldDataHandler } = options;
  const settings = loadSettings({
    files: typeof config === 'string' ? [config] : config,
    code: options.settings,
    extensions: extensions.map(({ port, name }) => ({ port, name })),
  });
  const log = logOf(settings, options.logger);
  for (const warning of settings.warnings) log.warn({}, warning);
  warnWithoutTracker(roles, settings, log);
  const nodeOptions = { log, extensions, extensionSettings: settings.extensions, oldDataHandler, giveUpListener };
  const { beans, jobClient, nodeChangeListener } = await openBeansOf(roles, { settings, options, nodeOptions });
  try {
    const given = { roles, settings, beans, nodeOptions, options, nodeChangeListener };
    const nodes = [...trackerOf(given), ...clientOf(jobClient, given), ...workersOf(given)];
    return { settings, log, beans, jobClient, nodes };
  } catch (error) {
    await beans.close();
    throw error;
  }
}

type SharedOptions = Pick<NodeOptions, 'extensions' | 'extensionSettings' | 'oldDataHandler' | 'giveUpListener'> & {
  readonly log: Log;
};

function logOf({ log: { level, pretty } }: Settings, logger: Logger | undefined): Log {
  if (logger) return new PinoLog(logger);
  const isForPeople = pretty === 'true' || (pretty === 'auto' && process.stdout.isTTY);
  if (!isForPeople) return pinoLog({ level });
  const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  return pinoLog({ level, destination: terminalLines(process.stdout, { colour }) });
}

interface BeansRequest {
  readonly settings: Settings;
  readonly options: ApplicationOptions;
  readonly nodeOptions: SharedOptions;
}

/** The client comes with the beans: they may ask for it, and its completed handler is one of them. */
async function openBeansOf(
  roles: Roles,
  { settings, options, nodeOptions }: BeansRequest,
): Promise<Pick<AppParts, 'beans' | 'jobClient'> & Pick<Given, 'nodeChangeListener'>> {
  let jobClient: JobClient | undefined;
  let beans: Beans | undefined;
  let nodeChangeListener: Given['nodeChangeListener'];
  const onComplete = (results: JobResult[]) => beans?.completedHandler?.onComplete(results);
  const newClient = (plan: BeanPlan) =>
    new JobClient({
      ...settings.jobClient,
      ...roles.jobClient,
      ...nodeOptions,
      jobCompletedHandler: plan.hasCompletedHandler ? onComplete : undefined,
      contractOf: (processor) => plan.contracts.get(processor),
      masterChangeListener: (...election) => tellMaster(beans, 'JOB_CLIENT', election),
      nodeChangeListener: roles.jobTracker ? undefined : nodeChangeListener,
    });
  beans = await openBeans({
    processors: await processorsOf(settings, options),
    container: options.container,
    schemas,
    bindings: (plan) => {
      nodeChangeListener = nodeListenerOf(plan.listeners['node-listener'], () => beans);
      if (roles.jobClient) jobClient = newClient(plan);
      return [...portBindings(nodeOptions.log), ...(jobClient ? [{ token: JobClient, value: jobClient }] : [])];
    },
  });
  return { beans, jobClient, nodeChangeListener };
}

const portBindings = (log: Log) => [
  { token: Log, value: log },
  { token: Clock, value: clock },
  { token: Ids, value: ids },
  { token: Chance, value: chance },
  { token: Codec, value: codec },
  { token: Schemas, value: schemas },
];

/** Undefined: what the user's container has bound. */
async function processorsOf(settings: Settings, options: ApplicationOptions): Promise<readonly Bean[] | undefined> {
  const { patterns = [], folder = settings.folder } = settings.scan ?? {};
  const globs = typeof options.scan === 'string' ? [options.scan] : (options.scan ?? []);
  const scanned = [
    ...(patterns.length > 0 ? await scanProcessors(patterns, folder) : []),
    ...(globs.length > 0 ? await scanProcessors(globs, settings.folder) : []),
  ];
  const isListed = scanned.length > 0 || options.processors !== undefined || options.container === undefined;
  return isListed ? [...scanned, ...(options.processors ?? [])] : undefined;
}

interface Given {
  readonly roles: Roles;
  readonly settings: Settings;
  readonly beans: Beans;
  readonly nodeOptions: SharedOptions;
  readonly options: ApplicationOptions;
  /** For the first node alone: each change is told once. */
  readonly nodeChangeListener: NodeOptions['nodeChangeListener'];
}

function trackerOf({ roles, settings, beans, nodeOptions, nodeChangeListener }: Given): AppNode[] {
  if (!roles.jobTracker) return [];
  const masterChangeListener: MasterChangeListener = (...election) => tellMaster(beans, 'JOB_TRACKER', election);
  const listeners = { masterChangeListener, nodeChangeListener };
  const node = new JobTracker({ ...settings.jobTracker, ...roles.jobTracker, ...nodeOptions, ...listeners });
  return [{ type: 'JOB_TRACKER', node }];
}

function clientOf(node: JobClient | undefined, { roles, settings }: Given): AppNode[] {
  const { nodeGroup } = { ...settings.jobClient, ...roles.jobClient };
  return node ? [{ type: 'JOB_CLIENT', nodeGroup, node }] : [];
}

/** One TaskTracker for each group: those of the settings, or, where these say nothing, the default one and those that processors name. */
function workersOf(given: Given): AppNode[] {
  const { roles, beans, nodeOptions } = given;
  if (!roles.taskTracker) return [];
  const masterChangeListener: MasterChangeListener = (...election) => tellMaster(beans, 'TASK_TRACKER', election);
  const shared = { ...roles.taskTracker, ...nodeOptions, masterChangeListener };
  const groups = groupsOf(given).filter(({ nodeGroup }) => !isEmpty(beans.forGroup(nodeGroup)));
  if (groups.length === 0) throw nothingToRun(given);
  return groups.map((group, i) => {
    const { nodeGroup } = group;
    const isFirst = !roles.jobTracker && !roles.jobClient && i === 0;
    const nodeChangeListener = isFirst ? given.nodeChangeListener : undefined;
    const own = { nodeGroup, nodeChangeListener, runners: beans.forGroup(nodeGroup) };
    const node = new TaskTracker({ ...group, ...shared, ...own });
    return { type: 'TASK_TRACKER', nodeGroup, node };
  });
}

function groupsOf({ roles, settings, beans, nodeOptions }: Given): readonly TaskTrackerSettings[] {
  const { taskTrackers } = settings;
  const [first] = taskTrackers as [TaskTrackerSettings];
  const own = roles.taskTracker?.nodeGroup?.split(',');
  if (own) return own.map((nodeGroup) => ({ ...first, identity: undefined, nodeGroup: nodeGroup.trim() }));
  const named = beans.groups().filter((group) => taskTrackers.every(({ nodeGroup }) => nodeGroup !== group));
  if (settings.isDefault('lts.tasktracker.node-group')) {
    return [...taskTrackers, ...named.map((nodeGroup) => ({ ...first, identity: undefined, nodeGroup }))];
  }
  for (const nodeGroup of named) {
    nodeOptions.log.warn(
      { nodeGroup },
      'processors name this node group, but lts.tasktracker.node-group does not list it: they run nothing here',
    );
  }
  return taskTrackers;
}

const isEmpty = (runners: Runners): boolean => runners.ids().length === 0;

const unfoundHint = 'no processor was found. Name files with scan or lts.scan, or classes with processors.';
const unboundHint =
  'no processor is bound in the container. Bind each one (container.bind(SpringBean).toSelf()), or name classes with processors.';

function nothingToRun({ settings, beans, options }: Given): LtsError {
  const groups = settings.taskTrackers.map(({ nodeGroup }) => nodeGroup).join(', ');
  const known = beans.ids().map(({ id }) => id);
  const text =
    known.length === 0
      ? `The TaskTracker has nothing to run: ${options.container ? unboundHint : unfoundHint}`
      : `The TaskTracker of node group ${groups} has nothing to run: all processors (${known.join(', ')}) name other groups.`;
  return new LtsError('LTS_PROCESSOR_INVALID', text);
}
