/** Three nats-servers that are one cluster: nodes name them all, the registry has copies, and one server dies. Elections there take 4 to 9 s. */
import { afterAll, describe, expect, it } from 'vitest';
import { NatsRegistry, type NatsRegistrySettings } from '../../../src/adapters/nats/registry/nats-registry.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import { NatsLink, type NatsNode } from '../../../src/boot/places/nats-link.js';
import { JobClient, JobTracker, TaskTracker } from '../../../src/index.js';
import type { NodeInfo } from '../../../src/ports/registry.js';
import { aFolder, atEnd, cleanUp, started } from '../../helpers/cleanups.js';
import { NatsServer, type NatsServerOptions, natsMissing } from '../../servers/nats-server.js';
import { eventually, Nodes } from './nodes.js';

const missing = natsMissing();
const cluster = 'test';
const worker: NodeInfo = { type: 'TASK_TRACKER', nodeGroup: 'group', identity: 'worker-1', startedAt: 1 };

let links = 0;

/** Three servers, and what a test asks of them. */
async function serve(options: NatsServerOptions = {}) {
  const servers = await NatsServer.startCluster(3, options);
  atEnd(() => Promise.all(servers.map((server) => server.stop())));
  const nodes = new Nodes();
  atEnd(() => nodes.stop());
  const urls = servers.map(({ url }) => url);
  const connect = () => nodes.start('', { servers: urls });
  return {
    urls,
    nodes,
    open: async (settings: Partial<NatsRegistrySettings> = {}) => {
      const parts = { ...(await connect()), ids: new SystemIds(nodes.clock) };
      const registry = await NatsRegistry.open({ cluster, ttlMs: 1_500, ...settings }, parts);
      atEnd(() => registry.close());
      return registry;
    },
    /** As a node of this type has it. */
    link: async (type: NatsNode['type'], replicas: 1 | 3) => {
      const identity = `node-${++links}`;
      const { log } = nodes.parts();
      const link = await NatsLink.open({ type, cluster, identity, log, servers: urls, nats: { replicas } });
      atEnd(() => link.close());
    },
    /** How many copies the registry has, and the server that leads them. */
    bucket: async () => {
      const manager = await (await connect()).connection.client.jetstreamManager();
      const { config, cluster: copies } = await manager.streams.info(`KV_lts-${cluster}`);
      return {
        replicas: config.num_replicas,
        leader: servers.find(({ name }) => name === copies?.leader) as NatsServer,
      };
    },
    said: (level: string, text: RegExp) =>
      nodes.lines.filter((line) => line.level === level && text.test(line.text)).map((line) => line.text),
  };
}

describe.skipIf(missing).concurrent(`a cluster of three nats-servers${missing ? ` (${missing})` : ''}`, () => {
  afterAll(cleanUp);

  it('with three copies of the registry loses one server: every submit is answered and run, a new node starts', async () => {
    const { urls, bucket } = await serve();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const place = { clusterName: cluster, registryAddress: urls.join(), nats: { replicas: 3 as const }, log };
    const node = () => ({ ...place, dataPath: aFolder() });
    await started(new JobTracker({ ...node(), jobQueue: 'memory' }));
    await started(new TaskTracker({ ...node(), jobRunner: ({ job }) => job.params }));
    const client = await started(new JobClient(node()));
    const { replicas, leader } = await bucket();
    expect(replicas).toBe(3);
    await leader.kill();
    const codes: string[] = [];
    for (let i = 0; i < 20; i++) codes.push((await client.submitJob({ params: i })).code);
    // Those of a moment without a connection come a little later.
    expect(codes.filter((code) => code !== 'accepted' && code !== 'stored-locally')).toEqual([]);
    const succeeded = () => client.listJobs({ states: ['succeeded'] });
    await eventually(async () => (await succeeded().catch(() => undefined))?.records.length === 20);
    // It begins to start while the two that are left elect the one that leads the registry.
    const later = await started(new JobClient(node()));
    expect((await later.submitJob({ params: 'later' })).code).toBe('accepted');
  });

  it('gives a registry that began with one copy those that a JobTracker asks for, and takes none away', async () => {
    const { open, link, bucket, said } = await serve();
    const first = await open();
    await first.join(worker);
    await link('TASK_TRACKER', 3);
    expect((await bucket()).replicas).toBe(1);
    await Promise.all([link('JOB_TRACKER', 3), link('JOB_TRACKER', 3)]);
    expect((await bucket()).replicas).toBe(3);
    expect(said('info', /more copies now/)).not.toEqual([]);
    await link('JOB_TRACKER', 1);
    expect((await bucket()).replicas).toBe(3);
    expect(said('warn', /copies/)).toEqual([]);
    await eventually(async () => (await first.list()).length === 1);
  });

  it('says what to do where the user may not change the registry, which goes on as it is', async () => {
    const user = '{ user: tracker, password: p, permissions: { publish: { deny: "$JS.API.STREAM.UPDATE.>" } } }';
    const { open, said } = await serve({ config: `authorization { users: [ ${user} ] }\nno_auth_user: tracker` });
    await open();
    const registry = await open({ replicas: 3, raisesReplicas: true });
    await registry.join(worker);
    const move =
      /lts-test .* 1 of the 3 copies .*STREAM\.UPDATE\.KV_lts-test .*nats stream update KV_lts-test --replicas=3/;
    expect(said('warn', /copies/)).toEqual([expect.stringMatching(move)]);
  });

  it('with the only copy of the registry away a start says so, and a node says it once, as that it is back', async () => {
    const { open, bucket, nodes, said } = await serve();
    await (await open()).join(worker);
    const { leader } = await bucket();
    await leader.kill();
    await expect(open()).rejects.toMatchObject({
      code: 'LTS_CONNECT_FAILED',
      message: expect.stringMatching(
        /bucket lts-test: .*keep a copy of it.*Start them again; with lts\.nats\.replicas=3/,
      ),
    });
    const unanswered = () => said('warn', /for its bucket lts-test.* tried again all the time/).length;
    await eventually(() => unanswered() > 0);
    // A second round of its renewals; each call takes 2 s.
    await nodes.clock.sleep(3_000);
    await leader.run();
    await eventually(() => said('info', /registry answers again/).length > 0);
    expect(unanswered()).toBe(1);
  });
});
