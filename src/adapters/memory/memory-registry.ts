/** The nodes of one process: who is here, and who is the master of each group. */
import { LtsError } from '../../errors.js';
import { Audience } from '../../kit/audience.js';
import type { MasterChange, NodeChange, NodeInfo, NodeType, Registry } from '../../ports/registry.js';

/** Most nodes in one process; more is a leak. */
const nodesMax = 10_000;

/** What the registries of one process share. */
class Members {
  readonly nodes = new Map<string, { readonly node: NodeInfo; readonly owner: MemoryRegistry }>();
  readonly changes = new Audience<NodeChange>();
  readonly masters = new Audience<MasterChange>();

  of(type?: NodeType, nodeGroup?: string): NodeInfo[] {
    return [...this.nodes.values()]
      .map(({ node }) => node)
      .filter(
        (node) =>
          (type === undefined || node.type === type) && (nodeGroup === undefined || node.nodeGroup === nodeGroup),
      );
  }

  masterOf(type: NodeType, nodeGroup: string): NodeInfo | undefined {
    return this.of(type, nodeGroup).reduce<NodeInfo | undefined>(
      (oldest, node) => (oldest && isOlder(oldest, node) ? oldest : node),
      undefined,
    );
  }

  /** Makes a change, and tells it together with the new masters of the groups that it touched. */
  change({ added, removed }: NodeChange, make: () => void): void {
    const groups = new Map([...added, ...removed].map((node) => [`${node.type}/${node.nodeGroup}`, node]));
    const before = [...groups.values()].map(({ type, nodeGroup }) => this.masterOf(type, nodeGroup));
    make();
    this.changes.tell({ added, removed });
    [...groups.values()].forEach(({ type, nodeGroup }, i) => {
      const master = this.masterOf(type, nodeGroup);
      if (master?.identity !== before[i]?.identity) this.masters.tell({ type, nodeGroup, master });
    });
  }
}

/**
 * A registry that the nodes of one process share, each by a handle of its own (`node()`) or all by this one. A node that joins
 * again replaces what it said before. The master of a group is its oldest member (`startedAt`, then `identity`).
 */
export class MemoryRegistry implements Registry {
  constructor(private readonly members = new Members()) {}

  /** The same registry as another node sees it: what joins there cannot replace what joined here. */
  node(): MemoryRegistry {
    return new MemoryRegistry(this.members);
  }

  async join(node: NodeInfo): Promise<void> {
    const { nodes } = this.members;
    const key = keyOf(node);
    const before = nodes.get(key);
    if (before && before.owner !== this)
      throw new LtsError(
        'LTS_IDENTITY_IN_USE',
        `Node ${node.identity} cannot join: a living ${node.type} has this identity since ${new Date(before.node.startedAt).toISOString()}.`,
      );
    if (!before && nodes.size >= nodesMax)
      throw new LtsError(
        'LTS_BUSY',
        `Node ${node.identity} cannot join: ${nodesMax} nodes are here, which is the bound.`,
      );
    const change = { added: [node], removed: before ? [before.node] : [] };
    this.members.change(change, () => nodes.set(key, { node, owner: this }));
  }

  async leave(identity: string): Promise<void> {
    for (const [key, { node, owner }] of this.members.nodes) {
      if (node.identity !== identity || owner !== this) continue;
      this.members.change({ added: [], removed: [node] }, () => this.members.nodes.delete(key));
    }
  }

  async list(type?: NodeType, nodeGroup?: string): Promise<readonly NodeInfo[]> {
    return this.members.of(type, nodeGroup);
  }

  watch(listener: (change: NodeChange) => void, type?: NodeType): () => void {
    return this.members.changes.add((change) => {
      if (type === undefined || [...change.added, ...change.removed].some((node) => node.type === type))
        listener(change);
    });
  }

  async master(type: NodeType, nodeGroup: string): Promise<NodeInfo | undefined> {
    return this.members.masterOf(type, nodeGroup);
  }

  watchMasters(listener: (change: MasterChange) => void): () => void {
    return this.members.masters.add(listener);
  }

  isMaster(identity: string): boolean {
    for (const { node, owner } of this.members.nodes.values()) {
      if (node.identity !== identity || owner !== this) continue;
      if (this.members.masterOf(node.type, node.nodeGroup) === node) return true;
    }
    return false;
  }
}

const keyOf = ({ type, identity }: NodeInfo): string => `${type}/${identity}`;

function isOlder(a: NodeInfo, b: NodeInfo): boolean {
  return a.startedAt < b.startedAt || (a.startedAt === b.startedAt && a.identity < b.identity);
}
