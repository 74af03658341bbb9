/** A stop in the middle of work while NATS hangs: it takes no longer than it was given, and whoever submitted hears the truth. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JobClient, JobTracker, TaskTracker } from '../../../src/index.js';
import { aFolder, cleanUp, started } from '../../helpers/cleanups.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';

const missing = natsMissing();
const log = { debug() {}, info() {}, warn() {}, error() {} };
const deadlineMs = 800;
/** For the event loop of a busy machine. */
const momentMs = 3_000;

describe.skipIf(missing)(`a frozen NATS${missing ? ` (${missing})` : ''}`, () => {
  let nats: NatsServer;
  beforeAll(async () => {
    nats = await NatsServer.start();
  });
  afterEach(cleanUp);
  afterAll(() => nats?.stop());

  it('held each node that stopped for ten seconds, whatever its deadline', { timeout: 40_000 }, async () => {
    const node = () => ({ clusterName: 'frozen', registryAddress: nats.url, dataPath: aFolder(), log });
    const tracker = await started(new JobTracker(node()));
    const worker = await started(new TaskTracker({ ...node(), jobRunner: () => 1 }));
    const client = await started(new JobClient({ ...node(), jobCompletedHandler: () => {} }));
    await client.result((await client.submitJob({})).jobId);
    nats.pause();
    const underWay = client.submitJob(Array.from({ length: 10 }, () => ({})));
    const began = performance.now();
    const took = async (stopped: Promise<unknown>) => {
      await stopped;
      return performance.now() - began;
    };
    const nodes = [client, worker, tracker];
    const times = await Promise.all(nodes.map((one) => took(one.stop(deadlineMs))));
    nats.resume();
    for (const ms of times) expect(ms).toBeLessThan(deadlineMs + momentMs);
    expect(new Set((await underWay).map(({ code }) => code))).toEqual(new Set(['stored-locally']));
  });
});
