/** What only the LMDB adapter promises: its write budget, quarantine, refusal of what it cannot hold, memory that follows commits. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyIndexes } from '../../../src/adapters/lmdb/jobs/verify-indexes.js';
import { type JobRecord, withStatus } from '../../../src/job/job.js';
import { anEnded, aRecord, aRun, aSchedule, ids, records } from '../../helpers/records.js';
import { TempStore } from './temp-store.js';

const request = {
  nodeGroup: 'g',
  max: 100,
  bytesMax: 1_000_000,
  now: 5_000,
  runId: 'r1',
  session: 's1',
  suspects: 'none',
} as const;

let store: TempStore;
beforeEach(async () => {
  store = await TempStore.open();
});
afterEach(() => store.end());

const settle = (before: JobRecord): { before: JobRecord; after: JobRecord } => ({
  before,
  after: withStatus(before, {
    state: 'succeeded',
    endedAt: 9_000,
    runId: undefined,
    session: undefined,
    lastRunId: before.status.runId,
  }),
});

describe('the write budget', () => {
  /** Puts, deletes and reads of `work`, less what it costs per commit. */
  const operations = async (
    work: () => Promise<unknown>,
  ): Promise<{ writes: number; gets: number; commits: number }> => {
    const { counters } = store.environment;
    const before = { ...counters };
    await work();
    const writes = counters.puts - before.puts + counters.deletes - before.deletes;
    return { writes, gets: counters.gets - before.gets, commits: counters.commits - before.commits };
  };
  /** Counts of the group at both commits, and the claim: put and removed. */
  const perBatch = 4;

  it('is four writes and no read for a job that is added as executing and then settled', async () => {
    const runs = records(100, { state: 'executing', runId: 'r1', session: 's1', claimedAt: 1, attempt: 1 });
    const used = await operations(async () => {
      await store.queue.add(runs);
      await store.queue.update(runs.map(settle));
    });
    expect(used).toEqual({ writes: 4 * 100 + perBatch, gets: 0, commits: 2 });
  });

  it('is two more with a taskId', async () => {
    const runs = records(100).map(({ jobId }) => aRun({ jobId, taskId: `t${jobId}` }));
    const used = await operations(async () => {
      await store.queue.add(runs);
      await store.queue.update(runs.map(settle));
    });
    expect(used).toEqual({ writes: 6 * 100 + perBatch, gets: 0, commits: 2 });
  });

  it('is three more for a job that waited', async () => {
    const used = await operations(async () => {
      await store.queue.add(records(100));
      const { claimed } = await store.queue.claim(request);
      await store.queue.update(claimed.map(settle));
    });
    expect(used).toMatchObject({ writes: 7 * 100 + perBatch + 1, commits: 3 });
  });

  it('lets the calls of one turn share a commit', async () => {
    const used = await operations(() => Promise.all(records(50).map((record) => store.queue.add([record]))));
    expect(used).toEqual({ writes: 3 * 50 + 1, gets: 0, commits: 1 });
  });

  it('looks at nothing that is not due', async () => {
    await store.queue.add(records(2_000, { dueAt: 9_999 }, 'later'));
    await store.queue.add(records(3));
    const used = await operations(() => store.queue.claim(request));
    expect(used.gets).toBe(6);
    expect(await store.queue.nextDueAt({ nodeGroup: 'g', after: 5_000 })).toBe(9_999);
  });
});

