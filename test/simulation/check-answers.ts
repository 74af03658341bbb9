/** What clients were told, against what the store held at that moment. */
import type { Job, JobRecord } from '../../src/job/job.js';
import type { RunReport } from '../../src/protocol/messages.js';
import { isOver } from './check-steps.js';
import type { Ledger } from './ledger.js';

export interface SubmitSeen {
  readonly code: string;
  readonly jobId?: string | undefined;
  readonly msg?: string | undefined;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** The submit deadline of 5 s, and time for the FailStore. */
const settledMsMax = 5_500;

export interface ControlSeen {
  readonly jobId: string;
  readonly client: string;
  readonly askedAt: number;
  readonly receipt?: string | undefined;
  readonly job?: JobRecord | undefined;
}

export function checkSubmitAnswer(ledger: Ledger, job: Job, answer: SubmitSeen): void {
  const jobId = job.jobId ?? '';
  const known = ledger.submissions.get(jobId) ?? { jobId, codes: new Set<string>(), hasKey: job.taskId !== undefined };
  ledger.submissions.set(jobId, known);
  known.codes.add(answer.code);
  const fail = (rule: string, text: string) =>
    ledger.violate(rule, `submit of ${jobId} was answered ${answer.code} ${answer.jobId ?? ''}: ${text}`);
  const tookMs = answer.answeredAt - answer.askedAt;
  if (ledger.areFailStoresQuick && tookMs > settledMsMax) fail('answers', `after ${Math.round(tookMs)} ms`);
  const [standIn] = ledger.steps.get(answer.jobId ?? '') ?? [];
  switch (answer.code) {
    case 'accepted':
      if (answer.jobId !== jobId) fail('G3', 'for another job');
      if (!standIn) fail('G1', 'before it was committed');
      return;
    case 'replaced':
      if (ledger.aliases.get(jobId) !== answer.jobId) fail('G1', 'but nothing was replaced');
      return;
    case 'duplicate':
      if (job.taskId === undefined) fail('G3', 'but it has no key');
      else if (standIn?.after?.body.taskId !== job.taskId || answer.jobId === jobId)
        fail('G3', 'but that is no job with its key');
      return;
    case 'rejected':
      return fail('G3', `but nothing is wrong with it: ${answer.msg}`);
    default:
      return;
  }
}

export function checkControlAnswer(
  ledger: Ledger,
  deed: string,
  seen: ControlSeen & { readonly answeredAt: number },
): void {
  const jobId = seen.job?.jobId ?? seen.jobId;
  const record = ledger.stored.get(jobId);
  const fail = (rule: string, text: string) =>
    ledger.violate(rule, `${deed} of ${jobId} was answered ${seen.receipt}: ${text}`);
  if (seen.job) checkRev(ledger, seen.job, seen);
  if (!record) return;
  if (deed === 'cancel') {
    if ((seen.receipt === 'done' || seen.receipt === 'already-ended') && !isOver(record))
      fail('G16', `but it is ${record.status.state}`);
    if ((seen.receipt === 'asked' || seen.receipt === 'delivered') && !wasAsked(ledger, jobId))
      fail('G16', 'but nothing of it was stored');
  }
  if (deed === 'suspend' && seen.receipt === 'done') {
    const wasSuspended = ledger.stepsOf(jobId).some((step) => step.after?.status.state === 'suspended');
    if (!wasSuspended) fail('G4', 'but it never was suspended');
  }
}

/** `ok` means applied, by this copy of the report or an earlier one; what was applied is never refused as stale. */
export function checkReportAnswer(
  ledger: Ledger,
  { jobId, runId, outcome }: RunReport,
  answer: string | undefined,
): void {
  const left = ledger
    .stepsOf(jobId)
    .find(({ before, after }) => before?.status.runId === runId && after?.status.runId !== runId);
  const state = left?.after?.status.state;
  const isApplied = left?.after?.status.lastRunId === runId;
  ledger.count(`reports-${answer}`);
  const fail = (text: string) =>
    ledger.violate(
      'G13',
      `the report ${outcome.kind} of run ${runId.slice(0, 8)} of ${jobId} was answered ${answer}, ${text}`,
    );
  if (answer === 'stale' && isApplied && ledger.stored.get(jobId)?.status.lastRunId === runId)
    return fail('though it had been applied');
  if (answer !== 'ok') return;
  if (!left) return fail('but its run goes on');
  if (outcome.kind === 'success' && state !== 'succeeded') fail(`but the job became ${state}`);
  if (outcome.kind === 'failed' && state !== 'failed' && state !== 'cancelled') fail(`but the job became ${state}`);
}

const wasAsked = (ledger: Ledger, jobId: string): boolean =>
  ledger
    .stepsOf(jobId)
    .some((step) => step.after?.status.cancelAskedAt !== undefined || step.after?.status.state === 'cancelled');

/** Who has seen a job at some rev never sees an older one later. */
function checkRev(
  ledger: Ledger,
  job: JobRecord,
  seen: { readonly askedAt: number; readonly answeredAt: number },
): void {
  const { rev } = job.status;
  const last = ledger.revsSeen.get(job.jobId);
  if (last && last.answeredAt < seen.askedAt && rev < last.rev) {
    ledger.violate('rev', `${job.jobId} was at rev ${last.rev}, and later at rev ${rev}`);
  }
  if (!last || rev > last.rev) ledger.revsSeen.set(job.jobId, { rev, answeredAt: seen.answeredAt });
}
