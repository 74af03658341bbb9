/** A node's entry in the registry, and its watch over the mastership of its group and over the nodes of the cluster. */
import type { NodeInfo } from '../../ports/registry.js';
import type { NodeOptions } from '../node-options.js';
import type { NodePlace } from './node-place.js';
import { NodeWatch } from './node-watch.js';

type MembershipPlace = Pick<NodePlace, 'registry' | 'log' | 'giveUp'>;
type Listeners = Pick<NodeOptions, 'masterChangeListener' | 'nodeChangeListener'>;

export class Membership {
  private readonly nodeWatch: NodeWatch | undefined;
  private endWatch: (() => void) | undefined;
  private master: string | undefined;
  /** Looks at the registry follow one another, so that the listener hears changes in their order. */
  private looks: Promise<void> = Promise.resolve();

  constructor(
    private readonly place: MembershipPlace,
    private readonly node: NodeInfo,
    private readonly listeners: Listeners,
  ) {
    const { nodeChangeListener } = listeners;
    this.nodeWatch = nodeChangeListener && new NodeWatch(place, nodeChangeListener);
  }

  /** Throws LTS_IDENTITY_IN_USE, and what the registry throws. */
  async join(): Promise<void> {
    const { registry, giveUp } = this.place;
    const { masterChangeListener } = this.listeners;
    if (masterChangeListener) this.endWatch = registry.watchMasters(() => void this.look());
    this.nodeWatch?.start();
    const onTaken = () => giveUp('another node took its identity while this one did not answer');
    await registry.join(this.node, { onTaken });
    if (masterChangeListener) void this.look();
    void this.nodeWatch?.look();
  }

  async leave(): Promise<void> {
    this.endWatch?.();
    this.endWatch = undefined;
    this.nodeWatch?.stop();
    await this.place.registry.leave(this.node.identity);
  }

  private look(): Promise<void> {
    this.looks = this.looks.then(() => this.tellChange());
    return this.looks;
  }

  private async tellChange(): Promise<void> {
    const { type, nodeGroup, identity } = this.node;
    try {
      const master = await this.place.registry.master(type, nodeGroup);
      if (!this.endWatch || !master || master.identity === this.master) return;
      this.master = master.identity;
      await this.listeners.masterChangeListener?.(master, master.identity === identity);
    } catch (error) {
      this.place.log.error({ error, identity, nodeGroup }, 'the master change listener failed');
    }
  }
}
