/**
 * What is left of a batch from outside of which single items have a wrong shape: their neighbours are handled as ever.
 *
 *   SubmitJobs   a wrong job is answered `rejected`, with what is wrong
 *   ReportRuns   a wrong report of a run that it names counts as the run's exception, so that its job's retries decide;
 *                one that names no run is answered `stale`
 *   AppendLog    wrong lines and progress are left out
 */
import { limits } from '../protocol/limits.js';
import type { MessageKind, ReplyOf, RunReport, SubmitAnswer } from '../protocol/messages.js';
import type { Check } from '../protocol/shapes/check.js';
import { bodyFault, itemChecks } from '../protocol/shapes/check-message.js';
import { idCharsMax } from '../protocol/shapes/job-shapes.js';

export interface Salvaged {
  /** Of the right shape. */
  readonly body: unknown;
  /** The reply to the whole batch, from the step's reply to `body`. */
  readonly replyOf: (reply: unknown) => unknown;
}

type Body = Readonly<Record<string, unknown>>;

/** Undefined where nothing can be told apart: the whole message is wrong. */
export function salvaged(kind: MessageKind, body: unknown): Salvaged | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const left = salvage(kind, body as Body);
  return left && bodyFault(kind, left.body) === undefined ? left : undefined;
}

function salvage(kind: MessageKind, body: Body): Salvaged | undefined {
  switch (kind) {
    case 'SubmitJobs':
      return withoutWrongJobs(body);
    case 'ReportRuns':
      return withoutWrongReports(body);
    case 'AppendLog': {
      const lines = sorted(body.lines, itemChecks.AppendLog.lines, 'AppendLog.lines');
      const progress = sorted(body.progress, itemChecks.AppendLog.progress, 'AppendLog.progress');
      return lines && progress && { body: { ...body, lines: lines.good, progress: progress.good }, replyOf: asIs };
    }
    default:
      return undefined;
  }
}

function withoutWrongJobs(body: Body): Salvaged | undefined {
  const jobs = sorted(body.jobs, itemChecks.SubmitJobs.jobs, 'SubmitJobs.jobs');
  if (!jobs) return undefined;
  const rejected = (fault: string, job: unknown): SubmitAnswer => ({
    code: 'rejected',
    jobId: textField(job, 'jobId') ?? '',
    msg: `${fault}.`,
  });
  const replyOf = (reply: unknown) => ({ answers: woven(jobs, (reply as ReplyOf<'SubmitJobs'>).answers, rejected) });
  return { body: { ...body, jobs: jobs.good }, replyOf };
}

function withoutWrongReports(body: Body): Salvaged | undefined {
  const check = itemChecks.ReportRuns.reports;
  const mended = Array.isArray(body.reports) ? body.reports.map((report) => mendedReport(report, check)) : undefined;
  const reports = sorted(mended, check, 'ReportRuns.reports');
  if (!reports) return undefined;
  const replyOf = (reply: unknown) => {
    const whole = reply as ReplyOf<'ReportRuns'>;
    return { ...whole, answers: woven(reports, whole.answers, () => 'stale') };
  };
  return { body: { ...body, reports: reports.good }, replyOf };
}

/** What a worker said of its run cannot be understood, but that the run is over can. */
function mendedReport(report: unknown, check: Check): unknown {
  const fault = check(report);
  const jobId = textField(report, 'jobId');
  const runId = textField(report, 'runId');
  if (!fault || jobId === undefined || runId === undefined) return report;
  const message = `The report of the run was malformed: ${fault.path.slice(1)}: ${fault.what}.`;
  return { jobId, runId, outcome: { kind: 'exception', message } } satisfies RunReport;
}

interface Sorted {
  readonly items: readonly unknown[];
  readonly good: readonly unknown[];
  /** By place; undefined for a good item. */
  readonly faults: readonly (string | undefined)[];
}

function sorted(items: unknown, check: Check, path: string): Sorted | undefined {
  if (!Array.isArray(items) || items.length > limits.batchJobsMax) return undefined;
  const faults = items.map((item: unknown, i) => {
    const fault = check(item);
    return fault && `${path}[${i}]${fault.path}: ${fault.what}`;
  });
  return { items, faults, good: items.filter((_, i) => faults[i] === undefined) };
}

/** The answers to the good items in their places, and a refusal in each other place. */
function woven<Answer>(
  { items, faults }: Sorted,
  answers: readonly Answer[],
  refusal: (fault: string, item: unknown) => Answer,
): Answer[] {
  let next = 0;
  return faults.map((fault, i) => (fault === undefined ? (answers[next++] as Answer) : refusal(fault, items[i])));
}

function textField(item: unknown, field: string): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const value = (item as Body)[field];
  return typeof value === 'string' && value.length <= idCharsMax ? value : undefined;
}

const asIs = (reply: unknown): unknown => reply;
