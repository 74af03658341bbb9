/** A node in its place: how it gets there, joins, starts, and leaves. */
import { pinoLog } from '../../adapters/pino/pino-log.js';
import type { NodeInfo, NodeType } from '../../ports/registry.js';
import { isEmbedded, type NodeOptions } from '../node-options.js';
import { clock, newIdentity } from '../system-ports.js';
import { enterEmbedded } from './embedded-place.js';
import { Membership } from './membership.js';
import type { NodePlace } from './node-place.js';

/** What every running node has, whatever its role. */
export interface PlacedNode<Role> {
  readonly place: NodePlace;
  readonly role: Role;
  readonly membership: Membership;
}

const prefixes = { JOB_CLIENT: 'JC', JOB_TRACKER: 'JT', TASK_TRACKER: 'TT' } as const;

export interface Entrance {
  /** Called when the node cannot go on. */
  stop(): Promise<unknown>;
  /** Ends a wait for NATS. */
  readonly interruption: AbortSignal;
}

/** Throws what its shape throws: see there. */
export async function enterPlace(options: NodeOptions, type: NodeType, entrance: Entrance): Promise<NodePlace> {
  const identity = options.identity ?? newIdentity(prefixes[type]);
  const log = options.log ?? pinoLog({ identity });
  const giveUp = (why: string) => {
    log.error({ identity }, `this node stops: ${why}`);
    void endNode(entrance.stop, () => options.giveUpListener?.(why)).catch((error: unknown) =>
      log.error({ error, identity }, 'a node that gave up could not stop in order'),
    );
  };
  const { clusterName: cluster = 'lts', oldDataHandler } = options;
  const self = { type, cluster, identity, startedAt: clock.wallMs(), log, oldDataHandler, giveUp };
  if (isEmbedded(options)) return enterEmbedded(options, self);
  // An embedded start does not pay for loading the NATS library.
  const { enterNats } = await import('./nats-place.js');
  return enterNats(options, self, entrance.interruption);
}

/** The listener comes first: an application stops its nodes within a deadline of its own, and the first stop counts. */
async function endNode(stop: () => Promise<unknown>, tell: () => unknown): Promise<void> {
  try {
    tell();
  } finally {
    await stop();
  }
}

/** What the registry says of this node. */
export function membershipOf(
  place: NodePlace,
  options: NodeOptions,
  node: Pick<NodeInfo, 'nodeGroup' | 'processors' | 'store'>,
): Membership {
  const { type, identity, startedAt } = place;
  return new Membership(place, { ...node, type, identity, startedAt }, options);
}

interface Startable {
  start(): Promise<void>;
  stop(): Promise<unknown>;
}

/**
 * Starts a role in its place; a node that cannot start leaves nothing behind. It joins first: one whose identity is another's
 * must not begin work that it would have to give back.
 */
export async function startNode<Role extends Startable>(node: PlacedNode<Role>): Promise<PlacedNode<Role>> {
  const { place, role, membership } = node;
  let isStarting = false;
  try {
    await membership.join();
    isStarting = true;
    await role.start();
    await place.ready();
    return node;
  } catch (error) {
    if (isStarting) await role.stop();
    await leaveNode(node);
    throw error;
  }
}

/**
 * Stops a role by `stop` and leaves its place. Of a server that does not answer, both take leave by the deadline; what lies in this
 * process and its files is waited for.
 */
export async function stopNode<Role, Report>(
  { role, ...node }: PlacedNode<Role>,
  deadlineMs: number,
  stop: (role: Role) => Promise<Report>,
): Promise<Report> {
  node.place.leaveBy(clock.monoMs() + deadlineMs);
  try {
    return await stop(role);
  } finally {
    await leaveNode(node);
  }
}

/** After the role has stopped. */
async function leaveNode({ place, membership }: Omit<PlacedNode<unknown>, 'role'>): Promise<void> {
  try {
    await membership.leave();
  } finally {
    await place.leave();
  }
}
