/** Random verbs for the JobQueue port, with their arguments: what the model answers, every adapter must answer. */
import fc from 'fast-check';
import { type JobRecord, withStatus } from '../../src/job/job.js';
import type { ListRequest } from '../../src/job/listing.js';
import type { JobQueue, PurgeRequest } from '../../src/ports/job-queue.js';
import { aRecord, aSchedule } from '../helpers/records.js';

type Verb = (queue: JobQueue) => Promise<unknown>;
/** `verb` does nothing for the step `reopen`: the store is to be closed and opened again. */
export interface Step {
  readonly name: string;
  readonly verb: Verb;
}

const jobIds = Array.from({ length: 24 }, (_, i) => `J${i}`);
const oneOf = <const T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const jobId = fc.constantFrom(...jobIds);
const group = oneOf('g', 'g', 'h');
const at = fc.integer({ min: 1, max: 8 });
const maybe = <const T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

const rarely = <const T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** Late enough for most of what waits. */
const late = fc.oneof(at, oneOf(8));

const body = fc.record({
  nodeGroup: group,
  taskId: rarely(oneOf('t1', 't2', 't3')),
  submitNodeGroup: maybe(oneOf('c', 'd')),
  lane: oneOf('', '', 'a', 'b'),
  priority: oneOf(100, 1, -1),
  expireAt: rarely(at),
  needFeedback: fc.boolean(),
});
const status = fc.record({
  dueAt: at,
  losses: oneOf(0, 0, 0, 2, 3),
  isAlone: maybe(oneOf(true)),
  aliases: maybe(fc.uniqueArray(oneOf('R1', 'R2', 'R3'), { maxLength: 2 })),
  feedbackAt: maybe(at),
});
const run = fc.record({ runId: oneOf('r1', 'r2'), session: oneOf('s1', 's2'), claimedAt: at });
const state = oneOf(
  'waiting',
  'waiting',
  'waiting',
  'waiting',
  'executing',
  'suspended',
  'succeeded',
  'failed',
  'cancelled',
);

const record = fc
  .record({ jobId, body, status, run, state, isSchedule: oneOf(false, false, false, true) })
  .map(({ isSchedule, ...fields }) => {
    const state = isSchedule && fields.state === 'executing' ? 'waiting' : fields.state;
    const { isAlone, aliases, dueAt, losses, feedbackAt } = fields.status;
    const isEnded = !['waiting', 'executing', 'suspended'].includes(state);
    const change = {
      jobId: fields.jobId,
      ...fields.body,
      ...{ isAlone, aliases: ownAliases(fields.jobId, aliases), dueAt, losses, state },
      ...(state === 'executing' ? fields.run : {}),
      ...(isEnded ? { endedAt: dueAt, feedbackAt } : {}),
    };
    return plain(isSchedule ? aSchedule(change) : aRecord(change));
  }) satisfies fc.Arbitrary<JobRecord>;

/** A submission replaces one record only, so no two records share an alias. */
const ownAliases = (jobId: string, aliases: readonly string[] | undefined): string[] | undefined =>
  aliases?.map((alias) => `${alias}-${jobId}`);

/** Without absent fields, as a record comes from the wire. */
const plain = (value: JobRecord): JobRecord => JSON.parse(JSON.stringify(value)) as JobRecord;

const add = fc.array(record, { minLength: 1, maxLength: 8, size: 'max' }).map((records): Step => {
  return { name: `add ${JSON.stringify(records)}`, verb: (queue) => queue.add(records) };
});

const claim = fc
  .record({
    nodeGroup: group,
    max: oneOf(1, 2, 5),
    bytesMax: oneOf(1, 1_000, 1_000_000, 1_000_000),
    now: late,
    suspects: oneOf('none', 'one', 'alone'),
    run,
  })
  .map(({ run, ...rest }): Step => {
    const request = { ...rest, runId: run.runId, session: run.session };
    return { name: `claim ${JSON.stringify(request)}`, verb: (queue) => queue.claim(request) };
  });

