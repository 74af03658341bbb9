/** Every command that the job queue sends is served by the index that it names: from its first fields on, without sorting. */
import type { Document } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jobIndexes } from '../../../src/adapters/mongo/jobs/job-queries.js';
import type { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import type { JobState } from '../../../src/job/job.js';
import { settled } from '../../conformance/queue-under-test.js';
import { anEnded, aRecord, aRun, aSchedule, records } from '../../helpers/records.js';
import { type MongoPlace, type OpenPool, withMongo } from './mongo-place.js';

/** What is looked for, in which order, by which index. */
interface Asked {
  readonly command: string;
  readonly filter: Document;
  readonly sort: readonly string[];
  readonly hint: unknown;
  readonly whole: Document;
}

const queryCommands = new Set(['find', 'aggregate', 'distinct']);

function askedBy(command: string, whole: Document): Asked[] {
  if (!queryCommands.has(command) || whole[command] !== 'lts_jobs') return [];
  const filter = whole.filter ?? whole.query ?? whole.pipeline?.[0]?.$match ?? {};
  const sort = whole.sort instanceof Map ? [...whole.sort.keys()] : Object.keys(whole.sort ?? {});
  return [{ command, filter, sort, hint: whole.hint, whole }];
}

/** One of each kind: the same fields and operators, whatever the values. */
function kindOf({ command, filter, sort, hint }: Asked): string {
  const fields = Object.entries(filter).map(([field, wanted]) => `${field} ${operatorsOf(wanted).join('+')}`);
  return `${command} by ${hint}: ${fields.join(', ')}${sort.length > 0 ? `, sorted by ${sort.join(', ')}` : ''}`;
}

const operatorsOf = (wanted: unknown): string[] =>
  typeof wanted === 'object' && wanted !== null ? Object.keys(wanted) : ['$eq'];
const isOneOf = (wanted: unknown): boolean =>
  operatorsOf(wanted).some((operator) => operator === '$eq' || operator === '$in');

/** Why the index cannot serve the query by itself: undefined if it can. */
function whyNotServed({ command, filter, sort, hint }: Asked): string | undefined {
  const byId = Object.keys(filter)[0] === '_id' && hint === undefined;
  if (byId) return undefined;
  // The driver's `distinct` names no index; its field and filter are those of one.
  const name = command === 'distinct' ? indexBeginning(Object.keys(filter)[0] as string) : hint;
  const index = jobIndexes[name as keyof typeof jobIndexes];
  if (!index) return 'no index is named';
  const fields = Object.keys(index.key);
  const fixed = fields.findIndex((field) => !(field in filter && isOneOf(filter[field])));
  const equal = fixed === -1 ? fields.length : fixed;
  if (equal === 0 && !((fields[0] as string) in filter)) return 'the filter does not begin as the index does';
  // A fixed field may be sorted by or not: its order is the same.
  const free = sort.filter((field) => !fields.slice(0, equal).includes(field));
  const isInOrder = free.every((field, i) => field === fields[equal + i]);
  return isInOrder
    ? undefined
    : `sorts by ${free.join(', ')}, the index goes on with ${fields.slice(equal).join(', ')}`;
}

function indexBeginning(field: string): string | undefined {
  return Object.entries(jobIndexes).find(([, { key }]) => Object.keys(key)[0] === field)?.[0];
}

/** Every verb with every kind of argument. */
async function askEverything(queue: MongoJobQueue): Promise<void> {
  const claim = { nodeGroup: 'g', max: 3, bytesMax: 1e6, now: 5_000, runId: 'r1', session: 's1' } as const;
  await queue.claim({ ...claim, suspects: 'alone' });
  await queue.claim({ ...claim, suspects: 'one', runId: 'r2' });
  await queue.claim({ ...claim, suspects: 'none', runId: 'r3' });
  await queue.get(['J0001', 'E0001']);
  await queue.findOpen('g', 't');
  await queue.nextDueAt({ nodeGroup: 'g', after: 0 });
  await queue.dueSchedules(5_000, 10);
  await queue.runsOf((await queue.sessions())[0] ?? '');
  for (const group of await queue.owedGroups()) await queue.owedFeedback(group, 9_000, 10);
  await queue.count();
  const states: (JobState[] | undefined)[] = [
    undefined,
    ['failed'],
    ['waiting', 'suspended'],
    ['executing', 'succeeded'],
  ];
  for (const some of states) {
    for (const rest of [{}, { nodeGroup: 'g' }, { taskId: 't' }, { schedules: true }, { schedules: false }]) {
      let cursor: string | undefined;
      do {
        ({ cursor } = await queue.list({ ...rest, states: some, limit: 7, cursor }));
      } while (cursor !== undefined);
    }
  }
  await queue.purge({ endedBefore: 1_500, keepMax: 0, keepAfter: 1_900, max: 10 });
}

withMongo('the queries', (place: MongoPlace) => {
  const asked = new Map<string, Asked>();
  let pool: OpenPool & { queue: MongoJobQueue };

  beforeAll(async () => {
    const onCommand = (command: string, whole: Document): void => {
      for (const one of askedBy(command, whole)) asked.set(kindOf(one), one);
    };
    pool = await place.queue({ onCommand });
    const { queue } = pool;
    await queue.add([
      ...records(20, { lane: 'a' }, 'A'),
      ...records(20, { lane: 'b', priority: 7 }, 'B'),
      ...records(3, { losses: 2 }, 'S'),
      ...records(2, { losses: 3, isAlone: true }, 'X'),
      ...records(3, { state: 'suspended' }, 'P'),
      ...records(40, { state: 'failed', endedAt: 1_000, submitNodeGroup: 'c', feedbackAt: 1_000 }, 'E'),
      aRecord({ jobId: 'T', taskId: 't', expireAt: 2_000, priority: 1 }),
      aRun({ jobId: 'R' }),
      aSchedule({ jobId: 'C', dueAt: 1_000 }),
      aSchedule({ jobId: 'D' }),
      anEnded({ jobId: 'F', taskId: 't' }),
    ]);
    await queue.update([{ before: aRun({ jobId: 'R' }), after: settled(aRun({ jobId: 'R' })) }]);
    await askEverything(queue);
  });
  afterAll(() => place.end(pool));

  it('begin with the first fields of their index and go on in its order', () => {
    expect(asked.size).toBeGreaterThan(20);
    const unserved = [...asked].flatMap(([kind, one]) => {
      const why = whyNotServed(one);
      return why === undefined ? [] : [`${kind}: ${why}`];
    });
    // Sorted by the server on purpose: what runs is no more than the workers have threads, and a claim adds no field per job.
    expect(unserved.filter((text) => !/^find by lts_run: .*, sorted by run\.at, _id:/.test(text))).toEqual([]);
  });

  it('use every index that is kept', () => {
    const text = [...asked.keys()].join('\n');
    expect(Object.keys(jobIndexes).filter((name) => !text.includes(`by ${name}:`))).toEqual([]);
  });

  it('are explained by the server as scans of that index alone', async (context) => {
    if (!place.running.isReal) return context.skip('this server only speaks the protocol and explains nothing');
    for (const [kind, { command, whole, hint }] of asked) {
      const { lsid, $db, $clusterTime, readConcern, ...plain } = whole;
      const plan = await pool.connection.database.command({ explain: plain, verbosity: 'queryPlanner' });
      const stages = JSON.stringify(plan.queryPlanner?.winningPlan ?? plan.stages?.[0]?.$cursor?.queryPlanner ?? plan);
      expect(stages, kind).not.toContain('"COLLSCAN"');
      if (hint !== undefined) expect(stages, kind).toContain(`"${String(hint)}"`);
      if (hint !== 'lts_run' && command === 'find') expect(stages, kind).not.toContain('"stage":"SORT"');
    }
  });
});
