/** The table of commands. Each command's own code is loaded when it is called. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addApplicationCommands } from './commands/application.js';
import { addControlCommands } from './commands/control.js';
import { addCronCommand } from './commands/cron.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addJobsCommands } from './commands/jobs.js';
import { addLogsCommand } from './commands/logs.js';
import { addNodesCommand } from './commands/nodes.js';
import { addSubmitCommand } from './commands/submit.js';
import { exitCodesText } from './exit-codes.js';
import { again } from './option-values.js';

/** Usage errors end the process with 2, help and version with 0. */
export function makeProgram(): Command {
  const program = new Command('lts')
    .description('light-task-scheduler: run applications, submit jobs, look at them and control them')
    .version(ownVersion(), '-V, --version')
    .option('--config <file>', 'properties file; again for more, later ones win (default: lts.properties)', again)
    .option('--data-path <folder>', "the application's data path (default: from the properties, else ./data)")
    .option('--cluster-name <name>', "the application's cluster (default: from the properties, else lts)")
    .option('--json', 'the answer as one JSON document; JSON lines where it is followed')
    .option('-q, --quiet', 'no notes, only the answer')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `\n${exitCodesText}`)
    .showHelpAfterError('(see lts --help)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  addApplicationCommands(program.commandsGroup('Applications:'));
  addSubmitCommand(program.commandsGroup('Jobs:'));
  addJobsCommands(program);
  addLogsCommand(program);
  addControlCommands(program);
  addNodesCommand(program.commandsGroup('Tools:'));
  addCronCommand(program);
  addDoctorCommand(program);
  return program.helpCommand(true);
}

/** Of the package that this file is in. */
function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version?: string;
  };
  return version ?? 'unknown';
}
