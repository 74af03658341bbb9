/**
 * Keeps a periodic job going. A schedule record names its current slot; a slot becomes an instance with the id
 * f(schedule, generation, slot), so that inserting it twice is harmless. Order, each step idempotent:
 *
 *   settle the instance, storing the slot that follows  ->  insert that slot's instance  ->  advance the schedule
 *
 * Whoever finds a schedule between two of these steps (settle, sweep, a repeated report) goes on from there with the stored
 * slot, so that no two ever compute different ones. Instances that do not run are cancelled, suspended, resumed and replaced with
 * their schedule; where that was interrupted between the two, the sweep brings them in line with the schedule as it is.
 */
import { ended } from '../../job/ending.js';
import type { JobRecord, JobState, Slot } from '../../job/job.js';
import { isEnded, newStatus, withStatus } from '../../job/job.js';
import type { ListRequest } from '../../job/listing.js';
import { instanceId, slotAfter } from '../../job/schedule.js';
import type { JobQueue } from '../../ports/job-queue.js';
import type { TrackerParts } from '../tracker-ports.js';
import type { JobWrites } from './writes.js';

/** What follows an instance: null ends the schedule. */
export interface Following {
  readonly nextSlot: Slot | null;
  readonly skipped: number;
}

const none: ReadonlyMap<string, Following> = new Map();

const pageMax = 200;

/** Steps that one call takes along a schedule; the sweep takes the rest. */
const stepsMax = 20;

