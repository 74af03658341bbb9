/** The documents that are made from the table: lts.properties with every key, and the tables of the README. */
import { formerKeys } from './table/former-keys.js';
import type { Setting, SettingGroup } from './table/setting.js';
import { settingsTable } from './table/settings-table.js';

const titles: Readonly<Record<keyof typeof settingsTable, string>> = {
  shared: 'Every node; a role may say otherwise for itself',
  nats: 'NATS, for registry-address=nats://…; a role may have its own login; options of `nats`',
  application: 'The application',
  jobClient: 'JobClient',
  taskTracker: 'TaskTracker',
  jobTracker: 'JobTracker',
  mongo: 'MongoDB, for job.queue=mongo and job.logger=mongo of the JobTracker; options of its `mongo`',
};

/** Written out in lts.properties, so that a reader sees what to change first; all other keys are comments. */
const writtenOut = new Set([
  'lts.cluster-name',
  'lts.registry-address',
  'lts.data-path',
  'lts.jobtracker.configs.job.queue',
]);

const head = `# Settings of light-task-scheduler. A key that is a comment shows its default, if it has one.
#
# Spelling is free: work-threads, workThreads, WORK_THREADS and work.threads are one key.
# The environment overrides this file (LTS_TASKTRACKER_WORK_THREADS=8), code overrides both; lts config prints the outcome.
# Values may refer to \${env:NAME}, \${env:NAME:default} and \${file:path}. Relative paths are meant from the folder of this file.
# Durations are milliseconds, or text such as 200ms, 30s, 5m, 2h, 3d. A # after a space begins a comment; \\# does not.
`;

/** Their settings have names of their own, which are no options of a node. */
const groupsWithoutOptions = new Set(['application']);
/** Where a node's option is called otherwise: a list of groups makes a node of each. */
const optionNames: Readonly<Record<string, string>> = { nodeGroups: 'nodeGroup' };

interface Group {
  readonly title: string;
  readonly settings: SettingGroup;
  readonly hasOptions: boolean;
}

const groups = (): Group[] =>
  Object.entries<SettingGroup>(settingsTable).map(([name, settings]) => ({
    title: titles[name as keyof typeof titles],
    settings,
    hasOptions: !groupsWithoutOptions.has(name),
  }));

/** The text of lts.properties in the root. */
export function propertiesDocument(): string {
  return [head, ...groups().map(propertiesOf)].join('\n');
}

function propertiesOf({ title, settings }: Group): string {
  const keys = Object.values(settings).map((setting) => {
    const line = `${setting.key}=${setting.default ?? ''}`;
    return `# ${setting.meaning} (${valuesText(setting)})\n${writtenOut.has(setting.key) ? line : `#${line}`}\n`;
  });
  return [`# ---- ${title} ----\n`, ...keys].join('\n');
}

const valuesText = ({ rule }: Setting<unknown>): string =>
  rule.unit === undefined ? rule.describe : `${rule.describe}; unit: ${rule.unit}`;

/** The tables of the README: every key, then the keys of LTS that do nothing. */
export function settingsDocument(): string {
  const tables = groups().map(tableOf);
  const former = formerKeys.map(({ keys, reason }) => row([keys.map(code).join(' '), reason]));
  const note =
    'A role may have its own word on each shared key (`lts.jobclient.data-path`, `lts.tasktracker.registry-address` …), on the login to NATS (`lts.jobclient.nats.user` …) and on `job.fail.store`.';
  const formerTable = ['Keys of LTS that are known and do nothing (a warning says so)', '', ...headOf(['Key', 'Why'])];
  return [...tables, note, '', ...formerTable, ...former, ''].join('\n');
}

function tableOf({ title, settings, hasOptions }: Group): string {
  const rows = Object.entries(settings)
    .filter(([, setting]) => setting.inherits === undefined)
    .map(([option, setting]) =>
      row([
        code(setting.key),
        valuesText(setting),
        setting.default ? code(setting.default) : '',
        hasOptions ? code(optionNames[option] ?? option) : '',
        setting.meaning,
      ]),
    );
  return [title, '', ...headOf(['Key', 'Values', 'Default', 'Option', 'Meaning']), ...rows, ''].join('\n');
}

const code = (text: string): string => `\`${text}\``;
const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const headOf = (cells: readonly string[]): string[] => [row(cells), row(cells.map(() => '---'))];
