/**
 * Testing a processor: one run with a made-up context, and a whole cluster on virtual time. Run it with:
 *
 *   npx tsx examples/testing-processors.ts
 *
 * The assertions are Node's own; vitest, jest and node:test do as well.
 */
import assert from 'node:assert/strict';
import { inject } from 'inversify';
import { Action, type JobContext, Processor, Result } from 'light-task-scheduler';
import { JobRunnerTester, testCluster } from 'light-task-scheduler/testing';

class Shop {
  async sync(name: string): Promise<number> {
    throw new Error(`no test should reach the real shop ${name}`);
  }
}

@Processor()
class SyncShop {
  constructor(@inject(Shop) private readonly shop: Shop) {}

  async run({ job, bizLogger }: JobContext<{ shop: string }>) {
    try {
      const synced = await this.shop.sync(job.params.shop);
      bizLogger.info(`${synced} orders`);
      return { synced };
    } catch (error) {
      return Result.later(String(error));
    }
  }
}

// One run: what did it answer, log and report?
const fine: Shop = { sync: async () => 12 };
const report = await new JobRunnerTester(SyncShop, { bindings: [{ token: Shop, value: fine }] }).run({
  params: { shop: '1' },
});
assert.equal(report.action, Action.EXECUTE_SUCCESS);
assert.deepEqual(report.value, { synced: 12 });
assert.deepEqual(report.logs, [{ level: 'INFO', text: '12 orders' }]);
console.log('one run  :', report.action, report.value);

// A cluster: the real JobTracker, TaskTracker and JobClient in memory. Virtual time passes while somebody waits for something.
const broken: Shop = { sync: async () => Promise.reject(new Error('the shop does not answer')) };
await using cluster = await testCluster({
  processors: [SyncShop],
  bindings: [{ token: Shop, value: broken }],
  seed: 7,
});

const job = await cluster.submit(SyncShop, { shop: '1' });
await cluster.advance('5m');
assert.deepEqual([job.attempts, job.state(), job.reason], [11, 'failed', 'exhausted']);
console.log('5 minutes:', job.attempts, 'attempts,', job.state(), job.reason);

// What dies, comes back; what was running runs again.
broken.sync = async () => 3;
const delayed = await cluster.submit(SyncShop, { shop: '2' }, { delay: '2h' });
cluster.workers[0]?.kill();
await cluster.tracker.restart();
await cluster.workers[0]?.start();
assert.deepEqual(await delayed.result({ timeout: '3h' }), { synced: 3 });
console.log('2 hours  :', delayed.state(), await delayed.result());
