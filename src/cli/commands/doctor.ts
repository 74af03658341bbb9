/** `lts doctor`: what is readable in a store, and a fresh one with it. */
import type { Command } from 'commander';
import type { DoctorProgress, DoctorReport } from '../../boot/doctor.js';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';

interface DoctorOptions {
  readonly salvage?: string;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('examine a store that may be damaged; copy what is readable into a fresh one')
    .argument('<path>', "data path, a store's folder, or its data.mdb")
    .option('--salvage <folder>', 'an empty folder for the fresh store')
    .action((path: string, _options: object, command: Command) =>
      perform<DoctorOptions>(command, (call) => examine(path, call)),
    );
}

async function examine(path: string, { options, out }: Call<DoctorOptions>): Promise<ExitCode> {
  const { runDoctor } = await import('../../boot/doctor.js');
  const onProgress = process.stderr.isTTY && !out.isQuiet ? showProgress : undefined;
  const report = await runDoctor(path, { salvageTo: options.salvage, onProgress });
  if (onProgress) process.stderr.write('\r\u001b[K');
  out.answer(report, () => textOf(report, options.salvage));
  return report.isSound ? exitCodes.done : exitCodes.failed;
}

/** On one line of the terminal. */
function showProgress({ table, records, recordsExpected }: DoctorProgress): void {
  const percent = recordsExpected > 0 ? Math.floor((100 * records) / recordsExpected) : 100;
  process.stderr.write(`\r\u001b[Kreading ${table}: ${records} of ${recordsExpected} records (${percent} %)`);
}

function textOf(report: DoctorReport, salvagedTo: string | undefined): string {
  const tables = report.tables.map(
    ({ name, records, recordsExpected, undecodable }) =>
      `  ${name}: ${records} readable of ${recordsExpected}${undecodable > 0 ? `, ${undecodable} undecodable` : ''}`,
  );
  const verdict = report.isSound ? 'The store is sound.' : `${report.problemsInAll} problems were found:`;
  const salvaged = salvagedTo === undefined ? [] : [`What is readable was copied to ${salvagedTo}.`];
  return [report.file, ...tables, verdict, ...report.problems.map((problem) => `  ${problem}`), ...salvaged].join('\n');
}