/** Reads a record and writes what may follow; `isStale` writes it twice, so that the second one must miss. */
const update = fc
  .record({ jobId, state, status, run, at, isStale: oneOf(false, false, true), body: maybe(body) })
  .map(({ jobId, isStale, ...fields }): Step => {
    const verb: Verb = async (queue) => {
      const [before] = await queue.get([jobId]);
      if (!before) return undefined;
      const change = { before, after: plain(following(before, fields)) };
      return queue.update(isStale ? [change, change] : [change]);
    };
    return { name: `update ${jobId} ${JSON.stringify(fields)}`, verb };
  });

interface Following {
  readonly state: JobRecord['status']['state'];
  readonly status: Pick<JobRecord['status'], 'dueAt' | 'losses' | 'isAlone' | 'aliases' | 'feedbackAt'>;
  readonly run: object;
  readonly at: number;
  readonly body: Partial<JobRecord['body']> | undefined;
}

function following(before: JobRecord, { state, status, run, at, body }: Following): JobRecord {
  const isSchedule = before.body.rule !== undefined;
  const next = isSchedule && state === 'executing' ? 'suspended' : state;
  const isEnded = !['waiting', 'executing', 'suspended'].includes(next);
  const { feedbackAt, aliases, ...rest } = status;
  const free = { runId: undefined, session: undefined, endedAt: undefined, feedbackAt: undefined };
  const after = withStatus(before, {
    ...rest,
    ...free,
    aliases: ownAliases(before.jobId, aliases),
    state: next,
    ...(next === 'executing' ? run : {}),
    ...(isEnded ? { endedAt: at, feedbackAt } : {}),
  });
  return body ? { ...after, body: { ...before.body, ...body } } : after;
}

const listRequest: fc.Arbitrary<ListRequest> = fc.record({
  states: maybe(fc.uniqueArray(state, { maxLength: 3 })),
  nodeGroup: maybe(group),
  taskId: maybe(oneOf('t1', 't2')),
  schedules: maybe(fc.boolean()),
  limit: oneOf(1, 3, 100),
});

const list = listRequest.map((request): Step => {
  const verb: Verb = async (queue) => {
    const found: JobRecord[] = [];
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
      const page = await queue.list({ ...request, cursor });
      found.push(...page.records);
      cursor = page.cursor;
    }
    return found;
  };
  return { name: `list ${JSON.stringify(request)}`, verb };
});

const purge = fc
  .record({ endedBefore: at, keepMax: oneOf(0, 2, 100), keepAfter: at, max: oneOf(1, 3, 100), kept: jobId })
  .map(({ kept, ...request }): Step => {
    const isKept = (candidate: JobRecord): boolean => candidate.jobId === kept;
    return {
      name: `purge ${JSON.stringify(request)}`,
      verb: (queue) => queue.purge(request satisfies PurgeRequest, isKept),
    };
  });

const look = fc.record({ group, at, max: oneOf(1, 3, 100) }).map(({ group, at, max }): Step => {
  const verb: Verb = async (queue) => ({
    got: await queue.get([...jobIds, 'R1-J1', 'R2-J1', 'R3-J2']),
    counts: await queue.count(),
    open: await queue.findOpen(group, 't1'),
    next: await queue.nextDueAt({ nodeGroup: group, after: at }),
    schedules: await queue.dueSchedules(at, max),
    sessions: await queue.sessions(),
    runs: await queue.runsOf('s1'),
    owed: [await queue.owedGroups(), await queue.owedFeedback('c', at, max)],
  });
  return { name: `look ${group} ${at} ${max}`, verb };
});

const reopen = fc.constant<Step>({ name: 'reopen', verb: () => Promise.resolve() });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: add },
  { weight: 5, arbitrary: claim },
  { weight: 8, arbitrary: update },
  { weight: 2, arbitrary: list },
  { weight: 1, arbitrary: purge },
  { weight: 2, arbitrary: look },
  { weight: 1, arbitrary: reopen },
);

/** Without absent fields. */
export const plainAnswer = (answer: unknown): unknown => JSON.parse(JSON.stringify([answer]));

/** Long enough for lanes, conflicts and misses to meet. */
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });
