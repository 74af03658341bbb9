/** What every adapter of the JobQueue port must answer about its records, and how it forgets them. */
import { describe, expect, it } from 'vitest';
import { type JobRecord, withStatus } from '../../src/job/job.js';
import { anEnded, aRecord, aRun, aSchedule, ids, records } from '../helpers/records.js';
import { type QueueUnderTest, settled, useQueue } from './queue-under-test.js';

export function jobQueueReadsSuite(name: string, create: () => Promise<QueueUnderTest>): void {
  describe(`JobQueue reads on ${name}`, () => {
    const { under, add, claim, claimIds, update, listAll } = useQueue(create);

    describe('what waits and what runs', () => {
      it('knows the earliest dueAt after an instant, in any lane, suspects included', async () => {
        const next = (after: number): Promise<number | undefined> => under.queue.nextDueAt({ nodeGroup: 'g', after });
        expect(await next(0)).toBeUndefined();
        await add(
          aRecord({ jobId: 'A', dueAt: 3_000 }),
          aRecord({ jobId: 'B', dueAt: 2_000, priority: 7, lane: 'x' }),
          aRecord({ jobId: 'C', dueAt: 1_500, losses: 2 }),
          aRecord({ jobId: 'D', dueAt: 1_200, losses: 3, isAlone: true }),
          aRecord({ jobId: 'E', dueAt: 2_500, priority: 7, lane: 'x' }),
          aRecord({ jobId: 'F', dueAt: 1, nodeGroup: 'h' }),
          aRecord({ jobId: 'G', dueAt: 1, state: 'suspended' }),
          aSchedule({ jobId: 'H', dueAt: 1 }),
        );
        expect([await next(0), await next(1_200), await next(1_500)]).toEqual([1_200, 1_500, 2_000]);
        expect([await next(2_000), await next(2_500), await next(3_000)]).toEqual([2_500, 3_000, undefined]);
      });

      it('names the sessions and their runs, those added as executing too', async () => {
        await add(aRun({ jobId: 'A', session: 's2', runId: 'r2' }), aRecord({ jobId: 'B' }), aRun({ jobId: 'C' }));
        const [claimed] = (await claim({ session: 's1', runId: 'r9' })).claimed;
        expect(await under.queue.sessions()).toEqual(['s1', 's2']);
        expect(ids(await under.queue.runsOf('s1'))).toEqual(['C', 'B']);
        expect(ids(await under.queue.runsOf('s2'))).toEqual(['A']);
        expect(await under.queue.runsOf('nobody')).toEqual([]);
        await update(claimed as JobRecord, settled(claimed as JobRecord));
        await update(aRun({ jobId: 'C' }), settled(aRun({ jobId: 'C' })));
        expect(await under.queue.sessions()).toEqual(['s2']);
      });

      it('knows them as they are by now', async () => {
        await add(aRun());
        const asked = withStatus(aRun(), { cancelAskedAt: 5 });
        await update(aRun(), asked);
        expect(await under.queue.runsOf('s1')).toEqual([asked]);
      });

      it('knows the same after it was closed and opened again', async () => {
        await add(
          ...records(3, { taskId: undefined }),
          aRun({ jobId: 'A', runId: 'r5' }),
          aRun({ jobId: 'B', runId: 'r5' }),
          anEnded({ jobId: 'E' }),
        );
        await update(aRun({ jobId: 'A', runId: 'r5' }), settled(aRun({ jobId: 'A', runId: 'r5' })));
        const counts = await under.queue.count();
        await under.reopen();
        expect(ids(await under.queue.runsOf('s1'))).toEqual(['B']);
        expect(await under.queue.count()).toEqual(counts);
        const run = aRun({ jobId: 'B', runId: 'r5' });
        expect(await update(run, settled(run))).toEqual(settled(run));
        expect(await under.queue.sessions()).toEqual([]);
        expect(await claimIds()).toEqual(['J0000', 'J0001', 'J0002']);
      });
    });

    describe('schedules', () => {
      it('answers waiting schedules by dueAt and the earliest dueAt beyond them', async () => {
        await add(
          aSchedule({ jobId: 'A', dueAt: 3_000 }),
          aSchedule({ jobId: 'B', dueAt: 1_000 }),
          aSchedule({ jobId: 'C', dueAt: 2_000 }),
          aSchedule({ jobId: 'none' }),
          aSchedule({ jobId: 'S', dueAt: 1, state: 'suspended' }),
          aRecord({ jobId: 'instance', dueAt: 1 }),
        );
        const due = async (now: number, max: number): Promise<unknown> => {
          const answer = await under.queue.dueSchedules(now, max);
          return [ids(answer.due), answer.nextAt];
        };
        expect(await due(500, 9)).toEqual([[], 1_000]);
        expect(await due(2_000, 9)).toEqual([['B', 'C'], 3_000]);
        expect(await due(2_000, 1)).toEqual([['B'], 2_000]);
        expect(await due(9_000, 9)).toEqual([['B', 'C', 'A'], undefined]);
      });

      it('follows the dueAt of a schedule until it ends', async () => {
        const first = aSchedule({ dueAt: 1_000 });
        await add(first);
        const advanced = withStatus(first, { dueAt: 9_000 });
        await update(first, advanced);
        expect((await under.queue.dueSchedules(1_000, 5)).nextAt).toBe(9_000);
        await update(advanced, withStatus(advanced, { state: 'cancelled', endedAt: 9_100 }));
        expect(await under.queue.dueSchedules(99_000, 5)).toEqual({ due: [] });
      });
    });

    describe('feedback', () => {
      it('is owed by ended records with feedbackAt, oldest first, until it is cleared', async () => {
        const owing = (jobId: string, feedbackAt: number, submitNodeGroup = 'c'): JobRecord =>
          anEnded({ jobId, feedbackAt, submitNodeGroup });
        await add(
          owing('A', 3_000),
          owing('B', 2_000),
          owing('C', 2_000, 'd'),
          owing('D', 4_000),
          anEnded({ jobId: 'E', submitNodeGroup: 'e' }),
        );
        expect(await under.queue.owedGroups()).toEqual(['c', 'd']);
        expect(ids(await under.queue.owedFeedback('c', 3_000, 10))).toEqual(['B', 'A']);
        expect(ids(await under.queue.owedFeedback('c', 9_000, 2))).toEqual(['B', 'A']);
        expect(await under.queue.owedFeedback('c', 1_999, 10)).toEqual([]);
        await update(owing('C', 2_000, 'd'), withStatus(owing('C', 2_000, 'd'), { feedbackAt: undefined }));
        expect(await under.queue.owedGroups()).toEqual(['c']);
      });
    });

    it('counts a group of any name and touches no prototype', async () => {
      await add(aRecord({ nodeGroup: '__proto__' }), aRecord({ jobId: 'J2', nodeGroup: 'constructor' }));
      expect(Object.entries(await under.queue.count())).toEqual([
        ['__proto__', { waiting: 1 }],
        ['constructor', { waiting: 1 }],
      ]);
      expect(({} as Record<string, unknown>).waiting).toBeUndefined();
    });

    describe('list', () => {
      const all = [
        aRecord({ jobId: 'W2', priority: 2 }),
        aRecord({ jobId: 'W1', priority: 1, taskId: 't1' }),
        aRecord({ jobId: 'W3', nodeGroup: 'h', lane: 'x' }),
        aRecord({ jobId: 'P', state: 'suspended' }),
        aRun({ jobId: 'X2', claimedAt: 7 }),
        aRun({ jobId: 'X1', claimedAt: 6, nodeGroup: 'h' }),
        aSchedule({ jobId: 'S', taskId: 't2' }),
        aSchedule({ jobId: 'Z', state: 'cancelled', endedAt: 500 }),
        anEnded({ jobId: 'E1', endedAt: 1_000, taskId: 't1' }),
        anEnded({ jobId: 'E2', endedAt: 3_000, state: 'failed', reason: 'lost' }),
        anEnded({ jobId: 'E3', endedAt: 2_000, nodeGroup: 'h' }),
      ];
      const inOrder = ['X1', 'X2', 'W1', 'W2', 'W3', 'P', 'S', 'E2', 'E3', 'E1', 'Z'];

      it('pages over everything: open states in claim order, then the ended, newest first', async () => {
        await add(...all);
        for (const limit of [1, 2, 3, 100]) expect(await listAll({}, limit)).toEqual(inOrder);
      });

      it('never misses a job while it goes from executing to ended', async () => {
        const runs = Array.from({ length: 40 }, (_, i) => aRun({ jobId: `R${100 + i}` }));
        await add(...runs);
        for (const run of runs) {
          let isSettled = false;
          const settling = update(run, settled(run)).finally(() => {
            isSettled = true;
          });
          while (!isSettled) {
            expect(await listAll({}, 100)).toHaveLength(runs.length);
            await new Promise(setImmediate);
          }
          await settling;
        }
      });

      it('has no cursor on the last page', async () => {
        await add(...all);
        expect(await under.queue.list({ limit: inOrder.length })).not.toHaveProperty('cursor');
        expect(await under.queue.list({ limit: inOrder.length - 1 })).toHaveProperty('cursor');
      });

      it('filters by state, group, taskId and kind', async () => {
        await add(...all);
        expect(await listAll({ states: ['waiting'] })).toEqual(['W1', 'W2', 'W3', 'S']);
        expect(await listAll({ states: ['waiting'], schedules: false })).toEqual(['W1', 'W2', 'W3']);
        expect(await listAll({ states: ['executing', 'failed'] })).toEqual(['X1', 'X2', 'E2']);
        expect(await listAll({ states: ['failed'] })).toEqual(['E2']);
        expect(await listAll({ states: ['cancelled', 'succeeded'] })).toEqual(['E3', 'E1', 'Z']);
        expect(await listAll({ states: [] })).toEqual([]);
        expect(await listAll({ nodeGroup: 'h' })).toEqual(['X1', 'W3', 'E3']);
        expect(await listAll({ nodeGroup: 'g', states: ['waiting', 'suspended'], schedules: false })).toEqual([
          'W1',
          'W2',
          'P',
        ]);
        expect(await listAll({ taskId: 't1' })).toEqual(['W1', 'E1']);
        expect(await listAll({ nodeGroup: 'h', taskId: 't1' })).toEqual([]);
        expect(await listAll({ schedules: true })).toEqual(['S', 'Z']);
        expect(await listAll({ schedules: false, states: ['cancelled'] })).toEqual([]);
      });

      it('goes on behind its cursor when records came and went meanwhile', async () => {
        await add(...records(6));
        const first = await under.queue.list({ states: ['waiting'], limit: 3 });
        await claim({ max: 3 });
        await add(aRecord({ jobId: 'A' }), aRecord({ jobId: 'J9' }));
        const rest = await under.queue.list({ states: ['waiting'], limit: 9, cursor: first.cursor });
        expect(ids(rest.records)).toEqual(['J0003', 'J0004', 'J0005', 'J9']);
      });

      it('pages over more than one step of any index', async () => {
        await add(...records(230, { state: 'failed', endedAt: 5 }));
        expect(await listAll({ states: ['failed'] }, 100)).toEqual(ids(records(230)).reverse());
        expect(await listAll({ states: ['succeeded'] }, 100)).toEqual([]);
      });

      it('refuses a cursor that is not its own', async () => {
        await expect(under.queue.list({ cursor: 'x', limit: 1 })).rejects.toMatchObject({
          code: 'LTS_MESSAGE_INVALID',
        });
      });
    });

    describe('count', () => {
      it('counts by group and state, schedules apart', async () => {
        expect(await under.queue.count()).toEqual({});
        await add(
          ...records(3),
          aRun({ jobId: 'X' }),
          aSchedule({ jobId: 'S' }),
          aSchedule({ jobId: 'T', state: 'suspended' }),
          anEnded({ jobId: 'E', nodeGroup: 'h' }),
        );
        expect(await under.queue.count()).toEqual({
          g: { waiting: 3, executing: 1, schedules: 2 },
          h: { succeeded: 1 },
        });
        const [run] = (await claim({ max: 1 })).claimed as [JobRecord];
        expect(await under.queue.count()).toMatchObject({ g: { waiting: 2, executing: 2 } });
        await update(run, settled(run));
        await update(aRun({ jobId: 'X' }), settled(aRun({ jobId: 'X' }), { state: 'failed' }));
        expect(await under.queue.count()).toEqual({
          g: { waiting: 2, succeeded: 1, failed: 1, schedules: 2 },
          h: { succeeded: 1 },
        });
        await under.queue.purge({ endedBefore: 99_999, keepMax: 0, keepAfter: 99_999, max: 100 });
        expect(await under.queue.count()).toEqual({ g: { waiting: 2, schedules: 2 } });
      });
    });

    describe('purge', () => {
      const ended = (jobId: string, endedAt: number): JobRecord => anEnded({ jobId, endedAt });
      const purge = { endedBefore: 0, keepMax: 1_000_000, keepAfter: 99_999, max: 100 };

      it('removes what ended before an instant, oldest first, and no open record', async () => {
        await add(
          ended('C', 3_000),
          ended('A', 1_000),
          ended('B', 2_000),
          aRecord({ jobId: 'W' }),
          aRun({ jobId: 'X' }),
          aRecord({ jobId: 'P', state: 'suspended' }),
        );
        expect(await under.queue.purge({ ...purge, endedBefore: 3_000 })).toEqual(['A', 'B']);
        expect(ids(await under.queue.get(['A', 'B', 'C', 'W', 'X', 'P']))).toEqual(['-', '-', 'C', 'W', 'X', 'P']);
      });

      it('removes at most `max` in a call', async () => {
        await add(...records(5, { state: 'succeeded', endedAt: 1 }));
        expect(await under.queue.purge({ ...purge, endedBefore: 10, max: 2 })).toEqual(['J0000', 'J0001']);
        expect(await under.queue.purge({ ...purge, endedBefore: 10, max: 2 })).toEqual(['J0002', 'J0003']);
        expect(await under.queue.purge({ ...purge, endedBefore: 10, max: 2 })).toEqual(['J0004']);
      });

      it('removes the oldest beyond keepMax, but nothing that ended after keepAfter', async () => {
        await add(...[1_000, 2_000, 3_000, 4_000].map((at) => ended(`E${at}`, at)));
        expect(await under.queue.purge({ ...purge, keepMax: 3 })).toEqual(['E1000']);
        expect(await under.queue.purge({ ...purge, keepMax: 0, keepAfter: 3_000 })).toEqual(['E2000', 'E3000']);
      });

      it('leaves what the caller keeps and goes on behind it', async () => {
        await add(ended('A', 1), ended('B', 2), ended('C', 3));
        expect(await under.queue.purge({ ...purge, endedBefore: 10 }, (record) => record.jobId === 'A')).toEqual([
          'B',
          'C',
        ]);
        expect(ids(await under.queue.get(['A']))).toEqual(['A']);
      });

      it('lets the jobId, the feedback and the lists forget the record', async () => {
        await add(anEnded({ state: 'failed', taskId: 't', submitNodeGroup: 'c', feedbackAt: 2_000 }));
        expect(await under.queue.purge({ ...purge, endedBefore: 9_999 })).toEqual(['J1']);
        expect(await under.queue.owedGroups()).toEqual([]);
        expect(await listAll()).toEqual([]);
        await add(aRecord({ taskId: 't' }));
      });
    });
  });
}
