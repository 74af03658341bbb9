/** How a record looks after a step; pure builders that every step of the tracker shares. */
import type { FailReason, JobRecord, JobState, Slot } from './job.js';
import { type ChangingStatus, isEnded, nextStatus } from './job.js';
import type { NextStep, RunOutcome } from './next-step.js';

export interface Ending {
  readonly state: JobState;
  readonly now: number;
  readonly reason?: FailReason | undefined;
  readonly message?: string | undefined;
  readonly result?: string | undefined;
  /** Instances of a schedule that relies on the previous cycle: what follows; null ends the schedule. */
  readonly nextSlot?: Slot | null | undefined;
  /** Slots passed over before `nextSlot`. */
  readonly skipped?: number | undefined;
}

/** The ended record; it owes feedback if it asks for it and did end by running out, not by someone's wish. */
export function ended(record: JobRecord, ending: Ending): JobRecord {
  const status = nextStatus(record);
  status.state = ending.state;
  status.reason = ending.reason;
  status.message = ending.message;
  status.result = ending.result;
  status.nextSlot = ending.nextSlot;
  status.skipped = ending.skipped ?? status.skipped;
  status.dueAt = record.body.rule ? undefined : status.dueAt;
  status.endedAt = ending.now;
  status.feedbackAt = owesFeedback(record, ending.state) ? ending.now : undefined;
  release(status);
  return { jobId: record.jobId, body: record.body, status };
}

/** Nobody runs it any more. */
function release(status: ChangingStatus): void {
  status.runId = undefined;
  status.session = undefined;
  status.cancelAskedAt = undefined;
}

function owesFeedback({ body }: JobRecord, state: JobState): boolean {
  return body.needFeedback && !body.rule && (state === 'succeeded' || state === 'failed' || state === 'expired');
}

/** The record after a run, as `nextStep` decided. */
export function afterRun(
  record: JobRecord,
  step: NextStep,
  around: Omit<Ending, 'state'> & { outcome: RunOutcome },
): JobRecord {
  const { kind } = around.outcome;
  const after = isEnded(step.state) ? endedRun(record, step, around) : waitingRun(record, step, around);
  after.status.retryTimes = step.retryTimes;
  after.status.losses = step.losses;
  // Only a report makes a run the one settled last: what the tracker decides by itself must not answer a later report.
  if (kind !== 'lost' && kind !== 'missed') after.status.lastRunId = record.status.runId;
  if (kind === 'missed') after.status.attempt--;
  return after;
}

function endedRun(record: JobRecord, step: NextStep, around: Omit<Ending, 'state'>): ChangingRecord {
  return ended(record, {
    state: step.state,
    reason: step.reason,
    now: around.now,
    message: around.message,
    result: around.result,
    nextSlot: around.nextSlot,
    skipped: around.skipped,
  }) as ChangingRecord;
}

function waitingRun(record: JobRecord, step: NextStep, { message }: Omit<Ending, 'state'>): ChangingRecord {
  const status = nextStatus(record);
  status.state = step.state;
  status.dueAt = step.dueAt;
  // Handed back or retried, a suspect that must be alone still must be.
  status.isAlone = step.isAlone ?? status.isAlone;
  status.message = message ?? status.message;
  release(status);
  return { jobId: record.jobId, body: record.body, status };
}

type ChangingRecord = Omit<JobRecord, 'status'> & { readonly status: ChangingStatus };
