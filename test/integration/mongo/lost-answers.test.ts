/** Connections that break at any moment change no answer: what was done is not done again, and nobody is told what is not so. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { MemoryJobQueue } from '../../../src/adapters/memory/memory-job-queue.js';
import type { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { LtsError } from '../../../src/errors.js';
import { type JobRecord, withStatus } from '../../../src/job/job.js';
import type { Clock } from '../../../src/ports/clock.js';
import { SeededChance } from '../../../src/testing/seeded-chance.js';
import { settled } from '../../conformance/queue-under-test.js';
import { plainAnswer, steps } from '../../conformance/random-verbs.js';
import { aRecord, aRun, ids, records } from '../../helpers/records.js';
import { type Decide, type Fate, FlakyProxy } from './flaky-proxy.js';
import { errorOf, type MongoPlace, type OpenPool, type PoolChange, withMongo } from './mongo-place.js';

const seed = Number(process.env.LTS_SEED ?? 5);
const fates: readonly Fate[] = ['lost', 'torn', 'unanswered'];

/** One piece in so many meets a fault. */
function oneIn(count: number, chance: SeededChance): Decide {
  return () => (chance.isLucky(1 / count) ? chance.pick(fates) : 'pass');
}

/** Time passes in the pauses between tries only, a step in each, however long the tries really take. */
class SteppedClock implements Clock {
  stepMs = 0;
  private passedMs = 0;
  private readonly real = new SystemClock();

  wallMs(): number {
    return this.passedMs;
  }

  monoMs(): number {
    return this.passedMs;
  }

  sleep(ms: number): Promise<void> {
    this.passedMs += this.stepMs;
    return this.real.sleep(ms);
  }

  endOfTurn(): Promise<void> {
    return this.real.endOfTurn();
  }
}

/** The next request that carries this command; everything else passes. */
function next(command: string, fate: Fate): Decide {
  let isDone = false;
  return (piece, direction) => {
    if (isDone || direction !== 'request' || !piece.includes(`\u0002${command}\0`)) return 'pass';
    isDone = true;
    return fate;
  };
}

