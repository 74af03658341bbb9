/** A command's own way into a cluster, and which nodes are there. */
import { LtsError } from '../../errors.js';
import type { Log } from '../../ports/log.js';
import type { NodeInfo } from '../../ports/registry.js';
import { isEmbedded, type NodeOptions, serversOf } from '../node-options.js';
import type { NatsLink } from '../places/nats-link.js';
import { newIdentity } from '../system-ports.js';

export type { NodeInfo };

/** Where a cluster is. */
export type ClusterAddress = Pick<NodeOptions, 'registryAddress' | 'nats'>;

export interface ClusterPlace extends ClusterAddress {
  readonly cluster: string;
}

/** A command's answer is its whole output. */
export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Connects as a JobClient; the library is loaded only here. Throws what `NatsLink.open` throws. */
export async function openLink(place: ClusterPlace): Promise<Pick<NatsLink, 'transport' | 'registry' | 'close'>> {
  const { NatsLink } = await import('../places/nats-link.js');
  const { cluster, nats } = place;
  const node = { type: 'JOB_CLIENT', cluster, identity: newIdentity('JC'), log: silent } as const;
  const link = await NatsLink.open({ ...node, servers: serversOf(place), nats });
  return { transport: link.transport, registry: link.registry, close: () => link.close() };
}

/** The living nodes by type, group and identity. Throws LTS_CONFIG_INVALID for the embedded shape. */
export async function clusterNodes(place: ClusterPlace): Promise<readonly NodeInfo[]> {
  if (isEmbedded(place)) {
    const text =
      'The nodes of an embedded application are those of its one process, which lists them at lts.health.port. Name a cluster with lts.registry-address=nats://host:port.';
    throw new LtsError('LTS_CONFIG_INVALID', text);
  }
  const { registry, close } = await openLink(place);
  try {
    return [...(await registry.list())].sort(byPlace);
  } finally {
    await close();
  }
}

const wordOf = ({ type, nodeGroup, identity }: NodeInfo): string => `${type} ${nodeGroup} ${identity}`;

const byPlace = (a: NodeInfo, b: NodeInfo): number => (wordOf(a) < wordOf(b) ? -1 : 1);
