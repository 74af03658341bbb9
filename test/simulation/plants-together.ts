/** Bugs that only several trackers on one store can have. */
import { slotAfter } from '../../src/job/schedule.js';
import type { JobQueue } from '../../src/ports/job-queue.js';
import type { Leases } from '../../src/ports/leases.js';
import { calmStore } from '../../src/testing/faults.js';
import { insidesOf } from './plant-insides.js';
import type { Plan } from './swarm.js';
import type { Plant } from './world.js';

/** Several trackers that come and go. */
const together = (drawn: Plan): Partial<Plan> => ({
  trackers: 3,
  mastership: 'all',
  incidents: { ...drawn.incidents, 'tracker-crash': 10_000, 'tracker-freeze': 10_000 },
  outageMs: { min: 500, max: 20_000 },
});

export const plantsTogether: readonly Plant[] = [
  {
    // The slot that follows is computed by whoever needs it, from its own now, instead of once.
    name: 'trackers-compute-different-slots',
    seenAs: ['was inserted while', 'was to come', 'comes after a slot', 'passed over'],
    plan: (drawn) => ({ ...together(drawn), deeds: { ...drawn.deeds, schedule: 6 }, schedulesMax: 8 }),
    tracker: (role, _, { clock }) => {
      const { schedules } = insidesOf(role);
      schedules.withNextSlot = async ({ body: { rule }, status: { slot } }, instance) => {
        const now = clock.wallMs();
        const following = rule && slot && slotAfter(rule, slot, { nowMs: now, endedAtMs: now, catchUpToMs: undefined });
        return {
          ...instance,
          status: { ...instance.status, nextSlot: following?.next ?? null, skipped: following?.skipped ?? 0 },
        };
      };
    },
  },
  {
    // A tracker that was held up answers for a session that another has killed, and nobody looks at dead ones again.
    name: 'claim-of-a-frozen-tracker-stays',
    seenAs: ['never ended'],
    plan: (drawn) => ({
      ...together(drawn),
      incidents: { 'tracker-freeze': 4_000, 'worker-crash': 6_000 },
      outageMs: { min: 5_000, max: 40_000 },
      jobStore: { ...calmStore, latencyMs: { min: 50, max: 3_000 } },
    }),
    tracker: (role) => {
      const { dispatch, rescue } = insidesOf(role);
      dispatch.replyTo = async (_, jobs) => ({ answer: 'ok', jobs });
      rescue.sweep = async () => {};
      rescue.survey.clearUp = async () => {};
    },
  },
  {
    // Who takes a session over believes that what it did not claim itself never arrived.
    name: 'takeover-gives-back-what-runs',
    seenAs: ['given back as if', 'after it had been given back', 'and it was given back'],
    plan: (drawn) => ({ ...together(drawn), jobs: { ...drawn.jobs, slow: 6 } }),
    tracker: (role) => {
      const { rescue, sessions } = insidesOf(role);
      const takeOver = rescue.takeOver.bind(rescue);
      rescue.takeOver = async (id, runIds) => {
        await takeOver(id, runIds);
        const session = sessions.find(id);
        if (session) await rescue.fallen.giveBack(session, [...session.claims.keys()]);
      };
    },
  },
  {
    // Another tracker's sessions are judged by the first beat that does not come in time.
    name: 'silence-is-judged-too-early',
    seenAs: ['nothing had happened', 'was well at'],
    plan: (drawn) => ({ ...together(drawn), incidents: {} }),
    tracker: (role, _, { clock }) => {
      const { rescue, sessions } = insidesOf(role);
      rescue.survey.judge = async ({ lease, sinceMono }) => {
        const isForeign = lease.state === 'alive' && !sessions.find(lease.session);
        if (isForeign && clock.monoMs() - sinceMono > 3_000) await rescue.fallen.end(lease, 'it is late');
      };
    },
  },
  {
    // A hint that a job has changed is taken for news of its end, instead of a reason to look.
    name: 'hint-is-believed',
    seenAs: ['must be alone', 'a second suspect'],
    plan: (drawn) => ({
      ...together(drawn),
      incidents: {},
      jobs: { ...drawn.jobs, plain: 1, slow: 10, poison: 8 },
      deeds: { ...drawn.deeds, submit: 10, cancel: 10 },
      deedEveryMs: 800,
      workers: drawn.workers.map((worker) => ({ ...worker, workThreads: 8 })),
    }),
    tracker: (role) => {
      const insides = insidesOf(role);
      insides.hints.hear = async ({ changed }) => {
        for (const jobId of changed) {
          const session = insides.sessions.holderOf(jobId);
          for (const runId of [...(session?.claims.keys() ?? [])]) session?.release(jobId, runId);
        }
        return {};
      };
    },
  },
  {
    // A session is killed for what was seen of it a while ago, though it has beaten or moved since.
    name: 'kill-without-compare',
    seenAs: ['was well at', 'nothing had happened'],
    plan: (drawn) => ({
      ...together(drawn),
      incidents: { 'worker-disconnect': 6_000 },
      outageMs: { min: 18_000, max: 24_000 },
      jobStore: { ...calmStore, latencyMs: { min: 50, max: 9_000 } },
      isStoreUnordered: true,
      jobs: { ...drawn.jobs, slow: 8 },
    }),
    leases: (inner) =>
      new Proxy(inner, {
        get: (target, name) => (name === 'kill' ? killAnyhow(target) : Reflect.get(target, name)),
      }),
  },
  {
    // The instance of a slot is named by who inserts it, so that each of two masters inserts its own.
    name: 'two-masters-fire-twice',
    seenAs: ['comes after a slot that is not earlier', 'was inserted while', 'was to come'],
    plan: (drawn) => ({ ...together(drawn), deeds: { ...drawn.deeds, schedule: 6 }, schedulesMax: 8 }),
    queue: (inner, _, { life }) =>
      new Proxy(inner, {
        get: (target, name) => (name === 'add' ? addOwn(target, life.name) : Reflect.get(target, name)),
      }),
  },
  {
    // A tracker that was held up or cut off judges as soon as it is back.
    name: 'judges-right-after-its-own-outage',
    seenAs: ['within a lease of its own'],
    plan: (drawn) => ({
      ...together(drawn),
      incidents: { 'network-down': 12_000, 'tracker-freeze': 8_000, 'trackers-crash': 30_000 },
      outageMs: { min: 25_000, max: 45_000 },
      jobs: { ...drawn.jobs, slow: 6 },
    }),
    tracker: (role) => {
      insidesOf(role).rescue.grace.begin = () => {};
    },
  },
  {
    // Nobody looks, after the insert of a slot, whether its schedule was changed meanwhile.
    name: 'slot-of-a-changed-schedule-stays',
    seenAs: ['after its schedule had been', 'was inserted while', 'never ended'],
    plan: (drawn) => ({
      ...together(drawn),
      incidents: {},
      crashes: { tracker: never, worker: never, client: never },
      deeds: { ...drawn.deeds, schedule: 5, edit: 10, cancel: 4, suspend: 4, resume: 4 },
      schedulesMax: 12,
      deedEveryMs: 800,
      jobStore: { ...calmStore, latencyMs: { min: 1, max: 400 } },
      isStoreUnordered: true,
    }),
    tracker: (role) => {
      insidesOf(role).schedules.confirm = async () => {};
    },
  },
];

const never = { beforeRate: 0, afterRate: 0 };

/** As if nothing had been seen of the session but its name. */
const killAnyhow =
  (leases: Leases): Leases['kill'] =>
  async (seen) => {
    const now = (await leases.list()).find(({ session }) => session === seen.session);
    return leases.kill(now ?? seen);
  };

const addOwn =
  (queue: JobQueue, who: string): JobQueue['add'] =>
  (records) =>
    queue.add(records.map((record) => (record.body.origin ? { ...record, jobId: `${record.jobId}@${who}` } : record)));
