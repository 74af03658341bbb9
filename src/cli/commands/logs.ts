/** `lts logs`: the story of a job. */
import type { Command } from 'commander';
import { isEnded, type JobRecord } from '../../job/job.js';
import type { JobLogLine } from '../../job/log-line.js';
import type { JobEvent } from '../../job-client/follow.js';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { follow } from '../follow.js';
import { logLineText } from '../format/job-text.js';
import { jobView } from '../format/job-view.js';
import { newsText } from '../format/news-text.js';
import { positive } from '../option-values.js';
import type { Output } from '../output.js';
import { addJobArgument, type Jobs, keyOf, unknownJob, withTracker } from '../tracker.js';

interface LogsOptions {
  readonly nodeGroup?: string;
  readonly follow?: boolean;
  readonly within: string;
  readonly limit: number;
  readonly cursor?: string;
}

const pageMax = 1_000;

export function addLogsCommand(program: Command): void {
  const command = program
    .command('logs')
    .description('show the log of a job; without a running application from the store');
  addJobArgument(command)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--within <duration>', 'with --follow: at most this long', '365d')
    .option('--limit <n>', 'most lines to show', positive, 10_000)
    .option('--cursor <text>', 'go on where the last lines ended')
    .action((id: string, _options: object, command: Command) =>
      perform<LogsOptions>(command, (call) => showLogs(id, call)),
    );
}

function showLogs(id: string, { options, out }: Call<LogsOptions>): Promise<ExitCode> {
  return withTracker({ options, out, need: 'read' }, async (jobs) => {
    const { job } = await jobs.client.ask('GetJob', keyOf(id, options.nodeGroup));
    if (!job) throw unknownJob(id, options.nodeGroup);
    if (!options.follow) return showLines(job, jobs, { options, out });
    if (jobs.from !== 'store') return followLines(job.jobId, jobs, { options, out });
    return showStoredStory(job, jobs, { options, out });
  });
}

/** All lines there are, as one document or page by page. */
async function showLines({ jobId }: JobRecord, jobs: Jobs, { options, out }: Call<LogsOptions>): Promise<ExitCode> {
  const kept: JobLogLine[] = [];
  let { cursor } = options;
  let shown = 0;
  while (shown < options.limit) {
    const limit = Math.min(pageMax, options.limit - shown);
    const page = await jobs.client.ask('ReadLog', { jobId, cursor, limit });
    cursor = page.cursor ?? cursor;
    shown += page.lines.length;
    if (out.isJson) kept.push(...page.lines);
    else for (const line of page.lines) out.text(logLineText(line, out.paint));
    if (page.lines.length < limit && !page.hasMore) break;
  }
  if (out.isJson) out.document({ jobId, lines: kept.map(lineView), cursor });
  if (shown === 0) out.note(`No lines${options.cursor === undefined ? '' : ' after this cursor'}.`);
  if (shown >= options.limit) out.note(`There may be more: --cursor '${cursor}'`);
  return exitCodes.done;
}

async function followLines(jobId: string, jobs: Jobs, { options, out }: Call<LogsOptions>): Promise<ExitCode> {
  for await (const event of follow(jobs, { jobId, within: options.within })) tell(event, out);
  return exitCodes.done;
}

/** Lines are the answer; what else happens is told beside them. */
function tell(event: JobEvent, out: Output): void {
  if (out.isJson) return out.document(eventView(event));
  if (event.kind === 'log') return out.text(logLineText(event.line, out.paint));
  out.note(newsText(event));
}

function eventView(event: JobEvent): object {
  if (event.kind === 'log') return { kind: 'log', ...lineView(event.line) };
  if (event.kind === 'progress') return event;
  return { kind: 'state', ...jobView(event.job) };
}

function lineView({ at, level, type, text, runId }: JobLogLine): object {
  return { at: new Date(at).toISOString(), level, type, text, runId };
}

/** Nothing more comes while no application runs. */
async function showStoredStory(job: JobRecord, jobs: Jobs, call: Call<LogsOptions>): Promise<ExitCode> {
  await showLines(job, jobs, call);
  if (isEnded(job.status.state)) return exitCodes.done;
  call.out.note(`Job ${job.jobId} has not ended; it goes on when the application is started: lts start`);
  return exitCodes.unreachable;
}
