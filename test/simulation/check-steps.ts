/** One commit: may this record follow that one? */
import type { JobRecord, JobState } from '../../src/job/job.js';
import type { Ledger, RunSeen, Step } from './ledger.js';

const overStates = new Set<JobState>(['succeeded', 'failed', 'cancelled', 'expired', 'skipped']);
export const isOver = ({ status }: JobRecord): boolean => overStates.has(status.state);

const successors: Record<string, readonly JobState[]> = {
  waiting: ['waiting', 'executing', 'suspended', 'cancelled', 'expired', 'skipped'],
  executing: ['executing', 'waiting', 'succeeded', 'failed', 'cancelled'],
  suspended: ['suspended', 'waiting', 'cancelled', 'expired', 'skipped'],
};
const lossesBound = 6;
const keptMs = 600_000;

export function checkStep(ledger: Ledger, jobId: string, step: Step): void {
  const { verb, before, after } = step;
  const fail = (rule: string, text: string) =>
    ledger.violate(rule, `${jobId}: ${text}; ${shown(before)} -> ${shown(after)}`);
  if (verb === 'add') return after && checkAdded(ledger, after, step, fail);
  if (!before) return fail('G4', `${verb} of a record that is not there`);
  if (!after) return checkPurge(ledger, before, step, fail);
  if (after.status.rev !== before.status.rev + 1) fail('fence', 'a write that had not seen the one before');
  if (isOver(before)) return checkAfterlife(before, after, fail);
  const isAllowed =
    successors[before.status.state]?.includes(after.status.state) || (before.body.rule !== undefined && isOver(after));
  if (!isAllowed) fail('G15', 'no such way through the states');
  checkCounters(before, after, fail);
  if (after.status.state === 'executing' && before.status.state === 'waiting') {
    checkClaim(before, step, fail);
    checkCompany(ledger, after, fail);
  }
  if (before.status.state === 'executing') checkLeaving(ledger, { jobId, before, after }, fail);
}

type Fail = (rule: string, text: string) => void;

function checkAdded(ledger: Ledger, after: JobRecord, step: Step, fail: Fail): void {
  const last = ledger.steps.get(after.jobId)?.at(-1);
  const standIn = ledger.aliases.get(after.jobId);
  // A clock set forward makes records old before their time: then the same submission may come after their removal.
  const mayBeForgotten = ledger.incidents.some(({ jumpMs = 0 }) => jumpMs > keptMs);
  if (last?.after) fail('G3', 'added while it exists');
  if (last && !last.after && !mayBeForgotten) fail('G3', 'added again after it had been purged');
  if (standIn !== undefined && (ledger.stored.has(standIn) || !mayBeForgotten)) {
    fail('G3', `a resent replacement became a job of its own; it stands in ${standIn}`);
  }
  const { taskId, nodeGroup } = after.body;
  const isInstance = after.body.origin !== undefined;
  for (const other of taskId === undefined || isInstance ? [] : ledger.stored.values()) {
    if (other.body.origin || isOver(other) || other.body.taskId !== taskId || other.body.nodeGroup !== nodeGroup)
      continue;
    fail('G3', `second open job with key ${nodeGroup}/${taskId}, beside ${other.jobId}`);
  }
  if (after.status.state === 'executing') checkCompany(ledger, after, fail);
  if (after.status.state === 'executing' && (after.status.dueAt ?? 0) > step.latestWall)
    fail('G10', 'claimed before it was due');
}

function checkPurge(ledger: Ledger, before: JobRecord, step: Step, fail: Fail): void {
  if (!isOver(before)) fail('G4', 'removed while open');
  if ((before.status.endedAt ?? 0) > step.latestWall - keptMs) fail('G20', 'removed within ten minutes of its end');
  const { origin } = before.body;
  const schedule = origin && ledger.stored.get(origin.scheduleId);
  if (!origin || !schedule || isOver(schedule)) return;
  if (schedule.status.generation === origin.generation && schedule.status.slot?.id === origin.slot.id) {
    fail('G11', 'the record of a slot was removed before its schedule had gone past it');
  }
}

function checkAfterlife(before: JobRecord, after: JobRecord, fail: Fail): void {
  for (const field of ['state', 'reason', 'result', 'endedAt', 'lastRunId', 'losses', 'retryTimes'] as const) {
    if (before.status[field] !== after.status[field]) fail('G15', `${field} of an ended job changed`);
  }
}

function checkCounters(before: JobRecord, after: JobRecord, fail: Fail): void {
  const { retryTimes, losses } = after.status;
  const isReplaced = (after.status.aliases?.length ?? 0) > (before.status.aliases?.length ?? 0);
  const lost = losses - before.status.losses;
  const retried = retryTimes - before.status.retryTimes;
  if (!isReplaced && (lost < 0 || lost > 1 || retried < 0 || retried > 1 || lost + retried > 1))
    fail('G8', 'a counter jumped');
  if (retryTimes > Math.max(after.body.retry.maxRetryTimes, before.status.retryTimes))
    fail('G8', 'more retries than allowed');
  if (losses > lossesBound) fail('G9', 'more losses than allowed');
  if (lost === 1 && before.status.state !== 'executing') fail('G9', 'lost without being run');
}

