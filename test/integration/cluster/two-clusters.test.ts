/** Two clusters on one data path: what was kept for one is never sent to the other, in living processes and of killed ones. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JobClient, JobTracker } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';
import { aFolder, atEnd, cleanUp, started } from '../../helpers/cleanups.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';
import { Processes } from './processes.js';

const missing = natsMissing();
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let server: NatsServer;
let processes: Processes;
let pairs = 0;

/** Names of two clusters; the nodes of both lie on one data path unless the test says otherwise. */
function twoClusters() {
  const pair = ++pairs;
  const dataPath = aFolder();
  const nodeOf = (name: string) => ({
    clusterName: `${name}-${pair}`,
    registryAddress: server.url,
    dataPath,
    log: silent,
  });
  return { ours: () => nodeOf('ours'), theirs: () => nodeOf('theirs') };
}

const elsewhere = () => ({ dataPath: aFolder() });

/** Says when the leavings of another cluster are named. */
function watching() {
  const named = new Deferred<object>();
  const warn = (fields: object, text: string) => {
    if (text.includes('another cluster')) named.resolve(fields);
  };
  return { log: { ...silent, warn }, named: named.promise };
}

describe.skipIf(missing)(`two clusters on one data path${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    server = await NatsServer.start();
    processes = await Processes.prepare();
  });
  afterAll(async () => {
    await processes?.end();
    await server?.stop();
  });
  afterEach(cleanUp);

  it('in one living process: a submission kept for one is not sent by a client of the other', async () => {
    const { ours, theirs } = twoClusters();
    await started(new JobTracker({ ...theirs(), ...elsewhere() }));
    const client = await started(new JobClient(ours()));
    expect((await client.submitJob({ jobId: 'J1', delay: '1h' })).code).toBe('stored-locally');
    const other = await started(new JobClient(theirs()));
    // A cancel of what is kept sends it first.
    await expect(other.cancelJob('J1')).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
    await started(new JobTracker({ ...ours(), ...elsewhere() }));
    expect((await client.cancelJob('J1')).receipt).toBe('done');
    expect((await other.listJobs()).records).toEqual([]);
  });

  it('of one name at two systems of NATS, too, while the process lives', async () => {
    const second = await NatsServer.start();
    atEnd(() => second.stop());
    const { ours } = twoClusters();
    const there = () => ({ ...ours(), registryAddress: second.url });
    await started(new JobTracker({ ...there(), ...elsewhere() }));
    const client = await started(new JobClient(ours()));
    expect((await client.submitJob({ jobId: 'J1', delay: '1h' })).code).toBe('stored-locally');
    const other = await started(new JobClient(there()));
    await expect(other.cancelJob('J1')).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
  });

  it('of killed processes: a submission waits for its own cluster, and the other one names it', async () => {
    const { ours, theirs } = twoClusters();
    const dead = await processes.start({ role: 'client', node: ours(), jobs: 1, prefix: 'J', runMs: 1 });
    await dead.until((node) => node.words('code').length === 1);
    expect(dead.words('code')).toEqual([['J-0', 'stored-locally']]);
    await dead.kill();
    const { log, named } = watching();
    await started(new JobTracker({ ...theirs(), ...elsewhere() }));
    const other = await started(new JobClient({ ...theirs(), log }));
    expect(await named).toMatchObject({ entries: 1, cluster: theirs().clusterName });
    expect((await other.listJobs()).records).toEqual([]);
    await started(new JobTracker({ ...ours(), ...elsewhere() }));
    const next = await started(new JobClient(ours()));
    expect((await next.cancelJob('J-0')).receipt).toBe('done');
  });

  it('of killed processes: a result waits for its own cluster, whose job does not run again', {
    timeout: 60_000,
  }, async () => {
    const { ours, theirs } = twoClusters();
    const tracker = { role: 'tracker', node: { ...ours(), ...elsewhere() } } as const;
    const firstTracker = await processes.start(tracker);
    const worker = await processes.start({ role: 'worker', node: ours(), stopWithinMs: 2_000 });
    const node = { ...ours(), ...elsewhere() };
    const submitter = await processes.start({ role: 'client', node, jobs: 1, prefix: 'J', runMs: 1_000 });
    await worker.until((one) => one.words('started').length === 1);
    await firstTracker.kill();
    await submitter.kill();
    // In order, so that the result is sure to have been kept.
    await worker.stop();
    const { log, named } = watching();
    await started(new JobTracker({ ...theirs(), ...elsewhere() }));
    await started(new JobClient({ ...theirs(), log }));
    expect(await named).toMatchObject({ entries: 1 });
    await processes.start(tracker);
    const next = await processes.start({ role: 'worker', node: ours() });
    const client = await started(new JobClient({ ...ours(), ...elsewhere() }));
    expect(await client.result('J-0')).toBe(worker.pid);
    expect((await client.getJob('J-0'))?.status).toMatchObject({ attempt: 1, losses: 0 });
    expect(next.words('started')).toEqual([]);
  });
});
