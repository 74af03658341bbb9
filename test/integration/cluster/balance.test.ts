/** Nodes that choose their JobTracker among two on one MongoDB, over a real nats-server, and what follows when it stops. */
import { MongoClient } from 'mongodb';
import { connect } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JobClient, JobTracker, type NodeInfo, TaskTracker, type TaskTrackerOptions } from '../../../src/index.js';
import { aFolder, atEnd, cleanUp, started } from '../../helpers/cleanups.js';
import { type MongoServer, startMongoServer, whyNoMongo } from '../../servers/mongo-server.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';

const missing = natsMissing() ?? whyNoMongo;
const log = { debug() {}, info() {}, warn() {}, error() {} };
let nats: NatsServer;
let mongo: MongoServer;
let clusters = 0;

/** A cluster of its own with the trackers `one`, the older, and `two`, and with a look at the leases that they keep. */
async function aCluster() {
  const clusterName = `balance-${process.pid}-${++clusters}`;
  const database = `lts_${clusterName}`;
  const dataPath = aFolder();
  const node = { clusterName, registryAddress: nats.url, dataPath, log };
  const store = { jobQueue: 'mongo', mongo: { addresses: mongo.url, database } };
  const trackers = new Map<string, JobTracker>();
  for (const identity of ['one', 'two'])
    trackers.set(identity, await started(new JobTracker({ ...node, ...store, identity })));
  const reader = await new MongoClient(mongo.url).connect();
  atEnd(() => reader.close());
  /** The trackers that serve the TaskTrackers, one for each. */
  const serving = async () => {
    const leases = await reader.db(database).collection(`${clusterName}_leases`).find({ state: 'alive' }).toArray();
    return leases.map(({ tracker }) => String(tracker)).sort();
  };
  const startWorker = (identity: string, loadBalance: TaskTrackerOptions['loadBalance']) =>
    started(new TaskTracker({ ...node, identity, loadBalance, jobRunner: () => 'done' }));
  return { clusterName, node, trackers, serving, startWorker };
}

describe.skipIf(missing)(`the choice of a JobTracker${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    nats = await NatsServer.start();
    mongo = await startMongoServer();
  }, 60_000);
  afterEach(cleanUp);
  afterAll(async () => {
    await nats?.stop();
    await mongo?.stop();
  });

  it('by master-slave: all are served by the master, and when it stops by the other one', {
    timeout: 30_000,
  }, async () => {
    const { node, trackers, serving, startWorker } = await aCluster();
    const gone: string[] = [];
    const nodeChangeListener = {
      nodeTypes: ['JOB_TRACKER'] as const,
      removeNodes: (nodes: readonly NodeInfo[]) => void gone.push(...nodes.map(({ identity }) => identity)),
    };
    const client = await started(new JobClient({ ...node, loadBalance: 'master-slave', nodeChangeListener }));
    for (const identity of ['w1', 'w2', 'w3']) await startWorker(identity, 'master-slave');
    expect(await serving()).toEqual(['one', 'one', 'one']);
    const before = await client.submitJob({});
    expect(await client.result(before.jobId)).toBe('done');
    await trackers.get('one')?.stop();
    await expect.poll(serving, { timeout: 15_000 }).toEqual(['two', 'two', 'two']);
    const after = await client.submitJob({});
    expect([after.code, await client.result(after.jobId)]).toEqual(['accepted', 'done']);
    await expect.poll(() => gone).toEqual(['one']);
  });

  it('by round-robin: the requests of a client take turns', async () => {
    const { clusterName, node, startWorker } = await aCluster();
    await startWorker('w', 'round-robin');
    const client = await started(new JobClient({ ...node, loadBalance: 'round-robin' }));
    const asked: string[] = [];
    const tap = await connect({ servers: nats.url });
    atEnd(() => tap.close());
    tap.subscribe(`lts.${clusterName}.tracker.*`, {
      callback: (_, { subject, data }) => {
        if (new TextDecoder().decode(data).includes('"SubmitJobs"')) asked.push(subject.split('.').at(-1) ?? '');
      },
    });
    await tap.flush();
    for (let i = 0; i < 10; i++) expect((await client.submitJob({})).code).toBe('accepted');
    await expect.poll(() => asked.length).toBe(10);
    const [first, second] = asked;
    expect(new Set([first, second])).toEqual(new Set(['one', 'two']));
    expect(asked).toEqual(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? first : second)));
  });

  it('by consistent-hash: a client goes on when the tracker that it chose stops', { timeout: 30_000 }, async () => {
    const { node, trackers } = await aCluster();
    const clients: JobClient[] = [];
    for (const identity of ['c1', 'c2', 'c3', 'c4'])
      clients.push(await started(new JobClient({ ...node, identity, loadBalance: 'consistent-hash' })));
    await trackers.get('two')?.stop();
    const answers = await Promise.all(clients.map((client) => client.submitJob({})));
    expect(answers.map(({ code }) => code)).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
  });
});
