/** Whatever stands where text is expected is looked for literally: no value becomes an operator of a query. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MongoJobLogger } from '../../../src/adapters/mongo/mongo-job-logger.js';
import type { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import { anEnded, aRecord, aRun, aSchedule, ids } from '../../helpers/records.js';
import { type MongoPlace, type OpenPool, withMongo } from './mongo-place.js';

/** As it may come from a message whose fields nobody checked. */
const operators = [{ $ne: null }, { $gt: '' }, { $regex: '.*' }, { $where: 'true' }] as unknown as string[];

withMongo('values that look like operators', (place: MongoPlace) => {
  let pool: OpenPool & { queue: MongoJobQueue };
  beforeAll(async () => {
    pool = await place.queue();
    const feedback = { submitNodeGroup: 'c', feedbackAt: 1 };
    await pool.queue.add([
      aRecord({ taskId: 't' }),
      aRun({ jobId: 'R' }),
      aSchedule({ jobId: 'S', dueAt: 1 }),
      anEnded({ jobId: 'E', ...feedback }),
    ]);
  });
  afterAll(() => place.end(pool));

  it.each(operators)('find nothing: %j', async (operator) => {
    const { queue } = pool;
    const claim = { max: 9, bytesMax: 1e6, now: 5_000, runId: 'r', session: 's', suspects: 'alone' } as const;
    expect(await queue.get([operator])).toEqual([undefined]);
    expect(await queue.findOpen('g', operator)).toBeUndefined();
    expect(await queue.findOpen(operator, 't')).toBeUndefined();
    expect((await queue.claim({ ...claim, nodeGroup: operator })).claimed).toEqual([]);
    expect(await queue.nextDueAt({ nodeGroup: operator, after: 0 })).toBeUndefined();
    expect(await queue.runsOf(operator)).toEqual([]);
    expect(await queue.owedFeedback(operator, 9, 9)).toEqual([]);
    expect((await queue.list({ nodeGroup: operator, limit: 9 })).records).toEqual([]);
    expect((await queue.list({ taskId: operator, limit: 9 })).records).toEqual([]);
    expect((await queue.list({ states: [operator as never], limit: 9 })).records).toEqual([]);
  });

  it.each(['$where', '$set.x', 'a.b', '__proto__', 'constructor', '\u0000', '$'])(
    'are kept as they are in every text field: %j',
    async (text) => {
      const { queue } = pool;
      // A server that only speaks the protocol takes a group that begins with $ for a field when it counts.
      const group = text.startsWith('$') ? `g${text}` : text;
      const record = aRecord({
        jobId: `J ${text}`,
        nodeGroup: group,
        taskId: text,
        lane: text,
        params: JSON.stringify({ [text]: 1 }),
      });
      expect(await queue.add([record])).toEqual([{ kind: 'added', record }]);
      expect(await queue.findOpen(group, text)).toEqual(record);
      const claim = { nodeGroup: group, max: 9, bytesMax: 1e6, now: 5_000, runId: text, session: text } as const;
      expect(ids((await queue.claim({ ...claim, suspects: 'none' })).claimed)).toEqual([record.jobId]);
      expect(ids(await queue.runsOf(text))).toEqual([record.jobId]);
      expect(Object.entries(await queue.count())).toContainEqual([group, { executing: 1 }]);
    },
  );

  it('a document without a body kept every job behind it from running', async () => {
    const damaged = await place.queue();
    const { queue, connection, logged } = damaged;
    await queue.add([
      aRecord({ jobId: 'A' }),
      aRecord({ jobId: 'B' }),
      aSchedule({ jobId: 'S', dueAt: 1 }),
      aSchedule({ jobId: 'T', dueAt: 2 }),
    ]);
    const jobs = connection.collection<{ _id: string }>('jobs');
    await jobs.updateMany({ _id: { $in: ['A', 'S'] } }, { $unset: { body: '' } });
    expect((await queue.list({ limit: 9 })).records.map(({ jobId }) => jobId).sort()).toEqual(['B', 'T']);
    const claim = { nodeGroup: 'g', max: 9, bytesMax: 1e6, now: 5_000, runId: 'r', session: 's' } as const;
    expect(ids((await queue.claim({ ...claim, suspects: 'none' })).claimed)).toEqual(['B']);
    expect(ids((await queue.dueSchedules(1e12, 9)).due)).toEqual(['T']);
    expect(await queue.get(['A', 'B', 'S'])).toMatchObject([undefined, { jobId: 'B' }, undefined]);
    expect(logged.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { ids: ['A'] } },
      { fields: { ids: ['S'] } },
    ]);
    await place.end(damaged);
  });

  it('read and remove no lines', async () => {
    const logger = new MongoJobLogger(pool.connection);
    await logger.open();
    await logger.append([{ jobId: 'J1', seq: 1, at: 1, level: 'INFO', type: 'biz', text: 'x' }]);
    for (const operator of operators) {
      expect((await logger.read(operator, { limit: 9 })).lines).toEqual([]);
      await logger.remove([operator]);
    }
    expect((await logger.read('J1', { limit: 9 })).lines).toHaveLength(1);
    await logger.close();
  });
});