export class Schedules {
  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
  ) {}

  /** For those instances whose end makes their schedule go on: what follows if they end now. */
  async following(instances: readonly JobRecord[]): Promise<ReadonlyMap<string, Following>> {
    if (!instances.some((instance) => instance.body.origin)) return none;
    const origins = new Map(
      instances.flatMap(({ jobId, body: { origin } }) => (origin ? [[jobId, origin] as const] : [])),
    );
    const ids = [...new Set([...origins.values()].map((origin) => origin.scheduleId))];
    const found = await this.parts.ports.queue.get(ids);
    const schedules = new Map(found.flatMap((record) => (record ? [[record.jobId, record] as const] : [])));
    const now = this.parts.ports.clock.wallMs();
    return new Map(
      [...origins].flatMap(([jobId, origin]) => {
        const schedule = schedules.get(origin.scheduleId);
        return schedule && isCurrent(schedule, jobId) ? [[jobId, followingOf(schedule, now)] as const] : [];
      }),
    );
  }

  /** After these instances ended, or went back to waiting under a rule that was changed: their schedules go on. */
  async follow(instances: readonly JobRecord[]): Promise<void> {
    await Promise.all(
      instances.map(async ({ jobId, body: { origin }, status }) => {
        if (!origin) return;
        const [schedule] = await this.parts.ports.queue.get([origin.scheduleId]);
        const isOlder = schedule !== undefined && origin.generation !== schedule.status.generation;
        if (schedule && (isOlder || (isEnded(status.state) && isCurrent(schedule, jobId)))) await this.open(schedule);
      }),
    );
  }

  /**
   * After a schedule was made, changed or resumed. One that relies on the previous cycle comes to its rest: an open instance for
   * its current slot. Independent slots are fired by time; those that exist are brought in line.
   */
  async open(schedule: JobRecord): Promise<void> {
    if (!schedule.body.rule?.relyOnPrevCycle) return this.alignAll(schedule);
    let current: JobRecord | undefined = schedule;
    for (let step = 0; step < stepsMax && current; step++) {
      const { state, slot } = current.status;
      if (state !== 'waiting' || !slot) return;
      if (await this.isHeld(current)) return;
      const [outcome] = await this.writes.add([instanceOf(current, slot, slot.at)]);
      if (!outcome) return;
      if (outcome.kind === 'added') return this.confirm(current, outcome.record);
      if (outcome.record.status.state === 'suspended') return this.align(outcome.record);
      if (!isEnded(outcome.record.status.state)) return;
      current = await this.advance(current, outcome.record);
    }
  }

  /** Brings all instances of a schedule that do not run in line with it. */
  async alignAll(schedule: JobRecord): Promise<void> {
    const found = await this.parts.ports.queue.get(instanceIdsOf(schedule));
    const now = this.parts.ports.clock.wallMs();
    const instances = found.filter((instance) => instance !== undefined);
    const off = instances.filter((instance) => aligned(instance, schedule, now));
    await Promise.all(off.map((instance) => this.align(instance)));
  }

  /**
   * Brings one instance in line with its schedule, where a suspend, a resume or a change was interrupted between the two; again if
   * the schedule has changed meanwhile, until nothing is left to do.
   */
  async align({ jobId, body: { origin } }: JobRecord): Promise<void> {
    if (!origin) return;
    let isChanged = true;
    for (let step = 0; step < stepsMax && isChanged; step++) {
      const [schedule] = await this.parts.ports.queue.get([origin.scheduleId]);
      isChanged = false;
      await this.writes.change(jobId, (instance) => {
        const after = aligned(instance, schedule, this.parts.ports.clock.wallMs());
        isChanged = after !== undefined;
        return after;
      });
    }
  }

  /** What waits is suspended, whatever its schedule is; what runs, runs on. */
  async suspendAll(jobIds: readonly string[]): Promise<void> {
    await Promise.all(
      jobIds.map((jobId) =>
        this.writes.change(jobId, (record) =>
          record.status.state === 'waiting' ? withStatus(record, { state: 'suspended' }) : undefined,
        ),
      ),
    );
  }

  /** Ends an instance that is not running; a running one is left to end by itself. */
  async withdraw(jobId: string): Promise<JobRecord | undefined> {
    const now = this.parts.ports.clock.wallMs();
    return this.writes.change(jobId, (record) => (isIdle(record) ? withdrawn(record, now) : undefined));
  }

  /** Stores a slot's instance; the same slot again changes nothing. */
  async fire(schedule: JobRecord, slot: Slot, dueAt = slot.at): Promise<JobRecord | undefined> {
    const [outcome] = await this.writes.add([instanceOf(schedule, slot, dueAt)]);
    return outcome?.record;
  }

  /**
   * A slot that nobody could fire gets its record too, ended as skipped: of rivals that judge it differently the first one decides.
   * Answers the record as it is.
   */
  async skip(schedule: JobRecord, slot: Slot): Promise<JobRecord | undefined> {
    const message = `missed at ${new Date(slot.at).toISOString()}`;
    const skipped = ended(instanceOf(schedule, slot, slot.at), {
      state: 'skipped',
      now: this.parts.ports.clock.wallMs(),
      message,
    });
    const [outcome] = await this.writes.add([{ ...skipped, status: { ...skipped.status, rev: 1 } }]);
    return outcome?.record;
  }

  async withdrawAll(jobIds: readonly string[]): Promise<(JobRecord | undefined)[]> {
    return Promise.all(jobIds.map((jobId) => this.withdraw(jobId)));
  }

  /** Every instance of the schedule that may be open: what a new generation must wait for. */
  async holders(schedule: JobRecord): Promise<string[]> {
    const { heldBy = [], slot, generation } = schedule.status;
    if (!slot || generation === undefined) return [];
    return [...(await this.stillOpen(heldBy)), instanceId(schedule.jobId, generation, slot.id)];
  }

  /** Of those that ended, what may have followed them: nobody may have noted it yet. */
  private async stillOpen(jobIds: readonly string[]): Promise<string[]> {
    const records = (await this.parts.ports.queue.get(jobIds)).filter((record) => record !== undefined);
    return records.flatMap((record) => (isEnded(record.status.state) ? successorOf(record) : [record.jobId]));
  }

  /**
   * Instances of older generations that still run go before the new generation's first; waiting ones are withdrawn. One that
   * ended may have been followed, in the moment of the change, by an instance that nobody noted: it counts too.
   */
  private async isHeld(schedule: JobRecord): Promise<boolean> {
    let jobIds = schedule.status.heldBy ?? [];
    for (let step = 0; step < stepsMax && jobIds.length > 0; step++) {
      const older = (await this.withdrawAll(jobIds)).filter((record) => record !== undefined);
      if (older.some((record) => !isEnded(record.status.state))) return true;
      jobIds = older.flatMap(successorOf);
    }
    return false;
  }

  /** From an ended instance to the next slot; answers the advanced schedule, or undefined when there is nothing to go on with. */
  private async advance(schedule: JobRecord, instance: JobRecord): Promise<JobRecord | undefined> {
    const end = await this.withNextSlot(schedule, instance);
    const next = end?.status.nextSlot;
    if (!end || next === undefined) return undefined;
    const skipped = (schedule.status.skipped ?? 0) + (end.status.skipped ?? 0);
    if (next === null) {
      const after = ended(schedule, { state: 'succeeded', now: this.parts.ports.clock.wallMs(), skipped });
      await this.writes.update([{ before: schedule, after }]);
      return undefined;
    }
    const inserted = await this.fire(schedule, next);
    const after = withStatus(schedule, { slot: next, skipped, heldBy: undefined });
    const [advanced] = await this.writes.update([{ before: schedule, after }]);
    if (!advanced && inserted) await this.confirm(schedule, inserted);
    return advanced && inserted && isEnded(inserted.status.state) ? advanced : undefined;
  }

  /** Stores what follows an instance that ended without it (expired at dispatch, withdrawn); what is stored already, stays. */
  private async withNextSlot(schedule: JobRecord, instance: JobRecord): Promise<JobRecord | undefined> {
    if (instance.status.nextSlot !== undefined) return instance;
    const following = followingOf(schedule, this.parts.ports.clock.wallMs());
    return this.writes.change(instance.jobId, (record) =>
      record.status.nextSlot === undefined ? withStatus(record, following) : undefined,
    );
  }

  /** Takes an inserted instance back if its schedule was cancelled, suspended or changed meanwhile. */
  async confirm(seen: JobRecord, inserted: JobRecord): Promise<void> {
    const [schedule] = await this.parts.ports.queue.get([seen.jobId]);
    const { state, generation } = schedule?.status ?? {};
    if (state === 'waiting' && generation === seen.status.generation) return;
    await this.withdraw(inserted.jobId);
  }
}

