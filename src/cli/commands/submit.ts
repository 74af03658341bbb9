/** `lts submit`: one job from the command line, and its result if it is waited for. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { errorCodeOf } from '../../boot/submitting/response.js';
import { LtsError } from '../../errors.js';
import type { Backoff, Job, JobRecord, MisfirePolicy } from '../../job/job.js';
import type { SubmitOutcome } from '../../job-client/submit.js';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { follow } from '../follow.js';
import { logLineText } from '../format/job-text.js';
import { dataOf, jobView } from '../format/job-view.js';
import { newsText } from '../format/news-text.js';
import { instant, whole } from '../option-values.js';
import type { Output } from '../output.js';
import { type Jobs, withTracker } from '../tracker.js';

interface SubmitOptions {
  readonly params?: string;
  readonly taskId?: string;
  readonly jobId?: string;
  readonly nodeGroup?: string;
  readonly delay?: string;
  readonly at?: Date;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly repeat?: string;
  readonly count?: number;
  readonly fixedDelay?: string;
  readonly misfire?: string;
  readonly priority?: number;
  readonly maxRetryTimes?: number;
  readonly retryInterval?: string;
  readonly backoff?: string;
  readonly timeout?: string;
  readonly expireAt?: Date;
  readonly replace?: boolean;
  readonly wait?: boolean;
  readonly within: string;
}

/** Larger than params may be; they are refused with their own words. */
const inputBytesMax = 1024 * 1024;

export function addSubmitCommand(program: Command): void {
  program
    .command('submit')
    .description('submit a job to the running application')
    .argument('[processor]', "the runner's id; without it the group's one runner for jobs that name none")
    .option('--params <json>', 'plain data for the runner; @file reads it from a file, - from standard input')
    .option('--task-id <id>', 'your key: unique in the group among open jobs')
    .option('--job-id <id>', 'the same id again is the same job')
    .option('--node-group <name>', 'the group that runs it (default: lts)')
    .option('--delay <duration>', 'first run after this long, such as 30s or 3d')
    .option('--at <instant>', 'first run then: ISO text or milliseconds since 1970', instant)
    .option('--cron <expression>', 'run by a cron expression')
    .option('--time-zone <name>', 'IANA zone of the cron expression')
    .option('--repeat <interval>', 'run every interval')
    .option('--count <n>', 'with --repeat: runs in all; -1 is endless', whole)
    .option('--fixed-delay <duration>', 'run again this long after each run')
    .option('--misfire <policy>', 'slots that nobody could fire: fire-once (default), skip, fire-all')
    .option('--priority <n>', 'smaller is more urgent (default: 100)', whole)
    .option('--max-retry-times <n>', "retries (default: the application's, 10)", whole)
    .option('--retry-interval <duration>', "pause before a retry (default: the application's, 30s)")
    .option('--backoff <kind>', 'fixed (default) or exponential')
    .option('--timeout <duration>', 'a run longer than this is interrupted; how long to wait for the job: see --within')
    .option('--expire-at <instant>', 'not started by then: the job expires', instant)
    .option('--replace', 'replace a waiting job of the same task id')
    .option('--wait', 'wait for the end and show the result; exit code 1 unless it succeeded')
    .option('--within <duration>', 'with --wait: at most this long', '1h')
    .action((processor: string | undefined, _options: object, command: Command) =>
      perform<SubmitOptions>(command, (call) => submit(processor, call)),
    );
}

async function submit(processor: string | undefined, { options, out }: Call<SubmitOptions>): Promise<ExitCode> {
  const job = await jobOf(processor, options);
  return withTracker({ options, out, need: 'change' }, async (jobs) => {
    const outcome = await jobs.client.submit(job);
    const refusal = errorCodeOf(outcome);
    if (refusal !== undefined) throw new LtsError(refusal, outcome.msg ?? `The job was answered ${outcome.code}.`);
    if (options.wait) return waitFor(outcome, jobs, { options, out });
    const { taskId, nodeGroup = 'lts' } = job;
    out.answer({ ...outcome, taskId, nodeGroup }, () => textOf(outcome, out));
    return exitCodes.done;
  });
}

const textOf = ({ code, jobId, msg }: SubmitOutcome, out: Output): string =>
  out.isQuiet ? jobId : `${code} ${jobId}${msg ? `  ${msg}` : ''}`;

/** Its lines go beside the answer, which is the result alone. */
async function waitFor(outcome: SubmitOutcome, jobs: Jobs, { options, out }: Call<SubmitOptions>): Promise<ExitCode> {
  const { jobId, code } = outcome;
  let last: JobRecord | undefined;
  if (!out.isJson) out.note(`${code} ${jobId}`);
  for await (const event of follow(jobs, { jobId, within: options.within })) {
    if (event.kind === 'state') last = event.job;
    if (!out.isJson) out.note(event.kind === 'log' ? logLineText(event.line, (_style, text) => text) : newsText(event));
  }
  if (!last) throw new LtsError('LTS_JOB_NOT_FOUND', `Job ${jobId} is not known any more.`);
  const { status } = last;
  out.answer({ code, ...jobView(last) }, () => resultText(status.result));
  if (status.state === 'succeeded') return exitCodes.done;
  const why = [status.reason && `(${status.reason})`, status.message?.split('\n')[0]].filter(Boolean).join(' ');
  process.stderr.write(`lts: job ${jobId} ended as ${status.state} ${why}\n`);
  return exitCodes.failed;
}

/** A text as it is, anything else as JSON. */
function resultText(result: string | undefined): string {
  const data = dataOf(result);
  return typeof data === 'string' ? data : (result ?? '');
}

async function jobOf(processor: string | undefined, options: SubmitOptions): Promise<Job> {
  const { repeat, count, at, replace, misfire, backoff, params } = options;
  const { taskId, jobId, nodeGroup, delay, cron, timeZone, fixedDelay, priority } = options;
  const { maxRetryTimes, retryInterval, timeout, expireAt } = options;
  if (count !== undefined && repeat === undefined)
    throw new LtsError('LTS_JOB_INVALID', '--count belongs to --repeat <interval>; add it, or leave --count out.');
  return {
    ...{ processor, taskId, jobId, nodeGroup, delay, cron, timeZone, fixedDelay, priority },
    ...{ maxRetryTimes, retryInterval, timeout, expireAt, triggerTime: at, replaceOnExist: replace },
    // Words that are none are refused by the job's own rules.
    misfire: misfire as MisfirePolicy | undefined,
    backoff: backoff as Backoff | undefined,
    repeat: repeat === undefined ? undefined : { interval: repeat, count: count ?? -1 },
    params: params === undefined ? undefined : paramsOf(await paramsText(params)),
  };
}

async function paramsText(params: string): Promise<string> {
  if (params === '-') return standardInput();
  if (!params.startsWith('@')) return params;
  try {
    return readFileSync(params.slice(1), 'utf8');
  } catch (cause) {
    throw new LtsError('LTS_PARAMS_INVALID', `--params ${params}: ${(cause as Error).message}.`, { cause });
  }
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > inputBytesMax)
      throw new LtsError('LTS_PAYLOAD_TOO_LARGE', `--params: more than ${inputBytesMax} bytes.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function paramsOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const hint = `Write JSON in quotes, such as '{"shop":"1"}', or @file, or - for standard input.`;
    throw new LtsError('LTS_PARAMS_INVALID', `--params is not JSON: ${(cause as Error).message}. ${hint}`, { cause });
  }
}
