/** Who is here and what it can run; who is the master of each group. */
export type NodeType = 'JOB_TRACKER' | 'TASK_TRACKER' | 'JOB_CLIENT';

export interface NodeInfo {
  readonly type: NodeType;
  readonly nodeGroup: string;
  readonly identity: string;
  readonly startedAt: number;
  readonly processors?: readonly { readonly id: string; readonly description?: string }[] | undefined;
}

export interface Registry {
  join(node: NodeInfo): Promise<void>;
  leave(identity: string): Promise<void>;
  list(type?: NodeType, nodeGroup?: string): Promise<readonly NodeInfo[]>;
  /** Called with the nodes that came or went, from now on. The answer ends the watch. */
  watch(
    listener: (change: { readonly added: readonly NodeInfo[]; readonly removed: readonly NodeInfo[] }) => void,
  ): () => void;
  /** The master of a node's group: the one elected among its members. */
  master(type: NodeType, nodeGroup: string): Promise<NodeInfo | undefined>;
}
export const Registry = Symbol.for('lts.Registry');
