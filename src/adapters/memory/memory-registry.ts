/** The nodes of one process: who is here, and who is the master of each group. */
import { LtsError } from '../../errors.js';
import type { NodeInfo, NodeType, Registry } from '../../ports/registry.js';

type Listener = Parameters<Registry['watch']>[0];

/** Most nodes in one process; more is a leak. */
const nodesMax = 10_000;

/**
 * A registry that the nodes of one process share. A node that joins again replaces what it said before. The master of a
 * group is its oldest member (`startedAt`, then `identity`). Listeners are called after the change, never inside the call.
 */
export class MemoryRegistry implements Registry {
  private readonly nodes = new Map<string, NodeInfo>();
  private readonly listeners = new Set<Listener>();

  async join(node: NodeInfo): Promise<void> {
    const before = this.nodes.get(node.identity);
    if (!before && this.nodes.size >= nodesMax)
      throw new LtsError(
        'LTS_BUSY',
        `Node ${node.identity} cannot join: ${nodesMax} nodes are here, which is the bound.`,
      );
    this.nodes.set(node.identity, node);
    this.tell([node], before ? [before] : []);
  }

  async leave(identity: string): Promise<void> {
    const node = this.nodes.get(identity);
    if (!node) return;
    this.nodes.delete(identity);
    this.tell([], [node]);
  }

  async list(type?: NodeType, nodeGroup?: string): Promise<readonly NodeInfo[]> {
    return [...this.nodes.values()].filter(
      (node) => (type === undefined || node.type === type) && (nodeGroup === undefined || node.nodeGroup === nodeGroup),
    );
  }

  watch(listener: Listener): () => void {
    // A wrapper of its own, so that the same function may watch twice and each answer ends its own watch.
    const watching: Listener = (change) => listener(change);
    this.listeners.add(watching);
    return () => void this.listeners.delete(watching);
  }

  async master(type: NodeType, nodeGroup: string): Promise<NodeInfo | undefined> {
    const members = await this.list(type, nodeGroup);
    return members.reduce<NodeInfo | undefined>(
      (oldest, node) => (oldest && isOlder(oldest, node) ? oldest : node),
      undefined,
    );
  }

  private tell(added: readonly NodeInfo[], removed: readonly NodeInfo[]): void {
    for (const listener of this.listeners)
      queueMicrotask(() => {
        if (this.listeners.has(listener)) listener({ added, removed });
      });
  }
}

function isOlder(a: NodeInfo, b: NodeInfo): boolean {
  return a.startedAt < b.startedAt || (a.startedAt === b.startedAt && a.identity < b.identity);
}
