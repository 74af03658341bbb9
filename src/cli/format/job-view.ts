/** A job as `--json` shows it: instants as ISO text, params and result as plain data, what it does not have left out. */
import type { JobRecord } from '../../job/job.js';
import { isSchedule } from '../../job/job.js';

export function jobView({ jobId, body, status }: JobRecord) {
  const { rule, origin, retry } = body;
  return {
    jobId,
    taskId: body.taskId,
    nodeGroup: body.nodeGroup,
    processor: body.processor,
    state: status.state,
    reason: status.reason,
    message: status.message,
    params: dataOf(body.params),
    result: dataOf(status.result),
    priority: body.priority,
    attempt: status.attempt,
    retryTimes: status.retryTimes,
    maxRetryTimes: retry.maxRetryTimes,
    losses: status.losses,
    submittedAt: isoOf(body.submittedAt),
    dueAt: isoOf(status.dueAt),
    claimedAt: isoOf(status.claimedAt),
    cancelAskedAt: isoOf(status.cancelAskedAt),
    endedAt: isoOf(status.endedAt),
    session: status.session,
    schedule: rule && { ...rule, nextAt: isoOf(status.slot?.at), run: status.slot?.run, skipped: status.skipped },
    scheduleId: origin?.scheduleId,
    slot: origin && { at: isoOf(origin.slot.at), run: origin.slot.run },
  };
}

/** When the job comes next, began, or ended: the one instant that a list has room for. */
export function whenOf(record: JobRecord): { readonly word: string; readonly at: number } | undefined {
  const { status } = record;
  if (status.endedAt !== undefined) return { word: 'ended', at: status.endedAt };
  if (status.state === 'executing' && status.claimedAt !== undefined) return { word: 'since', at: status.claimedAt };
  if (isSchedule(record)) return status.slot && { word: 'next', at: status.slot.at };
  return status.dueAt === undefined ? undefined : { word: 'due', at: status.dueAt };
}

const isoOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

/** Params and results are stored as JSON text. */
export function dataOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
