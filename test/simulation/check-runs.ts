/** Handler calls: each run at most once, overlaps only with an excuse, every death counted and nothing else. */
import { isUncounted } from './check-steps.js';
import type { Ledger, RunSeen, Step } from './ledger.js';
import { runKey } from './ledger.js';

export function checkRunStart(ledger: Ledger, run: RunSeen): void {
  const fail = (rule: string, text: string) =>
    ledger.violate(rule, `run ${run.runId.slice(0, 8)} of ${run.jobId} on ${run.life}: ${text}`);
  if (!ledger.steps.get(run.jobId)?.some((step) => step.after?.status.runId === run.runId))
    fail('G6', 'started without a committed claim');
  const earlier = ledger.runs.get(run.jobId) ?? [];
  if (earlier.some((other) => other.runId === run.runId)) fail('G6', 'the same run started twice');
  const left = ledger.stepsOfRun.get(runKey(run.jobId, run.runId))?.[0];
  if (left && isUncounted(left)) fail('G6', 'started after it had been given back');
  if (left && !isUncounted(left) && !isExcused(ledger, run, left.at - 40_000))
    fail('G7', 'started after it was over, on a node that was never cut off');
  // A thawed node may start in its first turn what it was given before it was frozen.
  if (left) return;
  for (const other of earlier) {
    const isActive = other.exit === undefined && other.diedAt === undefined;
    if (isActive && !isExcused(ledger, other, other.startedAt))
      fail('G7', `overlaps with run ${other.runId.slice(0, 8)} on ${other.life}`);
  }
}

/**
 * A handler that goes on after it was told to stop may overlap with the next run; so may one whose node was frozen, or whose
 * connection is seen to be gone. Who is merely not heard stops before its lease is over.
 */
function isExcused(ledger: Ledger, run: RunSeen, from: number): boolean {
  if (run.aborted !== undefined && !run.heedsAbort) return true;
  return ledger.incidents.some(
    ({ kind, node, to }) => node === run.node && (kind === 'freeze' || kind === 'disconnect') && to >= from,
  );
}

const isLoss = ({ before, after }: Step): boolean =>
  !!before && !!after && after.status.losses === before.status.losses + 1;

export function checkRunEnds(ledger: Ledger): void {
  for (const run of [...ledger.runs.values()].flat()) {
    checkDeath(ledger, run);
    checkSelfFence(ledger, run);
  }
  for (const [jobId, steps] of ledger.steps) for (const step of steps) checkLoss(ledger, jobId, step);
  checkConvictions(ledger);
}

/** A lease of 30 s, less what the worker keeps as a margin, and a tick that a lost renewal may hold up. */
const cutOffMsMax = 31_000;

/** Who is cut off for longer than its lease has told its runs to stop by then. */
function checkSelfFence(ledger: Ledger, run: RunSeen): void {
  const lasted = (at: number) => run.startedAt < at && (run.exit?.at ?? at) >= at && (run.diedAt ?? at) >= at;
  for (const { kind, node, from, to } of ledger.incidents) {
    const fencedBy = from + cutOffMsMax;
    if (kind !== 'disconnect' || node !== run.node || run.startedAt > from || to < fencedBy || !lasted(fencedBy))
      continue;
    const wasFrozen = ledger.incidents.some(
      (other) => other.kind === 'freeze' && other.node === node && other.from <= fencedBy && other.to >= from,
    );
    if (wasFrozen) continue;
    ledger.count('self-fences');
    if ((run.aborted?.at ?? Number.POSITIVE_INFINITY) > fencedBy)
      ledger.violate(
        'G7',
        `run ${run.runId.slice(0, 8)} of ${run.jobId} on ${run.life}: went on when its node was cut off for its whole lease`,
      );
  }
}

/** A process that died under a run costs that run a loss. */
function checkDeath(ledger: Ledger, run: RunSeen): void {
  const left = ledger.stepsOfRun.get(runKey(run.jobId, run.runId))?.[0];
  const fail = (text: string) =>
    ledger.violate('G9', `run ${run.runId.slice(0, 8)} of ${run.jobId} on ${run.life}: ${text}`);
  if (left && isUncounted(left) && run.startedAt < left.at && !run.aborted && (run.exit?.at ?? left.at) >= left.at) {
    fail('was under way and was given back as if it had never begun');
  }
  if (run.diedAt === undefined || !run.wasCurrent || run.aborted || !left || left.at < run.diedAt) return;
  if (!isLoss(left) && left.after?.status.state !== 'cancelled')
    fail('died with its process and the loss was not counted');
}

/** Only a session that is over loses runs. */
function checkLoss(ledger: Ledger, jobId: string, step: Step): void {
  const session = step.before?.status.session;
  if (!isLoss(step) || session === undefined) return;
  ledger.count('losses');
  const claimedAt =
    ledger.stepsOf(jobId).find((other) => other.after?.status.runId === step.before?.status.runId)?.at ?? step.at;
  if (isUncalledFor(ledger, session, { from: claimedAt - 100_000, to: step.at }))
    ledger.violate('G9', `${jobId} lost a run of ${session}, and nothing had happened to its node`);
  const okAt = ledger.sessionOkAt.get(session) ?? 0;
  if (okAt > step.at)
    ledger.violate(
      'G9',
      `${jobId} lost a run at ${step.at.toFixed(0)}, but its session ${session} was well at ${okAt.toFixed(0)}`,
    );
}

/** In a network that only takes its time, a node loses its session by its own misfortune, or by a tracker that was away for long. */
function isUncalledFor(ledger: Ledger, session: string, when: { readonly from: number; readonly to: number }): boolean {
  const node = session.slice(0, session.lastIndexOf('-'));
  const hasExcuse = ledger.incidents.some(
    (incident) =>
      (incident.node === node || (incident.node.startsWith('tracker') && incident.kind !== 'wall-jump')) &&
      incident.from <= when.to &&
      incident.to >= when.from,
  );
  return ledger.isNetworkSound && !hasExcuse;
}

/** The loss that convicts a job hit it alone. */
function checkConvictions(ledger: Ledger): void {
  const fallen = new Map<string, Set<string>>();
  const convicted: { jobId: string; session: string }[] = [];
  for (const [jobId, steps] of ledger.steps) {
    for (const step of steps) {
      const session = step.before?.status.session;
      if (!isLoss(step) || session === undefined) continue;
      fallen.set(session, (fallen.get(session) ?? new Set()).add(jobId));
      if (step.after?.status.reason === 'lost') convicted.push({ jobId, session });
    }
  }
  for (const { jobId, session } of convicted) {
    ledger.count('convictions');
    const others = [...(fallen.get(session) ?? [])].filter((other) => other !== jobId);
    if (others.length > 0)
      ledger.violate('G9', `${jobId} was convicted in ${session}, where ${others.join(', ')} fell too`);
  }
}
