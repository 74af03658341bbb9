/**
 * What follows a run: the only place that decides retry or finish.
 *
 *   outcome of the run                      | next
 *   ----------------------------------------|------------------------------------------------------------
 *   success                                 | succeeded, even if cancel was asked; feedback if asked
 *   anything else, cancel was asked         | cancelled
 *   failed                                  | failed/failed; feedback
 *   returned (shutdown, lease lost)         | waiting at once in its old turn, counted nowhere
 *   missed (its worker never got it)        | waiting at once, as if it had not been claimed
 *   lost (the session is gone)              | waiting at once in its old turn; convicted: failed/lost
 *   later, exception, timeout; retries used | failed/exhausted or failed/timed-out; feedback
 *   the same; the next slot comes first     | failed/superseded (relyOnPrevCycle; the slot wins, as in LTS)
 *   the same, otherwise                     | waiting until the retry is due
 */
import type { FailReason, JobRecord, JobState, RetryPolicy } from './job.js';

export type RunOutcome =
  | { readonly kind: 'success'; readonly result?: string | undefined; readonly message?: string | undefined }
  | { readonly kind: 'failed'; readonly message?: string | undefined }
  | { readonly kind: 'later'; readonly message?: string | undefined; readonly delayMs?: number | undefined }
  | { readonly kind: 'exception'; readonly message?: string | undefined }
  | { readonly kind: 'timeout'; readonly message?: string | undefined }
  | { readonly kind: 'returned'; readonly message?: string | undefined }
  /** The tracker's own: the claim never reached its worker. */
  | { readonly kind: 'missed'; readonly message?: string | undefined }
  /** `others`: how many further runs the node lost with this one. */
  | { readonly kind: 'lost'; readonly others: number; readonly message?: string | undefined };

/** Losses that convict a job, if the last one hit it alone. */
export const lossesMax = 3;

export interface Circumstances {
  readonly now: number;
  /** The fire time that follows, for instances whose schedule relies on the previous cycle. */
  readonly nextSlotAt?: number | undefined;
  /** In [0, 1): spreads exponential retries. */
  readonly chance: number;
}

export interface NextStep {
  readonly state: JobState;
  readonly reason?: FailReason;
  readonly dueAt?: number;
  readonly retryTimes: number;
  readonly losses: number;
  readonly isAlone?: boolean;
}

export function nextStep(record: JobRecord, outcome: RunOutcome, around: Circumstances): NextStep {
  const { retryTimes, losses, cancelAskedAt } = record.status;
  const counted = { retryTimes, losses };
  if (outcome.kind === 'success') return { ...counted, state: 'succeeded' };
  if (cancelAskedAt !== undefined) return { ...counted, state: 'cancelled' };
  switch (outcome.kind) {
    case 'failed':
      return { ...counted, state: 'failed', reason: 'failed' };
    case 'returned':
    case 'missed':
      return { ...counted, state: 'waiting', dueAt: oldTurn(record, around.now) };
    case 'lost':
      return afterLoss(record, outcome.others, around.now);
    case 'later':
    case 'exception':
    case 'timeout':
      return afterRetryable(record, outcome, around);
  }
}

/** What fell with its worker has waited before: it goes ahead of what came later, however long the queue has grown. */
const oldTurn = ({ status }: JobRecord, now: number): number => Math.min(status.dueAt ?? now, now);

/** The last loss convicts only a job that was its node's only run; if others fell with it, it next runs alone. */
function afterLoss(record: JobRecord, others: number, now: number): NextStep {
  const { retryTimes } = record.status;
  const losses = record.status.losses + 1;
  if (losses < lossesMax) return { state: 'waiting', dueAt: oldTurn(record, now), retryTimes, losses };
  if (others === 0) return { state: 'failed', reason: 'lost', retryTimes, losses };
  return { state: 'waiting', dueAt: oldTurn(record, now), retryTimes, losses, isAlone: true };
}

function afterRetryable(
  record: JobRecord,
  outcome: Extract<RunOutcome, { kind: 'later' | 'exception' | 'timeout' }>,
  around: Circumstances,
): NextStep {
  const { retryTimes, losses } = record.status;
  const { retry } = record.body;
  if (retryTimes >= retry.maxRetryTimes) {
    return { state: 'failed', reason: outcome.kind === 'timeout' ? 'timed-out' : 'exhausted', retryTimes, losses };
  }
  const asked = outcome.kind === 'later' ? outcome.delayMs : undefined;
  const dueAt = around.now + (asked ?? retryDelayMs(retry, retryTimes, around.chance));
  if (around.nextSlotAt !== undefined && around.nextSlotAt < dueAt) {
    return { state: 'failed', reason: 'superseded', retryTimes, losses };
  }
  return { state: 'waiting', dueAt, retryTimes: retryTimes + 1, losses };
}

/** Fixed: the interval. Exponential: interval × 2^n up to the cap, of which the upper half is jitter. */
export function retryDelayMs(retry: RetryPolicy, retryTimes: number, chance: number): number {
  if (retry.backoff === 'fixed') return retry.intervalMs;
  const full = Math.min(retry.intervalMaxMs, retry.intervalMs * 2 ** Math.min(retryTimes, 50));
  return Math.round(full / 2 + (full / 2) * chance);
}
