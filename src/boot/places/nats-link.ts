/** A node's way to the others over NATS: its own connection, with messages and registry on it. */

import { NatsConnection } from '../../adapters/nats/nats-connection.js';
import { NatsTransport } from '../../adapters/nats/nats-transport.js';
import { NatsRegistry } from '../../adapters/nats/registry/nats-registry.js';
import { LtsError } from '../../errors.js';
import type { NodeType } from '../../ports/registry.js';
import { subjectsOf } from '../../protocol/subjects.js';
import type { NatsOptions } from '../node-options.js';
import { chance, clock, ids } from '../system-ports.js';
import type { NodeSelf } from './node-place.js';

/** What NATS takes by default. Batches close at half of it; one job with the largest params and result may need more. */
const payloadBytesMin = 1024 * 1024;

/** What a node of this kind still does while NATS is away. */
const meanwhile: Readonly<Record<NodeType, string>> = {
  JOB_CLIENT: 'Submits are kept in the FailStore and sent when it is back (without the retry client they are refused)',
  JOB_TRACKER: 'The jobs lie safely in their store; none comes in and none goes out',
  TASK_TRACKER: 'Runs go on until their lease is over (lease-lost), and their results are kept and reported later',
};

/** Who connects, and where to. */
export interface NatsNode extends Pick<NodeSelf, 'type' | 'cluster' | 'identity' | 'log'> {
  readonly servers: readonly string[];
  readonly nats?: NatsOptions | undefined;
}

export class NatsLink {
  private constructor(
    readonly connection: NatsConnection,
    readonly transport: NatsTransport,
    readonly registry: NatsRegistry,
  ) {}

  /** Throws LTS_CONNECT_FAILED, LTS_CONFIG_INVALID, LTS_SERVER_UNFIT, LTS_NOT_PERMITTED, LTS_TIMEOUT. */
  static async open({ type, cluster, identity, log, servers, nats }: NatsNode): Promise<NatsLink> {
    const inboxPrefix = subjectsOf(cluster).inbox(type, identity);
    const settings = { ...nats, servers, identity, inboxPrefix, meanwhile: meanwhile[type] };
    const connection = await NatsConnection.open(settings, { clock, chance, log });
    const transport = new NatsTransport(connection);
    try {
      checkPayload(connection);
      const registry = await NatsRegistry.open({ cluster, replicas: nats?.replicas }, { connection, transport, ids });
      return new NatsLink(connection, transport, registry);
    } catch (error) {
      await transport.close();
      await connection.close();
      throw error;
    }
  }

  /** Leaves in order; `between` is called when nothing can be sent any more, before the connection ends. */
  async close(between: () => Promise<void> = async () => {}): Promise<void> {
    await this.registry.close();
    await this.transport.close();
    await between();
    await this.connection.close();
  }
}

/** What is refused only now and then would be looked for in the wrong place. */
function checkPayload({ bytesMax, servers }: NatsConnection): void {
  if (bytesMax >= payloadBytesMin) return;
  const text = `NATS at ${servers} takes messages of ${bytesMax} bytes only; nodes need ${payloadBytesMin}, which is its default. Raise max_payload of the server.`;
  throw new LtsError('LTS_SERVER_UNFIT', text);
}
