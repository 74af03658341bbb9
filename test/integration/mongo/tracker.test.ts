/** A whole way of jobs in real time on MongoDB: client, tracker and worker, with connections that break and a tracker that changes. */
import { expect, it } from 'vitest';
import { JsonCodec } from '../../../src/adapters/json/json-codec.js';
import { MemoryFailStore } from '../../../src/adapters/memory/memory-fail-store.js';
import { MemoryNetwork } from '../../../src/adapters/memory/memory-transport.js';
import { MongoClock, serverTimeOf } from '../../../src/adapters/mongo/mongo-clock.js';
import { MongoJobLogger } from '../../../src/adapters/mongo/mongo-job-logger.js';
import { MongoLeases } from '../../../src/adapters/mongo/mongo-leases.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { RunnerTable } from '../../../src/boot/runner-table.js';
import { JobClientRole } from '../../../src/job-client/job-client.js';
import { JobTrackerRole } from '../../../src/job-tracker/job-tracker.js';
import type { Transport } from '../../../src/ports/transport.js';
import { TaskTrackerRole } from '../../../src/task-tracker/task-tracker.js';
import { SeededChance } from '../../../src/testing/seeded-chance.js';
import { FlakyProxy } from './flaky-proxy.js';
import { type MongoPlace, withMongo } from './mongo-place.js';

const settings = { cluster: 'test', timeZone: 'UTC' };

withMongo('a tracker', (place: MongoPlace) => {
  it('runs every job once while its connections break and another tracker takes over', {
    timeout: 60_000,
  }, async () => {
    const proxy = new FlakyProxy(place.running.host);
    await proxy.start();
    const pool = await place.queue({ addresses: proxy.url, commandMs: 1_000, retryMs: 20_000 });
    const logger = new MongoJobLogger(pool.connection);
    await logger.open();
    // The trackers of one store share their leases: the second one goes on with the sessions of the first.
    const leases = new MongoLeases(pool.connection);
    await leases.open();
    const { ports } = pool.connection;
    const clock = new MongoClock(serverTimeOf(pool.connection), new SystemClock(), ports.log);
    await clock.start();

    const network = new MemoryNetwork(clock);
    const transports: Transport[] = [];
    const newTransport = (): Transport => {
      const transport = network.transport();
      transports.push(transport);
      return transport;
    };
    const shared = { ...ports, clock };
    const newTracker = async (): Promise<JobTrackerRole> => {
      const ports = { ...shared, queue: pool.queue, logger, leases, transport: newTransport() };
      const role = new JobTrackerRole(ports, settings);
      await role.start();
      return role;
    };
    const first = await newTracker();
    const runs = new Map<string, number>();
    const runners = new RunnerTable({
      jobRunner: (context) => void runs.set(context.job.jobId, (runs.get(context.job.jobId) ?? 0) + 1),
    });
    const role = { ...shared, codec: new JsonCodec(), transport: newTransport() };
    const workerPorts = { ...role, failStore: new MemoryFailStore(), runners };
    const worker = new TaskTrackerRole(workerPorts, { cluster: 'test', identity: 'w', nodeGroup: 'lts' });
    await worker.start();
    const clientPorts = { ...role, failStore: new MemoryFailStore(), transport: newTransport() };
    const client = new JobClientRole(clientPorts, { cluster: 'test', identity: 'c', nodeGroup: 'web' });
    await client.start();

    const chance = new SeededChance(9);
    proxy.rule(() => (chance.isLucky(0.02) ? 'unanswered' : 'pass'));
    const submit = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => client.submit({ params: { n } })));
    const outcomes = await submit(200);
    await first.stop();
    const second = await newTracker();
    outcomes.push(...(await submit(200)));
    // Rejects for a job that does not succeed.
    await Promise.all(outcomes.map(({ jobId }) => client.result(jobId)));

    expect([...runs.values()].filter((count) => count !== 1)).toEqual([]);
    expect(runs.size).toBe(400);
    expect(await pool.queue.count()).toEqual({ lts: { succeeded: 400 } });
    proxy.rule();
    await client.stop();
    await worker.stop();
    await second.stop();
    for (const transport of transports) await transport.close();
    clock.stop();
    await logger.close();
    await place.end(pool);
    await proxy.stop();
  });
});
