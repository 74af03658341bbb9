/** Settings from properties files, environment and code: checked together, and typed for boot. */
import { LtsError } from '../../errors.js';
import { assign, type SettingsExtension } from './assign.js';
import { withNats } from './nats-options.js';
import { type SettingEntry, SettingReader } from './reader.js';
import { readSources, type SourcesRequest } from './sources.js';
import type { Patterns } from './table/rules.js';
import type { ValuesOf } from './table/setting.js';
import { settingsTable } from './table/settings-table.js';

export interface SettingsRequest extends SourcesRequest {
  /** Their keys are accepted, and their names where an adapter is chosen. */
  readonly extensions?: readonly SettingsExtension[] | undefined;
}

type Table = typeof settingsTable;
type JobTrackerSettings = ReturnType<typeof withNats<ValuesOf<Table['jobTracker']>>> & {
  readonly mongo: ValuesOf<Table['mongo']>;
};
type JobClientSettings = ReturnType<typeof withNats<ValuesOf<Table['jobClient']>>> &
  Pick<JobTrackerSettings, 'jobQueue'>;
/** Of one node group. */
export type TaskTrackerSettings = Omit<ReturnType<typeof withNats<ValuesOf<Table['taskTracker']>>>, 'nodeGroups'> &
  Pick<JobTrackerSettings, 'jobQueue'> & { readonly nodeGroup: string };

/** What an application starts from. The names of a role's settings are those of its node's options. */
export interface Settings {
  /** Relative paths of code are meant from here: the folder of the first properties file, or the working directory. */
  readonly folder: string;
  /** Of the nodes that have no word of their own. */
  readonly dataPath: string;
  /** Undefined: nothing is scanned. */
  readonly scan: Patterns | undefined;
  /** Undefined: no health server. */
  readonly health: { readonly port: number; readonly host: string } | undefined;
  readonly stopDeadlineMs: number;
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
    readonly pretty: 'auto' | 'true' | 'false';
  };
  readonly jobClient: JobClientSettings;
  /** One for each node group. */
  readonly taskTrackers: readonly TaskTrackerSettings[];
  readonly jobTracker: JobTrackerSettings;
  /** Texts of each extension's keys by property name: `pool-size` is `poolSize`. */
  readonly extensions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
  /** Every key in the order of the documents, for `lts config`. */
  readonly entries: readonly SettingEntry[];
  /** Nobody gave this key, in its canonical spelling, a value. */
  isDefault(key: string): boolean;
}

/**
 * Files are merged in order, then the environment, then code; a later one wins. Throws LTS_CONFIG_INVALID with every problem at once
 * (of more than 100 the first),
 * each with its place and the next move; secrets are in no message.
 */
export function loadSettings(request: SettingsRequest = {}): Settings {
  const { sources, folder } = readSources(request);
  const { env = process.env, extensions = [] } = request;
  const assigned = assign(sources, extensions);
  const reader = new SettingReader(assigned, { env, folder, extensions });
  refuse(reader.problems);
  return settingsOf(reader, { folder, warnings: [...assigned.warnings, ...strayWarnings(reader)] });
}

/** Who has more has given a file that is none of ours. */
const shownMax = 100;
/** By file and line, since every problem begins with its place. */
const byPlace = new Intl.Collator('en', { numeric: true }).compare;

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const head = problems.length === 1 ? 'A setting cannot be used:' : `${problems.length} settings cannot be used:`;
  const sorted = [...problems].sort(byPlace);
  const more = sorted.length > shownMax ? [`and ${sorted.length - shownMax} more.`] : [];
  throw new LtsError('LTS_CONFIG_INVALID', [head, ...sorted.slice(0, shownMax), ...more].join('\n  '));
}

/** What the nodes of an embedded cluster have in common, or they do not meet. */
function strayWarnings(reader: SettingReader): string[] {
  const tracker = reader.valuesOf(settingsTable.jobTracker);
  if (tracker.registryAddress !== 'embedded') return [];
  return [settingsTable.jobClient, settingsTable.taskTracker].flatMap((role) => {
    const own = reader.valuesOf(role);
    const stray = (['clusterName', 'dataPath', 'failStore'] as const).filter((name) => own[name] !== tracker[name]);
    return stray.map(
      (name) => `${role[name].key} is not that of the JobTracker: nodes of an embedded cluster share it.`,
    );
  });
}

function settingsOf(reader: SettingReader, outcome: Pick<Settings, 'folder' | 'warnings'>): Settings {
  const { scan, healthPort, healthHost, stopDeadlineMs, logLevel, logPretty } = reader.valuesOf(
    settingsTable.application,
  );
  const { identity, dataPath } = reader.valuesOf(settingsTable.shared);
  const nats = reader.valuesOf(settingsTable.nats);
  const tracker = withIdentity(withNats(reader.valuesOf(settingsTable.jobTracker), nats), identity, 'JT');
  const jobTracker = { ...tracker, mongo: reader.valuesOf(settingsTable.mongo) };
  const { jobQueue } = jobTracker;
  return {
    ...outcome,
    dataPath,
    scan,
    health: healthPort === undefined ? undefined : { port: healthPort, host: healthHost },
    stopDeadlineMs,
    log: { level: logLevel, pretty: logPretty },
    jobClient: { ...withIdentity(withNats(reader.valuesOf(settingsTable.jobClient), nats), identity, 'JC'), jobQueue },
    taskTrackers: taskTrackersOf(reader, identity).map((one) => ({ ...one, jobQueue })),
    jobTracker,
    extensions: reader.extensions,
    entries: reader.entries,
    isDefault: (key) => reader.entries.some((entry) => entry.key === key && entry.origin === 'default'),
  };
}

/** Nodes of one process must differ in name, so a name for the process is not yet one for its nodes. */
function withIdentity<Role extends { readonly identity: string | undefined }>(
  role: Role,
  process: string | undefined,
  suffix: string,
): Role {
  const identity = role.identity ?? (process === undefined ? undefined : `${process}-${suffix}`);
  return { ...role, identity };
}

function taskTrackersOf(reader: SettingReader, identity: string | undefined): Omit<TaskTrackerSettings, 'jobQueue'>[] {
  const { nodeGroups, ...role } = withNats(
    reader.valuesOf(settingsTable.taskTracker),
    reader.valuesOf(settingsTable.nats),
  );
  const settings = withIdentity(role, identity, 'TT');
  return nodeGroups.map((nodeGroup, index) => {
    const isFurther = index > 0 && settings.identity !== undefined;
    return { ...settings, identity: isFurther ? `${settings.identity}-${index + 1}` : settings.identity, nodeGroup };
  });
}
