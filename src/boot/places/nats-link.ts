/** A node's way to the others over NATS: its own connection, with messages and registry on it. */

import { NatsConnection } from '../../adapters/nats/nats-connection.js';
import { wasInterrupted } from '../../adapters/nats/nats-errors.js';
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
  /** Ends the waits of the start. */
  readonly interruption?: AbortSignal | undefined;
}

/** Between two looks whether the registry answers. */
const againMs = 200;

export class NatsLink {
  private constructor(
    readonly connection: NatsConnection,
    readonly transport: NatsTransport,
    readonly registry: NatsRegistry,
  ) {}

  /** Throws LTS_CONNECT_FAILED, LTS_CONFIG_INVALID, LTS_SERVER_UNFIT, LTS_NOT_PERMITTED, LTS_TIMEOUT, LTS_ABORTED. */
  static async open(node: NatsNode): Promise<NatsLink> {
    const { type, cluster, identity, log, servers, nats, interruption } = node;
    const untilMono = clock.monoMs() + (nats?.connectWithinMs ?? 10_000);
    const inboxPrefix = subjectsOf(cluster).inbox(type, identity);
    const settings = { ...nats, servers, identity, inboxPrefix, meanwhile: meanwhile[type] };
    const connection = await NatsConnection.open(settings, { clock, chance, log }, interruption);
    const transport = new NatsTransport(connection);
    // What waits for an answer over it ends with it.
    const end = () => void connection.close();
    interruption?.addEventListener('abort', end, { once: true });
    try {
      checkPayload(connection);
      return new NatsLink(connection, transport, await openRegistry(node, { connection, transport, untilMono }));
    } catch (error) {
      await transport.close();
      await connection.close();
      throw error;
    } finally {
      interruption?.removeEventListener('abort', end);
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

interface Connected {
  readonly connection: NatsConnection;
  readonly transport: NatsTransport;
  readonly untilMono: number;
}

/** While NATS servers elect whoever leads the registry in place of one that died, a start waits as it does for a connection. */
async function openRegistry(node: NatsNode, { untilMono, ...parts }: Connected): Promise<NatsRegistry> {
  const { type, cluster, identity, nats, interruption } = node;
  // One role is enough, and only its user needs to be permitted.
  const settings = { cluster, replicas: nats?.replicas, raisesReplicas: type === 'JOB_TRACKER' };
  for (;;) {
    try {
      return await NatsRegistry.open(settings, { ...parts, ids });
    } catch (error) {
      if (interruption?.aborted) throw wasInterrupted(identity, parts.connection.servers);
      const isOver = clock.monoMs() + againMs >= untilMono;
      if (isOver || !LtsError.is(error) || !error.isRetryable) throw error;
    }
    await clock.sleep(againMs, interruption);
  }
}

/** What is refused only now and then would be looked for in the wrong place. */
function checkPayload({ bytesMax, servers }: NatsConnection): void {
  if (bytesMax >= payloadBytesMin) return;
  const text = `NATS at ${servers} takes messages of ${bytesMax} bytes only; nodes need ${payloadBytesMin}, which is its default. Raise max_payload of the server.`;
  throw new LtsError('LTS_SERVER_UNFIT', text);
}
