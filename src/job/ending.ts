/** How a record looks after a step; pure builders that every step of the tracker shares. */
import type { FailReason, JobRecord, JobState, JobStatus, Slot } from './job.js';
import { isEnded, isSchedule, withStatus } from './job.js';
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

const released = { runId: undefined, session: undefined, cancelAskedAt: undefined } satisfies Partial<JobStatus>;

/** The ended record; it owes feedback if it asks for it and did end by running out, not by someone's wish. */
export function ended(record: JobRecord, ending: Ending): JobRecord {
  const { state, now, reason, message, result, nextSlot, skipped } = ending;
  const owesFeedback =
    record.body.needFeedback &&
    !isSchedule(record) &&
    (state === 'succeeded' || state === 'failed' || state === 'expired');
  return withStatus(record, {
    ...released,
    state,
    reason,
    message,
    result,
    nextSlot,
    skipped: skipped ?? record.status.skipped,
    dueAt: record.body.rule ? undefined : record.status.dueAt,
    endedAt: now,
    feedbackAt: owesFeedback ? now : undefined,
  });
}

/** The record after a run, as `nextStep` decided. */
export function afterRun(
  record: JobRecord,
  step: NextStep,
  around: Ending & { readonly outcome: RunOutcome },
): JobRecord {
  const runId = record.status.runId;
  const counters = { retryTimes: step.retryTimes, losses: step.losses, isAlone: step.isAlone };
  // Only a report makes a run the one settled last: what the tracker decides by itself must not answer a later report.
  const isReport = around.outcome.kind !== 'lost' && around.outcome.kind !== 'missed';
  const lastRunId = isReport ? runId : record.status.lastRunId;
  if (isEnded(step.state)) {
    const end = ended(record, { ...around, state: step.state, reason: step.reason });
    return { ...end, status: { ...end.status, ...counters, lastRunId } };
  }
  const message = around.message ?? record.status.message;
  const attempt = record.status.attempt - (around.outcome.kind === 'missed' ? 1 : 0);
  return withStatus(record, {
    ...released,
    ...counters,
    attempt,
    lastRunId,
    state: step.state,
    dueAt: step.dueAt,
    message,
  });
}
