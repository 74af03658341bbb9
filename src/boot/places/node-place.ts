/** What a facade needs of its place in the cluster, whatever the shape of the deployment. */
import type { FailStore } from '../../ports/fail-store.js';
import type { Log } from '../../ports/log.js';
import type { OldDataHandler } from '../../ports/old-data.js';
import type { NodeType, Registry } from '../../ports/registry.js';
import type { Transport } from '../../ports/transport.js';
import type { StoreRequest, Stores } from '../stores/stores.js';

/** Who a node is, whatever its place. */
export interface NodeSelf {
  readonly type: NodeType;
  readonly cluster: string;
  readonly identity: string;
  readonly startedAt: number;
  readonly log: Log;
  /** Also of what dead processes left. */
  readonly oldDataHandler?: OldDataHandler | undefined;
  /** The node cannot go on: says why, and stops it. */
  readonly giveUp: (why: string) => void;
}

export interface NodePlace extends NodeSelf {
  readonly transport: Transport;
  readonly registry: Registry;
  readonly failStore: FailStore;
  /** A JobTracker's own; closed with the place. Throws what the stores throw, and LTS_CONFIG_INVALID where another JobTracker has them. */
  openStores(request: StoreRequest): Promise<Stores>;
  /** To be called once the role has started: resolves when the others can reach what it listens to. */
  ready(): Promise<void>;
  /** The node stops: from now on nobody who takes leave waits for another longer than until then. */
  leaveBy(endMono: number): void;
  /** The way back, after the role has stopped. */
  leave(): Promise<void>;
}
