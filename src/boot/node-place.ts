/** The place of a node in the process's cluster. */
import { pinoLog } from '../adapters/pino/pino-log.js';
import type { Log } from '../ports/log.js';
import type { Transport } from '../ports/transport.js';
import { EmbeddedCluster } from './embedded.js';
import type { NodeOptions } from './node-options.js';
import { newIdentity } from './system-ports.js';

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
}

export async function enterCluster(options: NodeOptions, prefix: 'JC' | 'JT' | 'TT'): Promise<NodePlace> {
  const identity = options.identity ?? newIdentity(prefix);
  const log = options.log ?? pinoLog({ identity });
  const embedded = await EmbeddedCluster.enter(options.dataPath ?? './data', options.jobQueue ?? 'lmdb', log);
  return { cluster: options.clusterName ?? 'lts', identity, log, embedded };
}

/** Starts a role in its place; a role that cannot start leaves nothing behind. */
export async function startRole(role: { start(): Promise<void> }, node: PlacedNode): Promise<void> {
  try {
    await role.start();
  } catch (error) {
    await leaveCluster(node);
    throw error;
  }
}

export async function leaveCluster({ place, transport }: PlacedNode): Promise<void> {
  await transport.close();
  await place.embedded.leave();
}
