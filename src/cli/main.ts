#!/usr/bin/env node
/** The `lts` command. Exit codes: 0 well, 1 something is wrong with what was asked about, 2 the command was called wrongly. */
import { Command } from 'commander';
import { type DoctorReport, runDoctor } from '../boot/doctor.js';
import { LtsError } from '../errors.js';

const program = new Command('lts')
  .description('light-task-scheduler')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .showHelpAfterError();

program
  .command('doctor')
  .description('examine a store that may be damaged; copy what is readable into a fresh one')
  .argument('<path>', "data path, a store's folder, or its data.mdb")
  .option('--salvage <folder>', 'an empty folder for the fresh store')
  .option('--json', 'one JSON object instead of text')
  .action(async (path: string, options: { salvage?: string; json?: boolean }) => {
    const report = await runDoctor(path, { salvageTo: options.salvage });
    console.log(options.json ? JSON.stringify(report) : textOf(report, options.salvage));
    process.exitCode = report.isSound ? 0 : 1;
  });

function textOf(report: DoctorReport, salvagedTo: string | undefined): string {
  const tables = report.tables.map(
    ({ name, records, recordsExpected, undecodable }) =>
      `  ${name}: ${records} readable of ${recordsExpected}${undecodable > 0 ? `, ${undecodable} undecodable` : ''}`,
  );
  const verdict = report.isSound ? 'The store is sound.' : `${report.problemsInAll} problems were found:`;
  const salvaged = salvagedTo === undefined ? [] : [`What is readable was copied to ${salvagedTo}.`];
  return [report.file, ...tables, verdict, ...report.problems.map((problem) => `  ${problem}`), ...salvaged].join('\n');
}

program.parseAsync().catch((error: unknown) => {
  console.error(LtsError.is(error) ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
});
