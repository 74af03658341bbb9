/** `lts start`, `lts jobtracker`, `lts tasktracker`: an application from its properties; `lts config`: what it would start with. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { again } from '../option-values.js';
import type { GlobalOptions } from '../output.js';

interface StartOptions {
  readonly scan?: readonly string[];
}

const roles = {
  start: { jobTracker: {}, taskTracker: {}, jobClient: {} },
  jobtracker: { jobTracker: {} },
  tasktracker: { taskTracker: {} },
} as const;

const descriptions: Record<keyof typeof roles, string> = {
  start: 'run an application: JobTracker, TaskTracker and JobClient, until Ctrl-C or SIGTERM',
  jobtracker: 'run a JobTracker alone',
  tasktracker: 'run a TaskTracker alone',
};

export function addApplicationCommands(program: Command): void {
  for (const name of Object.keys(roles) as (keyof typeof roles)[]) {
    const command = program.command(name).description(descriptions[name]);
    if (name !== 'jobtracker')
      command.option('--scan <glob>', 'files with processors, beside lts.scan; again for more', again);
    command.action((_options: object, command: Command) => perform<StartOptions>(command, (call) => start(name, call)));
  }
  program
    .command('config')
    .description('show every setting with its value and where that comes from; secrets are redacted')
    .action((_options: object, command: Command) => perform<object>(command, showConfig));
}

/** The application goes on after this has returned; it ends the process itself. */
async function start(name: keyof typeof roles, { options, out }: Call<StartOptions>): Promise<ExitCode> {
  const [{ LtsApplication }, { scanProcessors }] = await Promise.all([
    import('../../boot/application/lts-application.js'),
    import('../../boot/beans/scanner.js'),
  ]);
  try {
    await LtsApplication.run(roles[name], {
      processors: options.scan && (await scanProcessors(options.scan, '.')),
      config: options.config,
      settings: settingsOf(options),
    });
    return exitCodes.done;
  } catch (error) {
    out.fail(error);
    return exitCodes.failed;
  }
}

async function showConfig({ options, out }: Call<object>): Promise<ExitCode> {
  const [{ loadSettings }, { settingsReport }] = await Promise.all([
    import('../../boot/settings/load-settings.js'),
    import('../../boot/settings/settings-report.js'),
  ]);
  const report = settingsReport(loadSettings({ files: options.config, code: settingsOf(options) }));
  out.answer(report.json, () => report.text);
  return exitCodes.done;
}

/** What the command line says wins over files and environment. Paths on it are meant from here. */
function settingsOf({ dataPath, clusterName }: GlobalOptions): Record<string, string> {
  const settings: Record<string, string> = {};
  if (dataPath !== undefined) settings['lts.data-path'] = resolve(dataPath);
  if (clusterName !== undefined) settings['lts.cluster-name'] = clusterName;
  return settings;
}
