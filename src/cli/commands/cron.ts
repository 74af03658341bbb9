/** `lts cron`: when an expression fires. */
import type { Command } from 'commander';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { lengthText, timeText } from '../format/time-text.js';
import { instant, positive } from '../option-values.js';

interface CronOptions {
  readonly zone?: string;
  readonly count: number;
  readonly from?: Date;
}

const countMax = 10_000;

export function addCronCommand(program: Command): void {
  program
    .command('cron')
    .description('show when a cron expression fires: Quartz with 6 or 7 fields, unix with 5')
    .argument('<expression>', 'in quotes')
    .option('--zone <name>', "IANA time zone (default: this machine's)")
    .option('--count <n>', 'fire times to show', positive, 5)
    .option('--from <instant>', 'fire times after it: ISO text or milliseconds since 1970 (default: now)', instant)
    .action((expression: string, _options: object, command: Command) =>
      perform<CronOptions>(command, (call) => showFires(expression, call)),
    );
}

async function showFires(expression: string, { options, out }: Call<CronOptions>): Promise<ExitCode> {
  const { preview } = await import('../../job/cron/cron.js');
  const timeZone = options.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const from = options.from?.getTime() ?? Date.now();
  const fires = preview(expression, timeZone, { count: Math.min(options.count, countMax), afterMs: from });
  const lines = () => fires.map((at) => `${timeText(at, { timeZone })}  in ${lengthText(at.getTime() - from)}`);
  out.answer({ expression, timeZone, fires: fires.map((at) => at.toISOString()) }, () => lines().join('\n'));
  if (fires.length > 0) return exitCodes.done;
  out.note(`${expression} never fires after ${timeText(from, { timeZone })}.`);
  return exitCodes.failed;
}
