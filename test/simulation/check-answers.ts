/** What clients were told, against what the store held at that moment. */
import type { Job, JobRecord } from '../../src/job/job.js';
import { isOver } from './check-steps.js';
import type { Ledger } from './ledger.js';

export interface SubmitSeen {
  readonly code: string;
  readonly jobId?: string | undefined;
  readonly msg?: string | undefined;
  readonly askedAt: number;
}

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
  const fail = (rule: string, text: string) => ledger.violate(rule, `submit of ${jobId} was answered ${answer.code} ${answer.jobId ?? ''}: ${text}`);
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
      else if (standIn?.after?.body.taskId !== job.taskId || answer.jobId === jobId) fail('G3', 'but that is no job with its key');
      return;
    case 'rejected':
      return fail('G3', `but nothing is wrong with it: ${answer.msg}`);
    default:
      return;
  }
}

export function checkControlAnswer(ledger: Ledger, deed: string, seen: ControlSeen & { readonly answeredAt: number }): void {
  const jobId = seen.job?.jobId ?? seen.jobId;
  const record = ledger.stored.get(jobId);
  const fail = (rule: string, text: string) => ledger.violate(rule, `${deed} of ${jobId} was answered ${seen.receipt}: ${text}`);
  if (seen.job) checkRev(ledger, seen.job, seen);
  if (!record) return;
  if (deed === 'cancel') {
    if ((seen.receipt === 'done' || seen.receipt === 'already-ended') && !isOver(record)) fail('G16', `but it is ${record.status.state}`);
    if ((seen.receipt === 'asked' || seen.receipt === 'delivered') && !wasAsked(ledger, jobId)) fail('G16', 'but nothing of it was stored');
  }
  if (deed === 'suspend' && seen.receipt === 'done') {
    const wasSuspended = ledger.stepsOf(jobId).some((step) => step.after?.status.state === 'suspended');
    if (!wasSuspended) fail('G4', 'but it never was suspended');
  }
}

const wasAsked = (ledger: Ledger, jobId: string): boolean =>
  ledger.stepsOf(jobId).some((step) => step.after?.status.cancelAskedAt !== undefined || step.after?.status.state === 'cancelled');

/** Who has seen a job at some rev never sees an older one later. */
function checkRev(ledger: Ledger, job: JobRecord, seen: { readonly askedAt: number; readonly answeredAt: number }): void {
  const { rev } = job.status;
  const last = ledger.revsSeen.get(job.jobId);
  if (last && last.answeredAt < seen.askedAt && rev < last.rev) {
    ledger.violate('rev', `${job.jobId} was at rev ${last.rev}, and later at rev ${rev}`);
  }
  if (!last || rev > last.rev) ledger.revsSeen.set(job.jobId, { rev, answeredAt: seen.answeredAt });
}