describe('a record that cannot be read', () => {
  const damage = (table: string, jobId: string, text = '{"rev":'): Promise<void> =>
    store.environment.commit(() => store.environment.table(table).put(jobId, text));

  it('is moved aside by get, once', async () => {
    await store.queue.add([aRecord({ jobId: 'bad', taskId: 't' }), aRecord({ jobId: 'good' })]);
    await damage('statuses', 'bad');
    expect(ids(await store.queue.get(['bad', 'good']))).toEqual(['-', 'good']);
    expect(ids(await store.queue.get(['bad', 'good']))).toEqual(['-', 'good']);
    expect(store.quarantined).toEqual(['bad: its status is not a JSON object']);
    expect(JSON.parse(store.environment.table('quarantine').get('bad') ?? '')).toMatchObject({ status: '{"rev":' });
    expect(await store.queue.findOpen('g', 't')).toBeUndefined();
  });

  it('does not hold up the claims behind it', async () => {
    await store.queue.add(records(4));
    await damage('bodies', 'J0000', 'nonsense');
    await damage('statuses', 'J0002', '{"rev":1,"state":"dreaming"}');
    expect(ids((await store.queue.claim(request)).claimed)).toEqual(['J0001', 'J0003']);
    expect(store.quarantined.map((text) => text.slice(0, 5))).toEqual(['J0000', 'J0002']);
    expect(await store.queue.count()).toEqual({ g: { executing: 2 } });
    expect(verifyIndexes(store.environment)).toEqual([]);
  });

  it('is skipped by list, feedback, schedules and purge, and its index entries go', async () => {
    const owing = { feedbackAt: 2_000, submitNodeGroup: 'c' };
    await store.queue.add([
      aRecord({ jobId: 'A' }),
      aRecord({ jobId: 'B', state: 'suspended' }),
      aSchedule({ jobId: 'C', dueAt: 1 }),
    ]);
    await store.queue.add([
      anEnded({ jobId: 'D', ...owing, state: 'failed' }),
      anEnded({ jobId: 'E', ...owing }),
      aRecord({ jobId: 'Z' }),
    ]);
    for (const jobId of ['A', 'B', 'C', 'D']) await damage('statuses', jobId);
    expect(ids(await store.queue.owedFeedback('c', 9_000, 10))).toEqual(['E']);
    expect(await store.queue.dueSchedules(9_000, 10)).toEqual({ due: [] });
    expect(ids((await store.queue.list({ limit: 100 })).records)).toEqual(['Z', 'E']);
    expect(await store.queue.list({ states: ['failed'], limit: 100 })).toEqual({ records: [] });
    expect(await store.queue.purge({ endedBefore: 9_000, keepMax: 0, keepAfter: 9_000, max: 10 })).toEqual(['E']);
    expect(store.quarantined).toHaveLength(4);
    expect(await store.queue.count()).toEqual({ g: { waiting: 1 } });
    expect(verifyIndexes(store.environment)).toEqual([]);
  });

  it('gives way to the same job when it is submitted again', async () => {
    await store.queue.add([aRecord({ taskId: 't' })]);
    await damage('statuses', 'J1');
    expect(await store.queue.add([aRecord({ taskId: 't' })])).toMatchObject([{ kind: 'added' }]);
    expect(ids(await store.queue.get(['J1']))).toEqual(['J1']);
  });

  it('does not keep the store from opening when it was executing', async () => {
    await store.queue.add([
      aRun({ jobId: 'bad' }),
      aRun({ jobId: 'good' }),
      aRun({ jobId: 'lone', runId: 'r2', session: 's2' }),
    ]);
    await damage('statuses', 'bad');
    await damage('statuses', 'lone');
    await store.reopen();
    expect(ids(await store.queue.runsOf('s1'))).toEqual(['good']);
    expect(await store.queue.sessions()).toEqual(['s1']);
    expect(await store.queue.count()).toEqual({ g: { executing: 1 } });
  });

  it('is served from memory while it executes; after a restart its lost text is set aside', async () => {
    await store.queue.add([aRun()]);
    await damage('statuses', 'J1');
    expect(ids(await store.queue.get(['J1']))).toEqual(['J1']);
    await store.reopen();
    expect(await store.queue.get(['J1'])).toEqual([undefined]);
    expect(await store.queue.sessions()).toEqual([]);
    expect(verifyIndexes(store.environment)).toEqual([]);
  });
});

describe('memory', () => {
  it('is read again after an abandoned transaction', async () => {
    await store.queue.add([aRun({ jobId: 'A' }), aRecord({ jobId: 'W' })]);
    const outcomes = await Promise.allSettled([
      store.queue.update([settle(aRun({ jobId: 'A' }))]),
      store.queue.add([aRun({ jobId: 'B', runId: 'r2', session: 's2' })]),
      store.queue.purge({ endedBefore: 99_999, keepMax: 0, keepAfter: 99_999, max: 10 }),
      store.environment.commit(() => {
        store.environment.table('counts').put('g', '{}');
        throw new Error('half-way');
      }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    expect(await store.queue.sessions()).toEqual(['s1']);
    expect(await store.queue.count()).toEqual({ g: { executing: 1, waiting: 1 } });
    expect(await store.queue.update([settle(aRun({ jobId: 'A' }))])).toMatchObject([
      { status: { state: 'succeeded' } },
    ]);
    expect(await store.queue.purge({ endedBefore: 0, keepMax: 0, keepAfter: 99_999, max: 10 })).toEqual(['A']);
    expect(verifyIndexes(store.environment)).toEqual([]);
  });

  it('holds nothing for jobs that do not execute', async () => {
    await store.queue.add(records(1_000));
    await store.reopen();
    expect(store.environment.counters.gets).toBe(0);
  });
});

describe('what the store cannot hold', () => {
  it.each([
    ['an empty jobId', aRecord({ jobId: '' })],
    ['a long lane', aRecord({ lane: 'x'.repeat(201) })],
    ['a dueAt that is no number', aRecord({ dueAt: Number.NaN })],
  ])('refuses %s before anything is written', async (_, record) => {
    await expect(store.queue.add([aRecord({ jobId: 'good' }), record])).rejects.toMatchObject({
      code: 'LTS_JOB_INVALID',
    });
    expect(await store.queue.count()).toEqual({});
  });

  it('holds the longest keys in any script', async () => {
    const text = '好'.repeat(200);
    const record = aRecord({ jobId: text, lane: text, nodeGroup: text, taskId: text, submitNodeGroup: text });
    await store.queue.add([record]);
    expect((await store.queue.claim({ ...request, nodeGroup: text })).claimed).toHaveLength(1);
  });
});

it('refuses every verb before open and after close', async () => {
  await store.queue.close();
  await expect(store.queue.get(['J1'])).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await expect(store.queue.add([aRecord()])).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
});

it('settles calls in flight before it closes', async () => {
  const added = store.queue.add([aRecord()]);
  await store.queue.close();
  expect(await added).toMatchObject([{ kind: 'added' }]);
});