withMongo('through a proxy', (place: MongoPlace) => {
  let proxy: FlakyProxy;
  beforeAll(async () => {
    proxy = new FlakyProxy(place.running.host);
    await proxy.start();
  });
  afterAll(() => proxy.stop());
  beforeEach(() => proxy.rule());

  /** As often as it takes: the driver's own waits are real, and a busy machine may need longer than they last. */
  async function opened(change: PoolChange): Promise<OpenPool & { queue: MongoJobQueue }> {
    for (;;) {
      try {
        return await place.queue({ addresses: proxy.url, ...change });
      } catch (error) {
        if (!LtsError.is(error, 'LTS_STORE_FAILED')) throw error;
      }
    }
  }

  /** A queue whose every command passes the proxy. */
  const queueOf = (database = place.newDatabase()): Promise<OpenPool & { queue: MongoJobQueue }> =>
    opened({ database, commandMs: 500, connectMs: 1_000, retryMs: 60_000 });
  const end = async (pool: OpenPool): Promise<void> => {
    proxy.rule();
    await place.end(pool);
  };

  it.each(['lost', 'torn', 'unanswered', 'swallowed'] as const)(
    'an add that was %s is still answered added',
    async (fate) => {
      const pool = await queueOf();
      const faults = proxy.faults;
      proxy.rule(next('insert', fate));
      const outcomes = await pool.queue.add([aRecord({ taskId: 't' }), aRecord({ jobId: 'J2', taskId: 't' })]);
      expect(outcomes).toEqual([
        { kind: 'added', record: aRecord({ taskId: 't' }) },
        { kind: 'conflict', record: aRecord({ taskId: 't' }) },
      ]);
      expect(proxy.faults).toBe(faults + 1);
      expect((await pool.queue.add([aRecord({ taskId: 't' })]))[0]?.kind).toBe('same');
      await end(pool);
    },
  );

  it.each(['lost', 'torn', 'unanswered', 'swallowed'] as const)(
    'a change that was %s is written once',
    async (fate) => {
      const pool = await queueOf();
      const stale = withStatus(aRun({ jobId: 'B' }), { cancelAskedAt: 1 });
      await pool.queue.add([aRun({ jobId: 'A' }), stale]);
      const faults = proxy.faults;
      proxy.rule(next('update', fate));
      const changes = ['A', 'B'].map((jobId) => ({ before: aRun({ jobId }), after: settled(aRun({ jobId })) }));
      expect(await pool.queue.update(changes)).toEqual([settled(aRun({ jobId: 'A' })), undefined]);
      expect(proxy.faults).toBe(faults + 1);
      expect(await pool.queue.get(['A', 'B'])).toEqual([settled(aRun({ jobId: 'A' })), stale]);
      await end(pool);
    },
  );

  it.each(['lost', 'torn', 'unanswered', 'swallowed'] as const)(
    'a claim that was %s takes each job once',
    async (fate) => {
      const pool = await queueOf();
      await pool.queue.add(records(5));
      const faults = proxy.faults;
      proxy.rule(next('update', fate));
      const request = { nodeGroup: 'g', max: 3, bytesMax: 1e6, now: 5_000, session: 's1', suspects: 'none' } as const;
      const first = await pool.queue.claim({ ...request, runId: 'r1' });
      expect([ids(first.claimed), first.hasMore]).toEqual([['J0000', 'J0001', 'J0002'], true]);
      expect(first.claimed.map((record) => record.status.attempt)).toEqual([1, 1, 1]);
      expect(proxy.faults).toBe(faults + 1);
      expect(ids((await pool.queue.claim({ ...request, runId: 'r2' })).claimed)).toEqual(['J0003', 'J0004']);
      await end(pool);
    },
  );

  it('a store that stays away is reported in time, and used again when it is back', { timeout: 60_000 }, async () => {
    const clock = new SteppedClock();
    const pool = await opened({ clock, connectMs: 300, retryMs: 60_000 });
    await pool.queue.add([aRun()]);
    proxy.rule(() => 'lost');
    clock.stepMs = 20_000;
    const error = await errorOf(pool.queue.update([{ before: aRun(), after: settled(aRun()) }]));
    expect(clock.monoMs()).toBe(60_000);
    expect(error).toMatchObject({ code: 'LTS_STORE_FAILED', isRetryable: true });
    expect(error.message).toMatch(/^MongoDB at .*: 'change jobs' failed .* the same call again is safe\.$/);
    clock.stepMs = 0;
    proxy.rule();
    expect(await pool.queue.update([{ before: aRun(), after: settled(aRun()) }])).toEqual([settled(aRun())]);
    await end(pool);
  });

  it(`answers as the model does while connections break (seed ${seed})`, { timeout: 120_000 }, async () => {
    const chance = new SeededChance(seed);
    const faults = proxy.faults;
    for (const some of fc.sample(steps, { seed, numRuns: 8 })) {
      const model = new MemoryJobQueue();
      const pool = await queueOf();
      proxy.rule(oneIn(12, chance));
      for (const { name, verb } of some) {
        if (name === 'reopen') await Promise.all([model.open(), pool.queue.close().then(() => pool.queue.open())]);
        expect(plainAnswer(await verb(pool.queue)), name).toEqual(plainAnswer(await verb(model)));
      }
      await end(pool);
    }
    expect(proxy.faults - faults).toBeGreaterThan(50);
  });

  it(`three trackers do every job once while connections break (seed ${seed})`, { timeout: 120_000 }, async () => {
    const chance = new SeededChance(seed);
    const faults = proxy.faults;
    const database = place.newDatabase();
    const pools = await Promise.all([queueOf(database), queueOf(database), queueOf(database)]);
    proxy.rule(oneIn(25, chance));
    const all = records(300);
    const claims = new Map<string, number>();
    const settles = new Map<string, number>();
    const count = (counts: Map<string, number>, jobId: string): void =>
      void counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
    const adding = pools.map(async ({ queue }, n) => {
      // Every tracker is sent every job, in another order.
      const own = [...all.slice(100 * n), ...all.slice(0, 100 * n)];
      const answers: string[] = [];
      for (let from = 0; from < own.length; from += 50) {
        answers.push(...(await queue.add(own.slice(from, from + 50))).map(({ kind }) => kind));
      }
      return answers.filter((kind) => kind === 'added').length;
    });
    const added = await Promise.all(adding);
    expect(added.reduce((sum, one) => sum + one)).toBe(all.length);

    const settle = async (queue: MongoJobQueue, claimed: readonly JobRecord[]): Promise<void> => {
      const written = await queue.update(claimed.map((before) => ({ before, after: settled(before) })));
      for (const record of written) if (record) count(settles, record.jobId);
    };
    let runs = 0;
    const working = pools.map(async ({ queue }, n) => {
      for (let isMore = true; isMore; ) {
        const runId = `r${runs++}`;
        const request = { nodeGroup: 'g', max: 20, bytesMax: 1e6, now: 5_000, runId, suspects: 'none' } as const;
        const { claimed, hasMore } = await queue.claim({ ...request, session: `s${n}` });
        for (const record of claimed) count(claims, record.jobId);
        // Two settle the same runs: one of them must miss.
        await Promise.all([settle(queue, claimed), settle((pools[(n + 1) % 3] as (typeof pools)[0]).queue, claimed)]);
        isMore = hasMore || claimed.length > 0;
      }
    });
    await Promise.all(working);
    proxy.rule();
    expect(ids((await pools[0]?.queue.get(ids(all))) ?? [])).toEqual(ids(all));
    for (const { jobId } of all) expect([jobId, claims.get(jobId), settles.get(jobId)]).toEqual([jobId, 1, 1]);
    expect(proxy.faults - faults).toBeGreaterThan(5);
    for (const pool of pools.slice(1)) await pool.connection.close();
    await end(pools[0]);
  });
});
