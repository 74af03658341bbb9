/** `lts jobs`, `lts job`, `lts explain`: what is known of jobs. Without a running application the store answers. */
import type { Command } from 'commander';
import type { JobState } from '../../job/job.js';
import type { Counts } from '../../job/listing.js';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { jobPage, jobsTable, stateStyles } from '../format/job-text.js';
import { jobView } from '../format/job-view.js';
import { fields, table } from '../format/table.js';
import { oneOf, positive } from '../option-values.js';
import type { Output } from '../output.js';
import { addJobArgument, keyOf, unknownJob, withTracker } from '../tracker.js';

const states = Object.keys(stateStyles) as JobState[];

interface ListOptions {
  readonly state?: readonly JobState[];
  readonly nodeGroup?: string;
  readonly taskId?: string;
  readonly schedules?: boolean;
  readonly limit: number;
  readonly cursor?: string;
  readonly count?: boolean;
}

interface KeyOptions {
  readonly nodeGroup?: string;
}

export function addJobsCommands(program: Command): void {
  program
    .command('jobs')
    .description('list jobs: open ones in the order of their turn, ended ones newest first')
    .option('--state <states>', `only these: ${states.join(', ')}`, oneOf(states))
    .option('--node-group <name>', 'only of this group')
    .option('--task-id <id>', 'only with this task id')
    .option('--schedules', 'only schedules; --no-schedules: only single jobs')
    .option('--no-schedules', 'only single jobs')
    .option('--limit <n>', 'most jobs to show, up to 1000', positive, 50)
    .option('--cursor <text>', 'go on where the last list ended')
    .option('--count', 'only how many there are, by group and state')
    .action((_options: object, command: Command) => perform<ListOptions>(command, listJobs));
  addJobArgument(program.command('job').description('show one job')).action(
    (id: string, _options: object, command: Command) => perform<KeyOptions>(command, (call) => showJob(id, call)),
  );
  addJobArgument(program.command('explain').description('say why a job is not running, or what became of it')).action(
    (id: string, _options: object, command: Command) => perform<KeyOptions>(command, (call) => explain(id, call)),
  );
}

function listJobs({ options, out }: Call<ListOptions>): Promise<ExitCode> {
  return withTracker({ options, out, need: 'read' }, async ({ client }) => {
    if (options.count) return showCounts((await client.ask('CountJobs', {})).counts, out);
    const { state, nodeGroup, taskId, schedules, limit, cursor } = options;
    const page = await client.ask('ListJobs', { states: state, nodeGroup, taskId, schedules, limit, cursor });
    out.answer({ jobs: page.records.map(jobView), cursor: page.cursor }, () =>
      page.records.length > 0 ? jobsTable(page.records, out.paint) : '',
    );
    if (page.records.length === 0) out.note(page.cursor === undefined ? 'No jobs.' : 'None on this page.');
    if (page.cursor !== undefined) out.note(`There are more: --cursor '${page.cursor}'`);
    return exitCodes.done;
  });
}

function showCounts(counts: Counts, out: Output): ExitCode {
  const rows = Object.entries(counts).flatMap(([group, byState]) =>
    Object.entries(byState).map(([state, count]) => [{ text: group }, { text: state }, { text: String(count) }]),
  );
  out.answer({ counts }, () => table(['GROUP', 'STATE', 'JOBS'], rows, out.paint));
  return exitCodes.done;
}

function showJob(id: string, { options, out }: Call<KeyOptions>): Promise<ExitCode> {
  return withTracker({ options, out, need: 'read' }, async ({ client }) => {
    const { job } = await client.ask('GetJob', keyOf(id, options.nodeGroup));
    if (!job) throw unknownJob(id, options.nodeGroup);
    out.answer(jobView(job), () => jobPage(job, out.paint));
    return exitCodes.done;
  });
}

function explain(id: string, { options, out }: Call<KeyOptions>): Promise<ExitCode> {
  return withTracker({ options, out, need: 'read' }, async ({ client }) => {
    const explanation = await client.ask('ExplainJob', keyOf(id, options.nodeGroup));
    const facts = Object.entries(explanation.facts).map(([name, value]) => [name, String(value)] as const);
    out.answer(explanation, () =>
      [out.paint('bold', explanation.text), fields([['code', explanation.code], ...facts], out.paint)].join('\n'),
    );
    return exitCodes.done;
  });
}
