/** What a NodeChangeListener is told: which nodes the registry shows, and which of them come and go. */
import type { Log } from '../../ports/log.js';
import type { NodeInfo, Registry } from '../../ports/registry.js';
import type { NodeOptions } from '../node-options.js';

export interface NodeWatchPlace {
  readonly registry: Registry;
  readonly log: Log;
}

/**
 * Each look at the registry tells what has changed since the last one, so whatever is missed or comes twice, what was told adds up to
 * what there is. One look is under way at a time, and one more follows whatever number of changes come meanwhile.
 */
export class NodeWatch {
  private readonly told = new Map<string, NodeInfo>();
  private ends: readonly (() => void)[] = [];
  private isLooking = false;
  private isStale = false;

  constructor(
    private readonly place: NodeWatchPlace,
    private readonly listener: NonNullable<NodeOptions['nodeChangeListener']>,
  ) {}

  /** From now on; changes are told after `look`. */
  start(): void {
    const { registry } = this.place;
    const types = this.listener.nodeTypes ?? [undefined];
    this.ends = types.map((type) => registry.watch(() => void this.look(), type));
  }

  stop(): void {
    for (const end of this.ends) end();
    this.ends = [];
  }

  async look(): Promise<void> {
    this.isStale = true;
    if (this.isLooking) return;
    this.isLooking = true;
    while (this.isStale && this.ends.length > 0) {
      this.isStale = false;
      await this.tellChange();
    }
    this.isLooking = false;
  }

  private async tellChange(): Promise<void> {
    try {
      const nodes = await this.nodes();
      if (this.ends.length > 0) this.tell(nodes);
    } catch (error) {
      this.place.log.warn({ error }, 'the registry does not say which nodes there are; its next change is told');
    }
  }

  private async nodes(): Promise<readonly NodeInfo[]> {
    const types = this.listener.nodeTypes ?? [undefined];
    return (await Promise.all(types.map((type) => this.place.registry.list(type)))).flat();
  }

  private tell(nodes: readonly NodeInfo[]): void {
    const present = new Map(nodes.map((node) => [keyOf(node), node]));
    const removed = [...this.told].filter(([key]) => !present.has(key)).map(([, node]) => node);
    const added = [...present].filter(([key]) => !this.told.has(key)).map(([, node]) => node);
    this.told.clear();
    for (const [key, node] of present) this.told.set(key, node);
    if (removed.length > 0) this.call(() => this.listener.removeNodes?.(removed));
    if (added.length > 0) this.call(() => this.listener.addNodes?.(added));
  }

  /** Not waited for: one that hangs would hold back what follows for ever. */
  private call(listen: () => unknown): void {
    new Promise((resolve) => resolve(listen())).catch((error: unknown) =>
      this.place.log.error({ error }, 'the node change listener failed'),
    );
  }
}

/** Of one life of a node: another start under the same name is another node. */
const keyOf = ({ type, identity, startedAt, nodeGroup }: NodeInfo): string =>
  `${type}/${nodeGroup}/${identity}/${startedAt}`;
