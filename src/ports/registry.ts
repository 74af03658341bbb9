/** Who is here and what it can run; who is the master of each group. */
export const nodeTypes = ['JOB_TRACKER', 'TASK_TRACKER', 'JOB_CLIENT'] as const;
export type NodeType = (typeof nodeTypes)[number];

export interface NodeInfo {
  readonly type: NodeType;
  readonly nodeGroup: string;
  readonly identity: string;
  readonly startedAt: number;
  /** Of a JobTracker: the same for those that work on one store. */
  readonly store?: string | undefined;
  readonly processors?: readonly { readonly id: string; readonly description?: string }[] | undefined;
}

export interface NodeChange {
  readonly added: readonly NodeInfo[];
  readonly removed: readonly NodeInfo[];
}

export interface MasterChange {
  readonly type: NodeType;
  readonly nodeGroup: string;
  /** Undefined while the group has none, or none that is surely one. */
  readonly master: NodeInfo | undefined;
}

export interface JoinOptions {
  /**
   * Called once if another node took this identity while this one did not answer (frozen, cut off). This node is out of the
   * registry then, does not come back by itself, and should stop.
   */
  readonly onTaken?: (() => void) | undefined;
}

/** Listeners are called after the change, never inside a call; they must not throw. */
export interface Registry {
  /**
   * Resolves when the node is listed; it stays so, through lost connections and wiped registries, until it leaves or dies. It
   * stands for master of its group. Joining again replaces what it said. Throws LTS_IDENTITY_IN_USE while another living node
   * of its type has its identity; an entry whose holder does not answer is taken over.
   */
  join(node: NodeInfo, options?: JoinOptions): Promise<void>;
  /** Takes out what joined here under this identity; a master hands over at once. */
  leave(identity: string): Promise<void>;
  list(type?: NodeType, nodeGroup?: string): Promise<readonly NodeInfo[]>;
  /** Called with the nodes (of one type) that came or went, from now on. The answer ends the watch. */
  watch(listener: (change: NodeChange) => void, type?: NodeType): () => void;
  /** The master of a node's group: the one elected among its members. */
  master(type: NodeType, nodeGroup: string): Promise<NodeInfo | undefined>;
  /** Called on every change of a group's master, from now on. The answer ends the watch. */
  watchMasters(listener: (change: MasterChange) => void): () => void;
  /** True while a node that joined here is surely the master of its group: it stops being sure before another can be. */
  isMaster(identity: string): boolean;
}
export const Registry = Symbol.for('lts.Registry');
