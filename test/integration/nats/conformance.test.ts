/** The conformance suites over real servers: the newest, and the oldest that is supported. */
import { afterAll, beforeAll, describe } from 'vitest';
import { NatsRegistry } from '../../../src/adapters/nats/registry/nats-registry.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import { registrySuite } from '../../conformance/registry.suite.js';
import { transportSuite } from '../../conformance/transport.suite.js';
import { NatsServer, type NatsVersion, natsMissing } from '../../servers/nats-server.js';
import { Nodes } from './nodes.js';

for (const version of ['newest', 'oldest'] as const satisfies NatsVersion[]) {
  const missing = natsMissing(version);
  describe.skipIf(missing)(`nats-server, ${version}${missing ? ` (${missing})` : ''}`, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await NatsServer.start({ version });
    });
    afterAll(() => server?.stop());

    transportSuite(`nats (${version})`, async () => {
      const nodes = new Nodes();
      const started: Awaited<ReturnType<Nodes['start']>>[] = [];
      return {
        node: async () => {
          const node = await nodes.start(server.url);
          started.push(node);
          return node.transport;
        },
        settle: async () => {
          for (const { connection } of started) await connection.client.flush();
        },
        cleanUp: () => nodes.stop(),
      };
    });

    let clusters = 0;
    registrySuite(`nats (${version})`, async () => {
      const nodes = new Nodes();
      const cluster = `test${++clusters}`;
      const registries: NatsRegistry[] = [];
      const ids = new SystemIds(nodes.clock);
      return {
        registry: async () => {
          const node = await nodes.start(server.url);
          const registry = await NatsRegistry.open({ cluster, ttlMs: 3_000 }, { ...node, ids });
          registries.push(registry);
          // A watch tells what comes after its first look.
          await registry.list();
          return registry;
        },
        cleanUp: async () => {
          await Promise.all(registries.map((registry) => registry.close()));
          await nodes.stop();
        },
      };
    });
  });
}
