/** The failures of nodes, server and bucket on the newest nats-server, and a server that is too old for a registry. */
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { NatsRegistry } from '../../../src/adapters/nats/registry/nats-registry.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import { freePort } from '../../servers/nats-server.js';
import { Nodes } from './nodes.js';
import { registryFailures } from './registry-failures.suite.js';

registryFailures('newest');

describe('a registry on a server of long ago', () => {
  it('is refused with both versions', async () => {
    const port = await freePort();
    const hello = `INFO ${JSON.stringify({ server_id: 'x', version: '2.8.4', max_payload: 1048576, headers: true, proto: 1 })}\r\n`;
    const old = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        for (const _ping of data.toString().matchAll(/PING/g)) socket.write('PONG\r\n');
      });
      socket.write(hello);
    });
    await new Promise<void>((resolve) => old.listen(port, '127.0.0.1', resolve));
    const nodes = new Nodes();
    const node = await nodes.start(`nats://127.0.0.1:${port}`);
    const opening = NatsRegistry.open({ cluster: 'test' }, { ...node, ids: new SystemIds(nodes.clock) });
    await expect(opening).rejects.toMatchObject({
      code: 'LTS_SERVER_UNFIT',
      message: expect.stringMatching(/2\.8\.4.*2\.9\.0/),
    });
    await nodes.stop();
    await new Promise((resolve) => old.close(resolve));
  });
});
