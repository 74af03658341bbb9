/**
 * Bugs that the simulator must find. They are planted from outside, around the ports or into a built role, so that product
 * code has no switches for them; each says which line of the product it stands for.
 */

import type { JobRecord, JobStatus } from '../../src/job/job.js';
import type { Change, JobQueue, PurgeRequest } from '../../src/ports/job-queue.js';
import { calmStore } from '../../src/testing/faults.js';
import { insidesOf } from './plant-insides.js';
import { plantsTogether } from './plants-together.js';
import type { Plan } from './swarm.js';
import type { Plant, World } from './world.js';

/** The same queue with some verbs replaced. */
function worse(inner: JobQueue, replaced: Partial<JobQueue>): JobQueue {
  return new Proxy(inner, {
    get(target, name) {
      const method: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}

/** Changes what every update is about to write. */
function rewriting(inner: JobQueue, rewrite: (change: Change) => JobStatus): JobQueue {
  const update: JobQueue['update'] = (changes) =>
    inner.update(
      changes.map((change) => ({ before: change.before, after: { ...change.after, status: rewrite(change) } })),
    );
  return worse(inner, { update });
}

const often = { beforeRate: 0.004, afterRate: 0.004 };
const busyTracker = ({ crashes, deeds }: Plan): Partial<Plan> => ({
  crashes: { ...crashes, tracker: { beforeRate: 0.01, afterRate: 0.02 } },
  deeds: { ...deeds, schedule: 4 },
  schedulesMax: 6,
  outageMs: { min: 100, max: 3_000 },
});

const plantsAnywhere: readonly Plant[] = [
  {
    // A report is applied to whichever run is the current one.
    name: 'no-fence-on-settle',
    seenAs: ['no run returned success', 'which was not current', 'its run ended with'],
    plan: ({ jobs }) => ({
      incidents: { 'worker-freeze': 8_000, 'worker-disconnect': 8_000 },
      outageMs: { min: 5_000, max: 40_000 },
      jobs: { ...jobs, slow: 6, retrying: 6 },
    }),
    tracker: (role, world) => {
      const { settle } = insidesOf(role);
      const verdicts = settle.verdicts.bind(settle);
      settle.verdicts = (reports) =>
        verdicts(
          reports.map((report) => ({
            ...report,
            runId: world.ledger.stored.get(report.jobId)?.status.runId ?? report.runId,
          })),
        );
    },
  },
  {
    name: 'answer-before-commit',
    seenAs: ['before it was committed', 'is nowhere'],
    plan: ({ crashes }) => ({ crashes: { ...crashes, tracker: often } }),
    queue: (inner, world, ports) =>
      worse(inner, {
        add: async (records) => {
          world.time.schedule(20, () => {
            if (ports.life.isAlive) void inner.add(records);
          });
          return records.map((record) => ({ kind: 'added', record }));
        },
      }),
  },
  {
    name: 'losses-not-counted',
    seenAs: ['the loss was not counted', 'given back as if'],
    queue: (inner) =>
      rewriting(inner, ({ before, after }) => {
        if (after.status.losses <= before.status.losses) return after.status;
        return {
          ...after.status,
          losses: before.status.losses,
          state: 'waiting',
          endedAt: undefined,
          reason: undefined,
          feedbackAt: undefined,
        };
      }),
  },
  {
    name: 'poison-convicts-its-neighbours',
    seenAs: ['was convicted in'],
    plan: ({ jobs, workers }) => ({
      jobs: { ...jobs, poison: 4, slow: 4 },
      workers: workers.map((worker) => ({ ...worker, workThreads: 8 })),
    }),
    queue: (inner, _, { clock }) =>
      rewriting(inner, ({ before, after }) => {
        const isThird = after.status.losses > before.status.losses && after.status.losses >= 3;
        if (!isThird || after.status.state !== 'waiting') return after.status;
        return { ...after.status, state: 'failed', reason: 'lost', endedAt: clock.wallMs(), isAlone: undefined };
      }),
  },
  {
    name: 'lost-pull-reply-is-a-loss',
    seenAs: ['was well at', 'nothing had happened'],
    plan: ({ network }) => ({ network: { ...network, dropRate: 0.15, kinds: new Set(['PullJobs']) } }),
    tracker: (role) => {
      const { rescue, settle } = insidesOf(role);
      rescue.fallen.giveBack = async (session, runIds) => {
        const lost = runIds.flatMap((runId) =>
          [...(session.claims.get(runId)?.jobIds ?? [])].map((jobId) => ({
            jobId,
            runId,
            outcome: { kind: 'lost', others: 0 } as const,
          })),
        );
        await settle.verdicts(lost);
      };
    },
  },
  {
    // Marked dead while its claim was being committed; only the repeated rescue finds it.
    name: 'claim-for-a-dead-session-stays',
    seenAs: ['never ended'],
    plan: () => ({
      isStoreUnordered: true,
      incidents: { 'worker-crash': 5_000 },
      jobStore: { ...calmStore, latencyMs: { min: 50, max: 3_000 } },
      outageMs: { min: 100, max: 3_000 },
    }),
    tracker: (role) => {
      const { dispatch, rescue, sessions } = insidesOf(role);
      dispatch.replyTo = async (session, jobs) =>
        session.isOver ? { answer: 'refused', jobs: [] } : { answer: 'ok', jobs };
      rescue.sweep = async () => {};
      rescue.survey.tick = async () => [];
      rescue.end = async (session) => {
        sessions.end(session);
        dispatch.drop(session);
        await rescue.fallen.rescue(session.id);
      };
    },
  },
  {
    // The settle writes what it decided, whatever was written meanwhile.
    name: 'cancel-overwritten-by-settle',
    seenAs: ['was overwritten', 'a cancel was forgotten'],
    plan: ({ deeds, jobs }) => ({
      deeds: { ...deeds, cancel: 8 },
      jobs: { ...jobs, retrying: 8, slow: 4 },
      jobStore: { ...calmStore, latencyMs: { min: 5, max: 400 } },
    }),
    queue: (inner) =>
      worse(inner, {
        update: async (changes) => {
          const current = await inner.get(changes.map(({ before }) => before.jobId));
          return inner.update(changes.map((change, i) => overwriting(change, current[i])));
        },
      }),
  },
  {
    name: 'advance-before-insert',
    seenAs: ['fires no more', 'was to come', 'passed over'],
    plan: busyTracker,
    queue: (inner, world, ports) =>
      worse(inner, {
        add: async (records) => {
          if (!records.every(({ body }) => body.origin)) return inner.add(records);
          world.time.schedule(40, () => {
            if (ports.life.isAlive) void inner.add(records);
          });
          return records.map((record) => ({ kind: 'added', record }));
        },
      }),
  },
  {
    // Nobody mends what a crash left between the settle and the next slot.
    name: 'crash-leaves-the-schedule-dead',
    seenAs: ['fires no more'],
    plan: busyTracker,
    tracker: (role) => {
      const { trigger } = insidesOf(role);
      trigger.sweep = async () => {};
    },
  },
  {
    // Nobody mends what a crash left between a schedule and its instances.
    name: 'interrupted-suspend-stays',
    seenAs: ['is still suspended'],
    plan: (drawn) => ({
      ...busyTracker(drawn),
      deeds: { ...drawn.deeds, schedule: 6, edit: 4, suspend: 10, resume: 7 },
      deedEveryMs: 800,
    }),
    tracker: (role) => {
      insidesOf(role).trigger.alignSuspended = async () => {};
    },
  },
  {
    // Slots are known by the user's key instead of by the schedule's own id.
    name: 'cancelled-schedule-never-fires-again',
    seenAs: ['fires no more', 'was to come'],
    plan: ({ deeds }) => ({ deeds: { ...deeds, submit: 3, schedule: 5, cancel: 5 }, schedulesMax: 10 }),
    queue: (inner, world) =>
      worse(inner, {
        add: async (records) => {
          const outcomes = await inner.add(records.filter((record) => !twinOf(world, record)));
          return records.map((record) => {
            const twin = twinOf(world, record);
            return (
              outcomes.find((outcome) => outcome.record.jobId === record.jobId) ?? {
                kind: 'same',
                record: twin ?? record,
              }
            );
          });
        },
      }),
  },
  {
    name: 'resent-result-is-refused',
    seenAs: ['though it had been applied'],
    tracker: (role, world) => {
      const { settle } = insidesOf(role);
      const verdicts = settle.verdicts.bind(settle);
      settle.verdicts = async (reports) => {
        const known = reports.map(({ jobId, runId }) => world.ledger.stored.get(jobId)?.status.lastRunId === runId);
        return (await verdicts(reports)).map((answer, i) => (known[i] ? 'stale' : answer));
      };
    },
  },
  {
    name: 'resent-replace-runs-twice',
    seenAs: ['became a job of its own'],
    plan: ({ deeds, jobs }) => ({ deeds: { ...deeds, resubmit: 8 }, jobs: { ...jobs, keyed: 6, replacing: 12 } }),
    queue: (inner) =>
      rewriting(inner, ({ after }) =>
        after.status.endedAt === undefined ? after.status : { ...after.status, aliases: undefined },
      ),
  },
  {
    name: 'lease-by-the-wall-clock',
    seenAs: ['nothing had happened', 'overlaps with'],
    plan: ({ network }) => ({
      incidents: { 'wall-jump': 8_000, 'store-clock-set': 8_000 },
      network: { ...network, dropRate: 0, slowRate: 0 },
    }),
    tracker: (role, _, { clock }) => {
      const { sessions, rescue } = insidesOf(role);
      const until = new Map<string, number>();
      const renewed = (id: string) => until.set(id, clock.wallMs() + 30_000);
      const begin = sessions.begin.bind(sessions);
      const renew = sessions.renew.bind(sessions);
      const watch = rescue.watch.bind(rescue);
      sessions.begin = (info, moves) => {
        renewed(info.session);
        return begin(info, moves);
      };
      sessions.renew = (id, runIds) => {
        renewed(id);
        return renew(id, runIds);
      };
      rescue.watch = (session, now) =>
        (until.get(session.id) ?? Number.POSITIVE_INFINITY) < clock.wallMs()
          ? rescue.end(session, 'its lease ended')
          : watch(session, now);
    },
  },
  {
    // What a schedule goes on from is removed with the rest.
    name: 'retention-before-the-advance',
    seenAs: ['before its schedule had gone past'],
    plan: (drawn) => ({ ...busyTracker(drawn), keepEndedMs: 0 }),
    ignored: ['ten minutes'],
    tracker: (role, world, { clock }) => {
      const { trigger } = insidesOf(role);
      const sweep = trigger.sweep.bind(trigger);
      trigger.sweep = async () => {
        const now = clock.wallMs();
        const request: PurgeRequest = { endedBefore: now, keepMax: 0, keepAfter: now, max: 1_000 };
        await world.queue.purge(request);
        await sweep();
      };
    },
  },
  {
    name: 'feedback-cleared-before-delivery',
    seenAs: ['nobody got the feedback'],
    queue: (inner) =>
      rewriting(inner, ({ before, after }) =>
        before.status.state === 'executing' ? { ...after.status, feedbackAt: undefined } : after.status,
      ),
    plan: ({ network }) => ({ needFeedbackRate: 1, network: { ...network, dropRate: 0.1 } }),
  },
  {
    name: 'retries-not-counted',
    seenAs: ['its run had ended, and it was given back', 'more retries', 'never ended'],
    queue: (inner) =>
      rewriting(inner, ({ before, after }) => ({ ...after.status, retryTimes: before.status.retryTimes })),
  },
  {
    // The worker goes on as if nothing were when its lease is over.
    name: 'runs-go-on-without-a-lease',
    seenAs: ['cut off for its whole lease'],
    plan: ({ jobs }) => ({
      incidents: { 'worker-disconnect': 15_000 },
      outageMs: { min: 33_000, max: 50_000 },
      jobs: { ...jobs, slow: 12 },
    }),
    worker: (role) => {
      (role as unknown as { onLost(): void }).onLost = () => {};
    },
  },
  {
    name: 'claims-too-early',
    seenAs: ['before it was due'],
    queue: (inner) => worse(inner, { claim: (request) => inner.claim({ ...request, now: request.now + 500 }) }),
  },
];

function overwriting({ before, after }: Change, current: JobRecord | undefined): Change {
  if (!current || before.status.state !== 'executing' || current.status.state !== 'executing') return { before, after };
  return { before: current, after: { ...after, status: { ...after.status, rev: current.status.rev + 1 } } };
}

/** An instance of another schedule of the same user's key with the same slot. */
function twinOf(world: World, { jobId, body }: JobRecord): JobRecord | undefined {
  if (!body.origin || body.taskId === undefined) return undefined;
  return [...world.ledger.stored.values()].find(
    (other) =>
      other.jobId !== jobId && other.body.taskId === body.taskId && other.body.origin?.slot.id === body.origin?.slot.id,
  );
}

export const plants: readonly Plant[] = [...plantsAnywhere, ...plantsTogether];
