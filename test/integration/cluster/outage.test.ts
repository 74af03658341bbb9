/** NATS away for ten seconds, under the nodes of a cluster in processes of their own. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobClient } from '../../../src/index.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';
import { Processes } from './processes.js';

const missing = natsMissing();
const log = { debug() {}, info() {}, warn() {}, error() {} };

describe.skipIf(missing)(`NATS killed${missing ? ` (${missing})` : ''}`, () => {
  let server: NatsServer;
  let processes: Processes;
  beforeAll(async () => {
    processes = await Processes.prepare();
    server = await NatsServer.start();
  });
  afterAll(async () => {
    await processes?.end();
    await server?.stop();
  });

  it('for ten seconds: submits are kept and arrive later, runs end once and their results arrive', {
    timeout: 45_000,
  }, async () => {
    const node = () => ({ clusterName: 'outage', registryAddress: server.url, dataPath: processes.folder() });
    const tracker = await processes.start({ role: 'tracker', node: node() });
    const workers = [
      await processes.start({ role: 'worker', node: node() }),
      await processes.start({ role: 'worker', node: node() }),
    ];
    // Long enough to end while NATS is away; they take all slots but two.
    const long = await processes.start({ role: 'client', node: node(), prefix: 'long', jobs: 6, runMs: 5_000 });
    await long.until((client) => client.words('code').length === 6);
    const startedCount = () => workers.flatMap((worker) => worker.words('started')).length;
    while (startedCount() < 6) await wait(20);
    const steady = await processes.start({ role: 'client', node: node(), prefix: 'steady', jobs: 24, everyMs: 500 });
    await steady.until((client) => client.words('code').length >= 2);
    await server.kill();
    // A real outage takes real time.
    await wait(10_000);
    await server.run();
    const back = Date.now();
    const own = await new JobClient({ ...node(), log, jobQueue: 'memory' }).start();
    const ended = async () => {
      const { records } = await own.listJobs({ limit: 1_000 });
      return records.length === 30 && records.every(({ status }) => status.endedAt !== undefined) ? records : undefined;
    };
    let jobs = await ended().catch(() => undefined);
    for (; !jobs; jobs = await ended().catch(() => undefined)) await wait(100);
    console.log(`all jobs ended ${Date.now() - back} ms after NATS was back`);
    expect(jobs.filter(({ status }) => status.state !== 'succeeded')).toEqual([]);
    expect(jobs.filter(({ status }) => status.attempt !== 1 || status.losses !== 0)).toEqual([]);
    expect(startedCount()).toBe(30);
    const codes = steady.words('code').map(([, code]) => code);
    expect(codes.filter((code) => code === 'stored-locally').length).toBeGreaterThan(10);
    expect(codes.filter((code) => code !== 'stored-locally' && code !== 'accepted')).toEqual([]);
    await own.stop();
    await Promise.all([...workers, long, steady, tracker].map((one) => one.stop()));
  });
});
