/** What jobs cost in commands and documents, counted by the driver; counts do not depend on the machine. */
import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { MongoJobLogger } from '../../../src/adapters/mongo/mongo-job-logger.js';
import type { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import type { JobRecord } from '../../../src/job/job.js';
import { settled } from '../../conformance/queue-under-test.js';
import { aRun, ids, records } from '../../helpers/records.js';
import { type MongoPlace, type OpenPool, withMongo } from './mongo-place.js';

/** Commands sent since the last look, with the documents that each carries. */
class Counter {
  private sent: string[] = [];

  readonly onCommand = (name: string, command: Document): void => {
    const carried = command.documents ?? command.updates ?? command.deletes ?? [];
    this.sent.push(`${name} ${carried.length}`);
  };

  since(): string[] {
    const sent = this.sent;
    this.sent = [];
    return sent;
  }
}

withMongo('the cost', (place: MongoPlace) => {
  /** A queue, counted from now on. */
  async function counted(
    tests: (queue: MongoJobQueue, counter: Counter, pool: OpenPool) => Promise<void>,
  ): Promise<void> {
    const counter = new Counter();
    const pool = await place.queue({ onCommand: counter.onCommand });
    counter.since();
    await tests(pool.queue, counter, pool);
    await place.end(pool);
  }
  const claim = {
    nodeGroup: 'g',
    max: 100,
    bytesMax: 1e6,
    now: 5_000,
    runId: 'r1',
    session: 's1',
    suspects: 'none',
  } as const;
  const settle = (run: JobRecord) => ({ before: run, after: settled(run) });

  it('of a hundred jobs on an idle group is one insert and one update', () =>
    counted(async (queue, counter) => {
      const runs = Array.from({ length: 100 }, (_, i) => aRun({ jobId: `J${i}` }));
      await queue.add(runs);
      expect(counter.since()).toEqual(['insert 100']);
      await queue.update(runs.map(settle));
      expect(counter.since()).toEqual(['update 100']);
    }));

  it('of a hundred jobs with a backlog is an insert, a look, an update, a look back and an update', () =>
    counted(async (queue, counter) => {
      await queue.add(records(100));
      const { claimed } = await queue.claim(claim);
      await queue.update(claimed.map(settle));
      expect(counter.since()).toEqual(['insert 100', 'find 0', 'update 1', 'find 0', 'update 100']);
    }));

  it('of a claim from a deep backlog is at most four commands, from then on three', () =>
    counted(async (queue, counter) => {
      await queue.add(records(500));
      counter.since();
      await queue.claim(claim);
      expect(counter.since()).toEqual(['find 0', 'distinct 0', 'update 1', 'find 0']);
      await queue.claim({ ...claim, runId: 'r2' });
      expect(counter.since()).toEqual(['find 0', 'update 1', 'find 0']);
    }));

  it('of repeats, conflicts and misses is one more look', () =>
    counted(async (queue, counter) => {
      const all = records(100);
      await queue.add(all.slice(0, 50));
      counter.since();
      await queue.add(all);
      expect(counter.since()).toEqual(['insert 100', 'find 0']);
      await queue.add(records(100, { taskId: 't' }, 'T'));
      expect(counter.since()).toEqual(['insert 1', 'find 0']);
      const runs = (await queue.claim(claim)).claimed;
      await queue.update(runs.slice(0, 10).map(settle));
      counter.since();
      await queue.update(runs.map(settle));
      expect(counter.since()).toEqual([`update ${runs.length}`, 'find 0']);
    }));

  it('of calls made together is that of one call', () =>
    counted(async (queue, counter) => {
      const runs = Array.from({ length: 100 }, (_, i) => aRun({ jobId: `J${i}` }));
      await Promise.all(runs.map((run) => queue.add([run])));
      expect(counter.since()).toEqual(['insert 100']);
      expect((await Promise.all(runs.map(({ jobId }) => queue.get([jobId])))).flat()).toHaveLength(100);
      expect(counter.since()).toEqual(['find 0']);
      await Promise.all(runs.map((run) => queue.update([settle(run)])));
      expect(counter.since()).toEqual(['update 100']);
    }));

  it('of a hundred log lines is one insert', () =>
    counted(async (_, counter, { connection }) => {
      const logger = new MongoJobLogger(connection);
      await logger.open();
      counter.since();
      const line = { jobId: 'J1', runId: 'r1', at: 1, level: 'INFO', type: 'biz', text: 'x' } as const;
      await logger.append(Array.from({ length: 100 }, (_, seq) => ({ ...line, seq })));
      expect(counter.since()).toEqual(['insert 100']);
      await logger.close();
    }));

  it('of rivals is bounded: four trackers empty one backlog, each job once', async () => {
    const database = place.newDatabase();
    const counter = new Counter();
    const pools = await Promise.all([1, 2, 3, 4].map(() => place.queue({ database, onCommand: counter.onCommand })));
    const all = records(800);
    await pools[0]?.queue.add(all);
    counter.since();
    const taken = await Promise.all(
      pools.map(async ({ queue }, n) => {
        const found: JobRecord[] = [];
        for (let isMore = true, turn = 0; isMore; turn++) {
          const own = { runId: `r${n}.${turn}`, session: `s${n}`, max: 20 };
          const { claimed, hasMore } = await queue.claim({ ...claim, ...own });
          found.push(...claimed);
          isMore = hasMore;
        }
        return found;
      }),
    );
    expect(ids(taken.flat()).sort()).toEqual(ids(all));
    // 40 claims of 20; undisturbed they cost 3 commands each.
    expect(counter.since().length).toBeLessThan(10 * 40);
    for (const found of taken) expect(found.length).toBeGreaterThan(40);
    for (const pool of pools.slice(1)) await pool.connection.close();
    if (pools[0]) await place.end(pools[0]);
  });
});
