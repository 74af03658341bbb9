/** Bugs that only several trackers on one store can have. */
import { slotAfter } from '../../src/job/schedule.js';
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
];