/** All schedules in these states, a page at a time. */
export const schedulePages = (queue: JobQueue, states: readonly JobState[]): AsyncGenerator<readonly JobRecord[]> =>
  pagesOf(queue, { schedules: true, states });

/** All that this request lists, a page at a time. */
export async function* pagesOf(
  queue: JobQueue,
  request: Pick<ListRequest, 'schedules' | 'states'>,
): AsyncGenerator<readonly JobRecord[]> {
  let cursor: string | undefined;
  do {
    const page = await queue.list({ ...request, cursor, limit: pageMax });
    yield page.records;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** The instances that a schedule knows of: of its current slot, whether it was inserted or not, and earlier ones that may be open. */
export const instanceIdsOf = ({ jobId, status: { slot, generation = 1, heldBy = [] } }: JobRecord): string[] =>
  slot ? [instanceId(jobId, generation, slot.id), ...heldBy] : [...heldBy];

const isIdle = ({ status: { state } }: JobRecord): boolean => state === 'waiting' || state === 'suspended';

const withdrawn = (instance: JobRecord, now: number): JobRecord =>
  ended(instance, { state: 'cancelled', now, message: 'its schedule was cancelled, suspended or changed' });

/**
 * An instance that does not run as its schedule wants it; undefined if it is so. One that waits for a retry was executing when its
 * schedule was suspended: it runs on. The last instances of a schedule that is over go on, too.
 */
function aligned(instance: JobRecord, schedule: JobRecord | undefined, now: number): JobRecord | undefined {
  if (!isIdle(instance)) return undefined;
  const { state, attempt } = instance.status;
  if (schedule && isLeftBehind(instance, schedule)) return withdrawn(instance, now);
  if (schedule?.status.state === 'suspended')
    return state === 'waiting' && attempt === 0 ? withStatus(instance, { state: 'suspended' }) : undefined;
  return state === 'suspended' ? withStatus(instance, { state: 'waiting' }) : undefined;
}

/** Its schedule was cancelled, or has another rule by now, or is a one-shot job. */
const isLeftBehind = ({ body: { origin } }: JobRecord, { body, status }: JobRecord): boolean =>
  status.state === 'cancelled' || body.rule === undefined || origin?.generation !== status.generation;

/** The instance of the schedule's current slot is the one whose end makes the schedule go on. */
function isCurrent(schedule: JobRecord, jobId: string): boolean {
  const { slot, generation } = schedule.status;
  if (!schedule.body.rule?.relyOnPrevCycle || !slot || generation === undefined) return false;
  return instanceId(schedule.jobId, generation, slot.id) === jobId;
}

function successorOf({ body: { origin }, status: { nextSlot } }: JobRecord): string[] {
  return origin && nextSlot ? [instanceId(origin.scheduleId, origin.generation, nextSlot.id)] : [];
}

function followingOf(schedule: JobRecord, now: number): Following {
  const { rule } = schedule.body;
  const { slot, catchUpTo } = schedule.status;
  if (!rule || !slot) return { nextSlot: null, skipped: 0 };
  const { next, skipped } = slotAfter(rule, slot, { nowMs: now, endedAtMs: now, catchUpToMs: catchUpTo });
  return { nextSlot: next ?? null, skipped };
}

function instanceOf(schedule: JobRecord, slot: Slot, dueAt: number): JobRecord {
  const generation = schedule.status.generation ?? 1;
  return {
    jobId: instanceId(schedule.jobId, generation, slot.id),
    body: { ...schedule.body, rule: undefined, origin: { scheduleId: schedule.jobId, generation, slot } },
    status: { ...newStatus, dueAt },
  };
}
