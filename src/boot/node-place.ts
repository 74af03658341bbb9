/** The place of a node in the process's cluster. */
import { pinoLog } from '../adapters/pino/pino-log.js';
import type { Log } from '../ports/log.js';
import type { NodeInfo, NodeType } from '../ports/registry.js';
import type { Transport } from '../ports/transport.js';
import { EmbeddedCluster } from './embedded.js';
import { Membership } from './membership.js';
import { type NodeOptions, storeChoiceOf } from './node-options.js';
import { clock, newIdentity } from './system-ports.js';

/** A node's options with their defaults, and its place in the process's cluster. */
export interface NodePlace {
  readonly cluster: string;
  readonly identity: string;
  readonly log: Log;
  readonly embedded: EmbeddedCluster;
}

/** What every running node has, whatever its role. */
export interface PlacedNode {
  readonly place: NodePlace;
  readonly transport: Transport;
  readonly membership?: Membership | undefined;
}

const prefixes = { JOB_CLIENT: 'JC', JOB_TRACKER: 'JT', TASK_TRACKER: 'TT' } as const;

export async function enterCluster(options: NodeOptions, type: NodeType): Promise<NodePlace> {
  const identity = options.identity ?? newIdentity(prefixes[type]);
  const log = options.log ?? pinoLog({ identity });
  const embedded = await EmbeddedCluster.enter(options.dataPath ?? './data', storeChoiceOf(options), log);
  return { cluster: options.clusterName ?? 'lts', identity, log, embedded };
}

/** What the registry says of this node. */
export function membershipOf(
  place: NodePlace,
  options: NodeOptions,
  node: Pick<NodeInfo, 'type' | 'nodeGroup' | 'processors'>,
): Membership {
  const info = { ...node, identity: place.identity, startedAt: clock.wallMs() };
  return new Membership(place.embedded.registry, info, { listener: options.masterChangeListener, log: place.log });
}

/** Starts a role in its place and lets the others know; a node that cannot start leaves nothing behind. */
export async function startRole(role: { start(): Promise<void> }, node: PlacedNode): Promise<void> {
  try {
    await role.start();
    await node.membership?.join();
  } catch (error) {
    await leaveCluster(node);
    throw error;
  }
}

export async function leaveCluster({ place, transport, membership }: PlacedNode): Promise<void> {
  await membership?.leave();
  await transport.close();
  await place.embedded.leave();
}
