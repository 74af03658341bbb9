/** Schedules: each slot once and in order, on its grid, none lost without being counted. */
import type { JobRecord, PeriodicTrigger, Slot } from '../../src/job/job.js';
import { isOver } from './check-steps.js';
import type { Ledger, Step } from './ledger.js';

/** The workload's cron rules, as the checker understands them: every so many ms of the minute, in UTC. */
const cronEveryMs: Record<string, number> = { '* * * * * ?': 1_000, '*/5 * * * * ?': 5_000, '0/10 * * * * ?': 10_000 };

/** Beyond this the product counts `at least`. */
const countedMax = 1_000;

const isManual = (slot: Slot): boolean => slot.id.startsWith('manual:');

/** Long enough for the withdrawal that follows the change of a schedule. */
const withdrawMs = 2_000;

/** What waits when its schedule is cancelled, suspended or changed never starts. */
export function checkWithdrawal(ledger: Ledger, jobId: string, { at, before, after }: Step): void {
  if (before?.body.rule && after && isTurningPoint(before, after)) {
    for (const { jobId: instance, body, status } of ledger.instances(before.jobId)) {
      if (status.state === 'waiting' && body.origin && !isManual(body.origin.slot)) ledger.doomed.set(instance, at);
    }
  }
  const doomedAt = ledger.doomed.get(jobId);
  if (doomedAt === undefined || before?.status.state !== 'waiting' || after?.status.state !== 'executing') return;
  const isExcused = ledger.incidents.some(
    ({ node, from, to }) => node.startsWith('tracker') && from <= at && to >= doomedAt - 60_000,
  );
  if (ledger.isStoreSound && !isExcused && at > doomedAt + withdrawMs) {
    ledger.violate(
      'G16',
      `${jobId} started ${Math.round(at - doomedAt)} ms after its schedule had been cancelled, suspended or changed`,
    );
  }
}

function isTurningPoint(before: JobRecord, after: JobRecord): boolean {
  if (after.status.generation !== before.status.generation) return true;
  return (
    before.status.state === 'waiting' && (after.status.state === 'cancelled' || after.status.state === 'suspended')
  );
}

/** The insertion of an instance. */
export function checkSlotStep(ledger: Ledger, { at, verb, after }: Step): void {
  const origin = after?.body.origin;
  if (verb !== 'add' || !after || !origin || isManual(origin.slot)) return;
  ledger.count('slots');
  const fail = (text: string) => ledger.violate('G11', `slot ${origin.slot.id} of ${origin.scheduleId}: ${text}`);
  const siblings = ledger.instances(origin.scheduleId).filter(({ body }) => body.origin && !isManual(body.origin.slot));
  const ofGeneration = siblings.filter(({ body }) => body.origin?.generation === origin.generation);
  const isSetBack = ledger.incidents.some(({ jumpMs = 0 }) => jumpMs < 0);
  const rising = ledger.stored.get(origin.scheduleId)?.body.rule?.trigger.kind !== 'fixed-delay' || !isSetBack;
  if (rising && ofGeneration.some(({ body }) => (body.origin?.slot.at ?? 0) >= origin.slot.at))
    fail('comes after a slot that is not earlier');
  const last = ofGeneration.at(-1);
  const expected = last ? (last.body.origin?.slot.run ?? 0) + (last.status.state === 'skipped' ? 0 : 1) : 1;
  const isFresh = last !== undefined || origin.generation === 1;
  if (isFresh && origin.slot.run !== expected)
    fail(`is run ${origin.slot.run} of its schedule, and run ${expected} was to come`);
  const schedule = ledger.stored.get(origin.scheduleId);
  if (!schedule) return fail('its schedule is not there');
  const rule = schedule.body.rule;
  if (rule && schedule.status.generation === origin.generation && !isOnGrid(rule.trigger, origin.slot.at))
    fail('is no fire time of its rule');
  if (origin.generation < (schedule.status.generation ?? 1)) {
    // Its inserter finds that out next and takes it back, as do others that find it waiting.
    ledger.doomed.set(after.jobId, at);
    return;
  }
  const open = siblings.find(
    (sibling) => !isOver(sibling) && !(sibling.status.state === 'waiting' && ledger.doomed.has(sibling.jobId)),
  );
  if (rule?.relyOnPrevCycle && open) fail(`was inserted while ${open.jobId} is ${open.status.state}`);
}

/** After a calm time: what does not run is suspended with its schedule, and only with it. */
export function checkInLine(ledger: Ledger): void {
  for (const { jobId, body, status } of ledger.stored.values()) {
    if (!body.origin || isManual(body.origin.slot)) continue;
    ledger.count('instances-in-line');
    const schedule = ledger.stored.get(body.origin.scheduleId);
    const isHeld = schedule?.status.state === 'suspended';
    const has = schedule ? `its schedule is ${schedule.status.state}` : 'its schedule is gone';
    if (status.state === 'suspended' && !isHeld) ledger.violate('G11', `${jobId} is still suspended, and ${has}`);
    // One that has run before waits for a retry: it was executing when its schedule was suspended.
    if (status.state === 'waiting' && status.attempt === 0 && isHeld)
      ledger.violate('G11', `${jobId} still waits, and ${has}`);
    if (schedule && (status.state === 'waiting' || status.state === 'suspended') && !isOver(schedule)) {
      const { generation = 1 } = schedule.status;
      if (body.origin.generation < generation)
        ledger.violate('G11', `${jobId} is ${status.state}, and its rule is gone`);
    }
  }
}

function everyMs(trigger: PeriodicTrigger): number | undefined {
  if (trigger.kind === 'repeat') return trigger.intervalMs;
  return trigger.kind === 'cron' ? cronEveryMs[trigger.expression] : undefined;
}

function isOnGrid(trigger: PeriodicTrigger, at: number): boolean {
  const every = everyMs(trigger);
  return every === undefined || (at - (trigger.kind === 'repeat' ? trigger.firstAt : 0)) % every === 0;
}

/** At the end: what lies between two slots was counted as skipped. */
export function checkSlots(ledger: Ledger): void {
  for (const steps of ledger.steps.values()) {
    const schedule = steps.at(-1)?.after;
    const rule = schedule?.body.rule;
    const wasTouched = steps.some(
      ({ after }) => after?.status.state === 'suspended' || (after?.status.generation ?? 1) > 1,
    );
    if (schedule && rule && !wasTouched) checkGaps(ledger, schedule, everyMs(rule.trigger));
  }
}

function checkGaps(ledger: Ledger, schedule: JobRecord, every: number | undefined): void {
  const slots = ledger
    .instances(schedule.jobId)
    .flatMap(({ body }) => (body.origin && !isManual(body.origin.slot) ? [body.origin.slot] : []));
  if (every === undefined) return;
  // The last gap may be one that the end of the schedule came before it could be counted.
  const gaps = slots
    .slice(1, -1)
    .map((slot, i) => Math.min(countedMax, Math.round((slot.at - (slots[i] as Slot).at) / every) - 1));
  const missing = gaps.reduce((sum, gap) => sum + gap, 0);
  const counted = schedule.status.skipped ?? 0;
  if (missing > counted) ledger.violate('G11', `${schedule.jobId} passed over ${missing} slots and counted ${counted}`);
}
