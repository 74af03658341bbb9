/** What every adapter of the JobQueue port must do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JobRecord, withStatus } from '../../src/job/job.js';
import type { ListRequest } from '../../src/job/listing.js';
import type { ClaimOutcome, ClaimRequest, JobQueue } from '../../src/ports/job-queue.js';
import { anEnded, aRecord, aRun, aSchedule, ids, records } from '../helpers/records.js';

/** A fresh, opened queue, and what ends the test: closes it and checks what can be checked. */
export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** Closes the store and opens it again. */
  reopen(): Promise<JobQueue>;
  end(): Promise<void>;
}

const claimOf = (change: Partial<ClaimRequest> = {}): ClaimRequest => ({
  nodeGroup: 'g',
  max: 10,
  bytesMax: 1_000_000,
  now: 5_000,
  runId: 'r1',
  session: 's1',
  suspects: 'none',
  ...change,
});

const settled = (record: JobRecord, change: Partial<JobRecord['status']> = {}): JobRecord =>
  withStatus(record, {
    state: 'succeeded',
    endedAt: 9_000,
    runId: undefined,
    session: undefined,
    lastRunId: record.status.runId,
    ...change,
  });

export function jobQueueSuite(name: string, create: () => Promise<QueueUnderTest>): void {
  describe(`JobQueue on ${name}`, () => {
    let test: QueueUnderTest;
    let queue: JobQueue;
    beforeEach(async () => {
      test = await create();
      queue = test.queue;
    });
    afterEach(() => test.end());

    const add = async (...added: JobRecord[]): Promise<void> => {
      const outcomes = await queue.add(added);
      expect(outcomes.map((outcome) => outcome.kind)).toEqual(added.map(() => 'added'));
    };
    const claim = (change?: Partial<ClaimRequest>): Promise<ClaimOutcome> => queue.claim(claimOf(change));
    const claimIds = async (change?: Partial<ClaimRequest>): Promise<string[]> => ids((await claim(change)).claimed);
    const getOne = async (jobId: string): Promise<JobRecord | undefined> => (await queue.get([jobId]))[0];
    const update = async (before: JobRecord, after: JobRecord): Promise<JobRecord | undefined> =>
      (await queue.update([{ before, after }]))[0];
    const listAll = async (request: Omit<ListRequest, 'limit' | 'cursor'> = {}, limit = 2): Promise<string[]> => {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await queue.list({ ...request, cursor, limit });
        expect(page.records.length).toBeLessThanOrEqual(limit);
        found.push(...ids(page.records));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return found;
    };

    describe('add', () => {
      it('stores what it was given and answers it', async () => {
        const record = aRecord({
          params: '{"text":"grüß 你好 \\u0000"}',
          taskId: 't',
          submitNodeGroup: 'c',
          lane: 'k',
        });
        expect(await queue.add([record])).toEqual([{ kind: 'added', record }]);
        expect(await queue.get(['J1', 'nobody'])).toEqual([record, undefined]);
      });

      it('answers a jobId that exists with the stored record and changes nothing', async () => {
        await add(aRecord({ params: '"first"' }));
        const [outcome] = await queue.add([aRecord({ params: '"second"', taskId: 't' })]);
        expect(outcome).toEqual({ kind: 'same', record: aRecord({ params: '"first"' }) });
        expect(await getOne('J1')).toEqual(aRecord({ params: '"first"' }));
        expect(await queue.findOpen('g', 't')).toBeUndefined();
      });

      it('answers the same jobId with the record as it is by now, even after it ended', async () => {
        const run = aRun({ taskId: 't' });
        await add(run);
        await update(run, settled(run));
        expect(await queue.add([run])).toEqual([{ kind: 'same', record: settled(run) }]);
        expect(await queue.findOpen('g', 't')).toBeUndefined();
        await add(aRecord({ jobId: 'J2', taskId: 't' }));
        expect((await queue.add([run]))[0]).toEqual({ kind: 'same', record: settled(run) });
        expect((await queue.findOpen('g', 't'))?.jobId).toBe('J2');
      });

      it('answers a taken key of the same group with the record that has it', async () => {
        await add(aRecord({ taskId: 't' }));
        expect(await queue.add([aRecord({ jobId: 'J2', taskId: 't' })])).toEqual([
          { kind: 'conflict', record: aRecord({ taskId: 't' }) },
        ]);
        expect(await getOne('J2')).toBeUndefined();
        await add(
          aRecord({ jobId: 'J3', taskId: 't', nodeGroup: 'other' }),
          aRecord({ jobId: 'J4' }),
          aRecord({ jobId: 'J5' }),
        );
      });

      it('answers conflicts and repeats inside one call in the order of its items', async () => {
        const outcomes = await queue.add([
          aRecord({ jobId: 'A', taskId: 't' }),
          aRecord({ jobId: 'B', taskId: 't' }),
          aRecord({ jobId: 'A', taskId: 't' }),
          aRecord({ jobId: 'C' }),
        ]);
        expect(outcomes.map((outcome) => `${outcome.kind} ${outcome.record.jobId}`)).toEqual([
          'added A',
          'conflict A',
          'same A',
          'added C',
        ]);
      });

      it('lets one of two concurrent calls have a key', async () => {
        const outcomes = await Promise.all([
          queue.add([aRecord({ jobId: 'A', taskId: 't' })]),
          queue.add([aRecord({ jobId: 'B', taskId: 't' })]),
        ]);
        expect(
          outcomes
            .flat()
            .map((outcome) => outcome.kind)
            .sort(),
        ).toEqual(['added', 'conflict']);
      });

      it('keeps the key for schedules, not for their instances', async () => {
        const schedule = aSchedule({ jobId: 'S', taskId: 't' });
        const origin = { scheduleId: 'S', generation: 1, slot: { id: '1', at: 1_000, run: 1 } };
        await add(schedule, aRecord({ jobId: 'S.1', taskId: 't', origin }));
        expect((await queue.add([aRecord({ jobId: 'J2', taskId: 't' })]))[0]?.kind).toBe('conflict');
        expect(await queue.findOpen('g', 't')).toEqual(schedule);
      });

      it('frees the key with the write that ends the record', async () => {
        for (const state of ['succeeded', 'failed', 'cancelled', 'expired', 'skipped'] as const) {
          const record = aRecord({ jobId: state, taskId: 't' });
          await add(record);
          await update(record, withStatus(record, { state, endedAt: 3_000 }));
          expect(await queue.findOpen('g', 't')).toBeUndefined();
        }
      });

      it('keeps the key of a suspended record', async () => {
        await add(aRecord({ taskId: 't', state: 'suspended' }));
        expect((await queue.add([aRecord({ jobId: 'J2', taskId: 't' })]))[0]?.kind).toBe('conflict');
      });
    });

    describe('claim', () => {
      it('takes due records and makes them executing', async () => {
        const record = aRecord({ dueAt: 5_000, attempt: 2 });
        await add(record);
        const { claimed, expired, hasMore } = await claim({ now: 5_000, runId: 'r7', session: 's7' });
        const executing = { state: 'executing', runId: 'r7', session: 's7', claimedAt: 5_000, attempt: 3 } as const;
        expect(claimed).toEqual([withStatus(record, executing)]);
        expect([expired, hasMore]).toEqual([[], false]);
        expect(await getOne('J1')).toEqual(withStatus(record, executing));
        expect(await claimIds()).toEqual([]);
      });

      it('never takes what is not due, of another group, suspended, executing, ended, or a schedule', async () => {
        await add(
          aRecord({ jobId: 'due', dueAt: 5_000 }),
          aRecord({ jobId: 'later', dueAt: 5_001 }),
          aRecord({ jobId: 'other', nodeGroup: 'h' }),
          aRecord({ jobId: 'suspended', state: 'suspended' }),
          aRun({ jobId: 'executing' }),
          anEnded({ jobId: 'ended' }),
          aSchedule({ jobId: 'schedule', dueAt: 1_000 }),
        );
        expect(await claim()).toMatchObject({ claimed: [{ jobId: 'due' }], expired: [], hasMore: false });
        expect(await claim()).toEqual({ claimed: [], expired: [], hasMore: false });
      });

      it('goes by priority, then dueAt, then jobId', async () => {
        await add(
          aRecord({ jobId: 'E', priority: 100, dueAt: 2_000 }),
          aRecord({ jobId: 'D', priority: 100, dueAt: 2_000 }),
          aRecord({ jobId: 'C', priority: 100, dueAt: 1_999 }),
          aRecord({ jobId: 'F', priority: 200, dueAt: 1 }),
          aRecord({ jobId: 'B', priority: -5, dueAt: 3_000 }),
          aRecord({ jobId: 'A', priority: -5, dueAt: 6_000 }),
        );
        expect(await claimIds({ max: 2 })).toEqual(['B', 'C']);
        expect(await claimIds({ max: 2 })).toEqual(['D', 'E']);
        expect(await claimIds({ max: 2 })).toEqual(['F']);
      });

      it('says whether due records are left', async () => {
        await add(...records(3));
        expect((await claim({ max: 2 })).hasMore).toBe(true);
        expect((await claim({ max: 1 })).hasMore).toBe(false);
      });

      it('takes a long backlog to its last record, each once', async () => {
        const all = records(250);
        await add(...all);
        const found: string[] = [];
        for (let max = 1; found.length < 250; max += 9) found.push(...(await claimIds({ max })));
        expect(found).toEqual(ids(all));
      });

      it('lets lanes take turns, within a call and from call to call', async () => {
        await add(
          ...records(4, { lane: 'a' }, 'A'),
          ...records(2, { lane: 'b' }, 'B'),
          ...records(1, { lane: '' }, 'N'),
        );
        expect(await claimIds({ max: 4 })).toEqual(['N0000', 'A0000', 'B0000', 'A0001']);
        expect(await claimIds({ max: 1 })).toEqual(['B0001']);
        expect(await claimIds({ max: 9 })).toEqual(['A0002', 'A0003']);
      });

      it('serves many lanes evenly with small claims', async () => {
        const lanes = ['a', 'b', 'c', 'd', 'e'];
        for (const lane of lanes) await add(...records(20, { lane }, lane));
        const served: string[] = [];
        for (let i = 0; i < 20; i++) served.push(...(await claimIds({ max: 3 })));
        for (const lane of lanes) expect(served.filter((jobId) => jobId.startsWith(lane))).toHaveLength(12);
      });

      it('keeps the priorities of each lane apart', async () => {
        await add(
          aRecord({ jobId: 'A2', lane: 'a', priority: 2 }),
          aRecord({ jobId: 'A1', lane: 'a', priority: 1 }),
          aRecord({ jobId: 'B9', lane: 'b', priority: 9 }),
          aRecord({ jobId: 'C0', lane: 'c', priority: 0, dueAt: 9_999 }),
        );
        expect(await claimIds()).toEqual(['A1', 'B9', 'A2']);
      });

      it('stops before bytesMax but always takes one', async () => {
        await add(...records(3, { params: JSON.stringify('x'.repeat(1_000)) }));
        expect(await claim({ bytesMax: 10 })).toMatchObject({ claimed: [{ jobId: 'J0000' }], hasMore: true });
        expect(await claimIds({ bytesMax: 2_000 })).toEqual(['J0001']);
        expect(await claimIds({ bytesMax: 2_000 })).toEqual(['J0002']);
      });

      it('gives a record to one of two concurrent claims', async () => {
        await add(...records(5));
        const outcomes = await Promise.all([claim({ runId: 'a' }), claim({ runId: 'b', session: 's2' })]);
        const taken = outcomes.flatMap((outcome) => ids(outcome.claimed)).sort();
        expect(taken).toEqual(ids(records(5)));
      });

      it('ends what is past its expireAt, owing feedback as the body says', async () => {
        await add(
          aRecord({ jobId: 'A', expireAt: 4_999, needFeedback: true, submitNodeGroup: 'c', taskId: 't' }),
          aRecord({ jobId: 'B', expireAt: 4_999 }),
          aRecord({ jobId: 'C', expireAt: 5_000 }),
        );
        const outcome = await claim({ max: 1 });
        expect(ids(outcome.claimed)).toEqual(['C']);
        expect(outcome.expired).toMatchObject([
          { jobId: 'A', status: { state: 'expired', endedAt: 5_000, feedbackAt: 5_000, rev: 2 } },
          { jobId: 'B', status: { state: 'expired', endedAt: 5_000, rev: 2 } },
        ]);
        expect(outcome.hasMore).toBe(false);
        expect(ids(await queue.owedFeedback('c', 5_000, 10))).toEqual(['A']);
        expect(await queue.findOpen('g', 't')).toBeUndefined();
      });

      it('takes no suspect, one, or one that must run alone and nothing else', async () => {
        await add(
          aRecord({ jobId: 'N' }),
          ...records(2, { losses: 2, priority: 1 }, 'S'),
          ...records(2, { losses: 3, isAlone: true }, 'X'),
          aRecord({ jobId: 'ordinary', losses: 1, isAlone: true }),
        );
        expect(await claim({ suspects: 'none', max: 1 })).toMatchObject({ claimed: [{ jobId: 'N' }], hasMore: true });
        expect(await claim({ suspects: 'one' })).toMatchObject({
          claimed: [{ jobId: 'S0000' }, { jobId: 'ordinary' }],
          hasMore: false,
        });
        expect(await claim({ suspects: 'none' })).toEqual({ claimed: [], expired: [], hasMore: false });
        expect(await claim({ suspects: 'alone' })).toMatchObject({ claimed: [{ jobId: 'X0000' }], hasMore: true });
        expect(await claim({ suspects: 'alone' })).toMatchObject({ claimed: [{ jobId: 'X0001' }], hasMore: true });
        expect(await claim({ suspects: 'alone' })).toMatchObject({ claimed: [{ jobId: 'S0001' }], hasMore: false });
      });

      it('lets the suspects have their turn among the lanes', async () => {
        await add(
          ...records(3, { lane: 'a' }, 'A'),
          ...records(2, { losses: 2 }, 'S'),
          ...records(2, { lane: 'b' }, 'B'),
        );
        const found: string[] = [];
        for (let i = 0; i < 6; i++) found.push(...(await claimIds({ max: 1, suspects: 'one' })));
        expect(found).toEqual(['A0000', 'B0000', 'S0000', 'A0001', 'B0001', 'S0001']);
      });
    });

    describe('update', () => {
      it('stores the new record if the rev is still the one seen', async () => {
        await add(aRun());
        const after = settled(aRun(), { result: '{"ok":true}' });
        expect(await update(aRun(), after)).toEqual(after);
        expect(await getOne('J1')).toEqual(after);
      });

      it('answers undefined where the rev had moved on, or nothing is there, each change on its own', async () => {
        await add(aRun(), aRecord({ jobId: 'J2' }));
        const asked = withStatus(aRun(), { cancelAskedAt: 7 });
        await update(aRun(), asked);
        const waiting = aRecord({ jobId: 'J2' });
        const suspended = withStatus(waiting, { state: 'suspended' });
        const answers = await queue.update([
          { before: aRun(), after: settled(aRun()) },
          { before: aRun({ jobId: 'gone' }), after: settled(aRun({ jobId: 'gone' })) },
          { before: waiting, after: suspended },
          { before: waiting, after: settled(waiting) },
        ]);
        expect(answers).toEqual([undefined, undefined, suspended, undefined]);
        expect(await queue.get(['J1', 'gone', 'J2'])).toEqual([asked, undefined, suspended]);
      });

      it('lets one of two concurrent changes through', async () => {
        await add(aRun());
        const [a, b] = await Promise.all([
          update(aRun(), settled(aRun())),
          update(aRun(), withStatus(aRun(), { state: 'waiting' })),
        ]);
        expect([a, b].filter((record) => record !== undefined)).toHaveLength(1);
        expect(await getOne('J1')).toEqual(a ?? b);
      });

      it('moves a record between the states, to be claimed again when it waits', async () => {
        const first = aRecord({ taskId: 't' });
        await add(first);
        const suspended = withStatus(first, { state: 'suspended' });
        await update(first, suspended);
        expect(await claimIds()).toEqual([]);
        const resumed = withStatus(suspended, { state: 'waiting', dueAt: 6_000 });
        await update(suspended, resumed);
        expect(await claimIds()).toEqual([]);
        const [run] = (await claim({ now: 6_000 })).claimed;
        const retry = withStatus(run as JobRecord, {
          state: 'waiting',
          dueAt: 7_000,
          runId: undefined,
          session: undefined,
          retryTimes: 1,
        });
        await update(run as JobRecord, retry);
        expect(await queue.sessions()).toEqual([]);
        expect(await claimIds({ now: 7_000 })).toEqual(['J1']);
        expect((await queue.findOpen('g', 't'))?.status.state).toBe('executing');
      });

      it('replaces the body and the place in the queue with it', async () => {
        const first = aRecord({ jobId: 'J1', priority: 9, params: '"old"' });
        await add(first, aRecord({ jobId: 'J2', priority: 5 }));
        const edited = {
          ...withStatus(first, { dueAt: 2 }),
          body: { ...first.body, priority: 1, lane: 'x', params: '"new"' },
        };
        expect(await update(first, edited)).toEqual(edited);
        expect(await getOne('J1')).toEqual(edited);
        expect(await claimIds({ max: 5 })).toEqual(['J2', 'J1']);
        expect(await claimIds()).toEqual([]);
      });

      it('is found under the jobIds of the submissions that replaced it, until it is removed', async () => {
        const first = aRecord({ taskId: 't' });
        await add(first);
        const replaced = withStatus(first, { aliases: ['R1', 'R2'] });
        await update(first, replaced);
        expect(await queue.get(['R1', 'R2', 'J1'])).toEqual([replaced, replaced, replaced]);
        expect(await queue.add([aRecord({ jobId: 'R1', taskId: 't' })])).toEqual([{ kind: 'same', record: replaced }]);
        const ended = withStatus(replaced, { state: 'cancelled', endedAt: 2_000, aliases: ['R2', 'R3'] });
        await update(replaced, ended);
        expect(await queue.get(['R1', 'R2', 'R3'])).toEqual([undefined, ended, ended]);
        expect(await queue.add([aRecord({ jobId: 'R2' })])).toEqual([{ kind: 'same', record: ended }]);
        await queue.purge({ endedBefore: 9_999, keepMax: 0, keepAfter: 9_999, max: 10 });
        expect(await queue.get(['R1', 'R2', 'R3', 'J1'])).toEqual([undefined, undefined, undefined, undefined]);
        await add(aRecord({ jobId: 'R2' }));
      });

      it('refuses to open a record whose key another one has', async () => {
        const ended = anEnded({ taskId: 't' });
        await add(ended, aRecord({ jobId: 'J2', taskId: 't' }));
        expect(await update(ended, withStatus(ended, { state: 'waiting', endedAt: undefined }))).toBeUndefined();
        expect((await queue.findOpen('g', 't'))?.jobId).toBe('J2');
      });
    });

    describe('what waits and what runs', () => {
      it('knows the earliest dueAt after an instant, in any lane, suspects included', async () => {
        const next = (after: number): Promise<number | undefined> => queue.nextDueAt({ nodeGroup: 'g', after });
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
        expect(await queue.sessions()).toEqual(['s1', 's2']);
        expect(ids(await queue.runsOf('s1'))).toEqual(['C', 'B']);
        expect(ids(await queue.runsOf('s2'))).toEqual(['A']);
        expect(await queue.runsOf('nobody')).toEqual([]);
        await update(claimed as JobRecord, settled(claimed as JobRecord));
        await update(aRun({ jobId: 'C' }), settled(aRun({ jobId: 'C' })));
        expect(await queue.sessions()).toEqual(['s2']);
      });

      it('knows them as they are by now', async () => {
        await add(aRun());
        const asked = withStatus(aRun(), { cancelAskedAt: 5 });
        await update(aRun(), asked);
        expect(await queue.runsOf('s1')).toEqual([asked]);
      });

      it('knows the same after it was closed and opened again', async () => {
        await add(
          ...records(3, { taskId: undefined }),
          aRun({ jobId: 'A', runId: 'r5' }),
          aRun({ jobId: 'B', runId: 'r5' }),
          anEnded({ jobId: 'E' }),
        );
        await update(aRun({ jobId: 'A', runId: 'r5' }), settled(aRun({ jobId: 'A', runId: 'r5' })));
        const counts = await queue.count();
        queue = await test.reopen();
        expect(ids(await queue.runsOf('s1'))).toEqual(['B']);
        expect(await queue.count()).toEqual(counts);
        const run = aRun({ jobId: 'B', runId: 'r5' });
        expect(await update(run, settled(run))).toEqual(settled(run));
        expect(await queue.sessions()).toEqual([]);
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
          const answer = await queue.dueSchedules(now, max);
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
        expect((await queue.dueSchedules(1_000, 5)).nextAt).toBe(9_000);
        await update(advanced, withStatus(advanced, { state: 'cancelled', endedAt: 9_100 }));
        expect(await queue.dueSchedules(99_000, 5)).toEqual({ due: [] });
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
        expect(await queue.owedGroups()).toEqual(['c', 'd']);
        expect(ids(await queue.owedFeedback('c', 3_000, 10))).toEqual(['B', 'A']);
        expect(ids(await queue.owedFeedback('c', 9_000, 2))).toEqual(['B', 'A']);
        expect(await queue.owedFeedback('c', 1_999, 10)).toEqual([]);
        await update(owing('C', 2_000, 'd'), withStatus(owing('C', 2_000, 'd'), { feedbackAt: undefined }));
        expect(await queue.owedGroups()).toEqual(['c']);
      });
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

      it('has no cursor on the last page', async () => {
        await add(...all);
        expect(await queue.list({ limit: inOrder.length })).not.toHaveProperty('cursor');
        expect(await queue.list({ limit: inOrder.length - 1 })).toHaveProperty('cursor');
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
        const first = await queue.list({ states: ['waiting'], limit: 3 });
        await claim({ max: 3 });
        await add(aRecord({ jobId: 'A' }), aRecord({ jobId: 'J9' }));
        const rest = await queue.list({ states: ['waiting'], limit: 9, cursor: first.cursor });
        expect(ids(rest.records)).toEqual(['J0003', 'J0004', 'J0005', 'J9']);
      });

      it('pages over more than one step of any index', async () => {
        await add(...records(230, { state: 'failed', endedAt: 5 }));
        expect(await listAll({ states: ['failed'] }, 100)).toEqual(ids(records(230)).reverse());
        expect(await listAll({ states: ['succeeded'] }, 100)).toEqual([]);
      });

      it('refuses a cursor that is not its own', async () => {
        await expect(queue.list({ cursor: 'x', limit: 1 })).rejects.toMatchObject({ code: 'LTS_MESSAGE_INVALID' });
      });
    });

    describe('count', () => {
      it('counts by group and state, schedules apart', async () => {
        expect(await queue.count()).toEqual({});
        await add(
          ...records(3),
          aRun({ jobId: 'X' }),
          aSchedule({ jobId: 'S' }),
          aSchedule({ jobId: 'T', state: 'suspended' }),
          anEnded({ jobId: 'E', nodeGroup: 'h' }),
        );
        expect(await queue.count()).toEqual({ g: { waiting: 3, executing: 1, schedules: 2 }, h: { succeeded: 1 } });
        const [run] = (await claim({ max: 1 })).claimed as [JobRecord];
        expect(await queue.count()).toMatchObject({ g: { waiting: 2, executing: 2 } });
        await update(run, settled(run));
        await update(aRun({ jobId: 'X' }), settled(aRun({ jobId: 'X' }), { state: 'failed' }));
        expect(await queue.count()).toEqual({
          g: { waiting: 2, succeeded: 1, failed: 1, schedules: 2 },
          h: { succeeded: 1 },
        });
        await queue.purge({ endedBefore: 99_999, keepMax: 0, keepAfter: 99_999, max: 100 });
        expect(await queue.count()).toEqual({ g: { waiting: 2, schedules: 2 } });
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
        expect(await queue.purge({ ...purge, endedBefore: 3_000 })).toEqual(['A', 'B']);
        expect(ids(await queue.get(['A', 'B', 'C', 'W', 'X', 'P']))).toEqual(['-', '-', 'C', 'W', 'X', 'P']);
      });

      it('removes at most `max` in a call', async () => {
        await add(...records(5, { state: 'succeeded', endedAt: 1 }));
        expect(await queue.purge({ ...purge, endedBefore: 10, max: 2 })).toEqual(['J0000', 'J0001']);
        expect(await queue.purge({ ...purge, endedBefore: 10, max: 2 })).toEqual(['J0002', 'J0003']);
        expect(await queue.purge({ ...purge, endedBefore: 10, max: 2 })).toEqual(['J0004']);
      });

      it('removes the oldest beyond keepMax, but nothing that ended after keepAfter', async () => {
        await add(...[1_000, 2_000, 3_000, 4_000].map((at) => ended(`E${at}`, at)));
        expect(await queue.purge({ ...purge, keepMax: 3 })).toEqual(['E1000']);
        expect(await queue.purge({ ...purge, keepMax: 0, keepAfter: 3_000 })).toEqual(['E2000', 'E3000']);
      });

      it('leaves what the caller keeps and goes on behind it', async () => {
        await add(ended('A', 1), ended('B', 2), ended('C', 3));
        expect(await queue.purge({ ...purge, endedBefore: 10 }, (record) => record.jobId === 'A')).toEqual(['B', 'C']);
        expect(ids(await queue.get(['A']))).toEqual(['A']);
      });

      it('lets the jobId, the feedback and the lists forget the record', async () => {
        await add(anEnded({ state: 'failed', taskId: 't', submitNodeGroup: 'c', feedbackAt: 2_000 }));
        expect(await queue.purge({ ...purge, endedBefore: 9_999 })).toEqual(['J1']);
        expect(await queue.owedGroups()).toEqual([]);
        expect(await listAll()).toEqual([]);
        await add(aRecord({ taskId: 't' }));
      });
    });
  });
}