function checkClaim(before: JobRecord, step: Step, fail: Fail): void {
  const { dueAt = 0, attempt } = before.status;
  if (dueAt > step.latestWall) fail('G10', `claimed ${dueAt - step.latestWall} ms before it was due`);
  if (step.after?.status.attempt !== attempt + 1) fail('G9', 'a claim that was not counted');
  if ((before.body.expireAt ?? Number.POSITIVE_INFINITY) < step.earliestWall - 60_000)
    fail('G12', 'claimed long after it expired');
}

/** A node holds at most one suspect, and beside one that must be alone nothing else. */
function checkCompany(ledger: Ledger, claimed: JobRecord, fail: Fail): void {
  for (const jobId of ledger.heldBy(claimed.status.session ?? '')) {
    const other = ledger.stored.get(jobId);
    if (!other || jobId === claimed.jobId) continue;
    if (other.status.isAlone || claimed.status.isAlone)
      fail('G9', `one of them must be alone, but ${other.jobId} is there too`);
    else if (other.status.losses >= 2 && claimed.status.losses >= 2)
      fail('G9', `a second suspect beside ${other.jobId}`);
  }
}

/** The end of a run: by its own report, by loss, or given back uncounted. */
function checkLeaving(
  ledger: Ledger,
  { jobId, before, after }: { jobId: string; before: JobRecord; after: JobRecord },
  fail: Fail,
): void {
  const { status } = after;
  if (status.state === 'executing') {
    if (status.runId !== before.status.runId || status.session !== before.status.session)
      fail('G6', 'one run took the place of another');
    if (before.status.cancelAskedAt !== undefined && status.cancelAskedAt === undefined)
      fail('G16', 'a cancel was forgotten');
    return;
  }
  const isReported = status.lastRunId !== before.status.lastRunId;
  if (isReported && status.lastRunId !== before.status.runId)
    fail('G6', `settled by run ${status.lastRunId}, which was not current`);
  if (before.status.cancelAskedAt !== undefined && status.state !== 'cancelled' && status.state !== 'succeeded') {
    fail('G16', 'cancel was asked while it ran, and it was overwritten');
  }
  const run = ledger.run(jobId, before.status.runId ?? '');
  if (status.state === 'succeeded' && !(isReported && run?.exit?.how === 'success'))
    fail('G5', 'succeeded, but no run returned success');
  if (status.state === 'succeeded' && status.result !== JSON.stringify(run?.exit?.value))
    fail('G13', `another result than ${run?.exit?.value}`);
  if (status.state === 'failed') checkFailure(after, run, fail);
  if (!run?.exit || run.aborted) return;
  if (isUncounted({ before, after })) {
    if (!ledger.wasStopped(run.node, run.startedAt)) fail('G13', 'its run had ended, and it was given back');
  } else if (isReported) checkVerdict(run, after, fail);
}

function checkFailure({ body, status }: JobRecord, run: RunSeen | undefined, fail: Fail): void {
  const { reason } = status;
  const { maxRetryTimes } = body.retry;
  if (reason === 'failed' && run?.exit?.how !== 'failed') fail('G5', 'failed for good, but no run said so');
  if ((reason === 'exhausted' || reason === 'timed-out') && status.retryTimes < maxRetryTimes)
    fail('G8', 'gave up before its last retry');
  if (reason === 'timed-out' && run?.aborted?.reason !== 'timeout') fail('G8', 'timed out, but was never told to stop');
  if (reason === 'lost' && status.losses < 3) fail('G9', 'convicted before its third loss');
  if (reason === 'superseded' && body.origin === undefined)
    fail('G12', 'superseded, but nothing follows a one-shot job');
  if (reason === undefined) fail('G4', 'failed without a reason');
}

/** Given back: waiting again, neither lost nor retried. */
export function isUncounted({ before, after }: Pick<Step, 'before' | 'after'>): boolean {
  if (!before || !after || after.status.state !== 'waiting') return false;
  return after.status.losses === before.status.losses && after.status.retryTimes === before.status.retryTimes;
}

/** What the handler said must be what the store says. */
function checkVerdict(run: RunSeen, after: JobRecord, fail: Fail): void {
  const fitting: Record<string, readonly string[]> = {
    success: ['succeeded'],
    failed: ['failed/failed', 'cancelled'],
    later: ['waiting', 'failed/exhausted', 'failed/superseded', 'cancelled'],
    exception: ['waiting', 'failed/exhausted', 'failed/superseded', 'cancelled'],
  };
  const verdict = stateOf(after);
  const how = run.exit?.how ?? '';
  if (!fitting[how]?.includes(verdict)) fail('G8', `its run ended with ${how}`);
}

/** `failed` with its reason. */
export const stateOf = ({ status }: JobRecord): string =>
  status.reason ? `${status.state}/${status.reason}` : status.state;

export function shown(record: JobRecord | undefined): string {
  if (!record) return 'nothing';
  const { rev, runId, lastRunId, losses, retryTimes, attempt, cancelAskedAt } = record.status;
  const { dueAt, session } = record.status;
  const parts = [`rev ${rev}`, stateOf(record), `attempt ${attempt}`, `losses ${losses}`, `retries ${retryTimes}`];
  if (runId) parts.push(`run ${runId.slice(0, 8)}`);
  if (session) parts.push(`of ${session}`);
  if (record.status.isAlone) parts.push('alone');
  if (dueAt !== undefined && record.status.state === 'waiting') parts.push(`due ${dueAt}`);
  if (lastRunId) parts.push(`last ${lastRunId.slice(0, 8)}`);
  if (cancelAskedAt !== undefined) parts.push('cancel asked');
  return `(${parts.join(', ')})`;
}
