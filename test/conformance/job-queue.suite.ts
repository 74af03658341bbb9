/** What every adapter of the JobQueue port must do when it is written: add, claim, update. */
import { describe, expect, it } from 'vitest';
import { type JobRecord, withStatus } from '../../src/job/job.js';
import { anEnded, aRecord, aRun, aSchedule, ids, records } from '../helpers/records.js';
import { type QueueUnderTest, settled, useQueue } from './queue-under-test.js';

export function jobQueueSuite(name: string, create: () => Promise<QueueUnderTest>): void {
  describe(`JobQueue on ${name}`, () => {
    const { under, add, claim, claimIds, getOne, update } = useQueue(create);

    describe('add', () => {
      it('stores what it was given and answers it', async () => {
        const record = aRecord({
          params: '{"text":"grüß 你好 \\u0000"}',
          taskId: 't',
          submitNodeGroup: 'c',
          lane: 'k',
        });
        expect(await under.queue.add([record])).toEqual([{ kind: 'added', record }]);
        expect(await under.queue.get(['J1', 'nobody'])).toEqual([record, undefined]);
      });

      it('answers a jobId that exists with the stored record and changes nothing', async () => {
        await add(aRecord({ params: '"first"' }));
        const [outcome] = await under.queue.add([aRecord({ params: '"second"', taskId: 't' })]);
        expect(outcome).toEqual({ kind: 'same', record: aRecord({ params: '"first"' }) });
        expect(await getOne('J1')).toEqual(aRecord({ params: '"first"' }));
        expect(await under.queue.findOpen('g', 't')).toBeUndefined();
      });

      it('answers the same jobId with the record as it is by now, even after it ended', async () => {
        const run = aRun({ taskId: 't' });
        await add(run);
        await update(run, settled(run));
        expect(await under.queue.add([run])).toEqual([{ kind: 'same', record: settled(run) }]);
        expect(await under.queue.findOpen('g', 't')).toBeUndefined();
        await add(aRecord({ jobId: 'J2', taskId: 't' }));
        expect((await under.queue.add([run]))[0]).toEqual({ kind: 'same', record: settled(run) });
        expect((await under.queue.findOpen('g', 't'))?.jobId).toBe('J2');
      });

      it('answers a taken key of the same group with the record that has it', async () => {
        await add(aRecord({ taskId: 't' }));
        expect(await under.queue.add([aRecord({ jobId: 'J2', taskId: 't' })])).toEqual([
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
        const outcomes = await under.queue.add([
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
          under.queue.add([aRecord({ jobId: 'A', taskId: 't' })]),
          under.queue.add([aRecord({ jobId: 'B', taskId: 't' })]),
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
        expect((await under.queue.add([aRecord({ jobId: 'J2', taskId: 't' })]))[0]?.kind).toBe('conflict');
        expect(await under.queue.findOpen('g', 't')).toEqual(schedule);
      });

      it('frees the key with the write that ends the record', async () => {
        for (const state of ['succeeded', 'failed', 'cancelled', 'expired', 'skipped'] as const) {
          const record = aRecord({ jobId: state, taskId: 't' });
          await add(record);
          await update(record, withStatus(record, { state, endedAt: 3_000 }));
          expect(await under.queue.findOpen('g', 't')).toBeUndefined();
        }
      });

      it('keeps the key of a suspended record', async () => {
        await add(aRecord({ taskId: 't', state: 'suspended' }));
        expect((await under.queue.add([aRecord({ jobId: 'J2', taskId: 't' })]))[0]?.kind).toBe('conflict');
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
        expect(ids(await under.queue.owedFeedback('c', 5_000, 10))).toEqual(['A']);
        expect(await under.queue.findOpen('g', 't')).toBeUndefined();
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
        const answers = await under.queue.update([
          { before: aRun(), after: settled(aRun()) },
          { before: aRun({ jobId: 'gone' }), after: settled(aRun({ jobId: 'gone' })) },
          { before: waiting, after: suspended },
          { before: waiting, after: settled(waiting) },
        ]);
        expect(answers).toEqual([undefined, undefined, suspended, undefined]);
        expect(await under.queue.get(['J1', 'gone', 'J2'])).toEqual([asked, undefined, suspended]);
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
        expect(await under.queue.sessions()).toEqual([]);
        expect(await claimIds({ now: 7_000 })).toEqual(['J1']);
        expect((await under.queue.findOpen('g', 't'))?.status.state).toBe('executing');
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
        expect(await under.queue.get(['R1', 'R2', 'J1'])).toEqual([replaced, replaced, replaced]);
        expect(await under.queue.add([aRecord({ jobId: 'R1', taskId: 't' })])).toEqual([
          { kind: 'same', record: replaced },
        ]);
        const ended = withStatus(replaced, { state: 'cancelled', endedAt: 2_000, aliases: ['R2', 'R3'] });
        await update(replaced, ended);
        expect(await under.queue.get(['R1', 'R2', 'R3'])).toEqual([undefined, ended, ended]);
        expect(await under.queue.add([aRecord({ jobId: 'R2' })])).toEqual([{ kind: 'same', record: ended }]);
        await under.queue.purge({ endedBefore: 9_999, keepMax: 0, keepAfter: 9_999, max: 10 });
        expect(await under.queue.get(['R1', 'R2', 'R3', 'J1'])).toEqual([undefined, undefined, undefined, undefined]);
        await add(aRecord({ jobId: 'R2' }));
      });

      it('refuses to open a record whose key another one has', async () => {
        const ended = anEnded({ taskId: 't' });
        await add(ended, aRecord({ jobId: 'J2', taskId: 't' }));
        expect(await update(ended, withStatus(ended, { state: 'waiting', endedAt: undefined }))).toBeUndefined();
        expect((await under.queue.findOpen('g', 't'))?.jobId).toBe('J2');
      });
    });
  });
}
