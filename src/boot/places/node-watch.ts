/** What a NodeChangeListener is told: which nodes the registry shows, and which of them come and go. */

import { Looks } from '../../cluster/looks.js';
import type { Log } from '../../ports/log.js';
import type { NodeInfo, Registry } from '../../ports/registry.js';
import type { NodeOptions } from '../node-options.js';
import { callListener } from './call-listener.js';

export interface NodeWatchPlace {
  readonly registry: Registry;
  readonly log: Log;
}

/**
 * Each look at the registry tells what has changed since the last one, so whatever is missed or comes twice, what was told adds up to
 * what there is.
 */
export class NodeWatch {
  private readonly told = new Map<string, NodeInfo>();
  private ends: readonly (() => void)[] = [];
  private readonly looks: Looks;

  constructor(
    private readonly place: NodeWatchPlace,
    private readonly listener: NonNullable<NodeOptions['nodeChangeListener']>,
  ) {
    this.looks = new Looks(
      () => this.tellChange(),
      (error) => place.log.warn({ error }, 'the registry does not say which nodes there are; its next change is told'),
    );
  }

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

  look(): Promise<void> {
    return this.looks.again();
  }

  private async tellChange(): Promise<void> {
    if (this.ends.length === 0) return;
    const nodes = await this.nodes();
    if (this.ends.length > 0) this.tell(nodes);
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
    const call = (listen: () => unknown) => callListener(this.place.log, 'node change listener', listen);
    if (removed.length > 0) call(() => this.listener.removeNodes?.(removed));
    if (added.length > 0) call(() => this.listener.addNodes?.(added));
  }
}

/** Of one life of a node: another start under the same name is another node. */
const keyOf = ({ type, identity, startedAt, nodeGroup }: NodeInfo): string =>
  `${type}/${nodeGroup}/${identity}/${startedAt}`;
