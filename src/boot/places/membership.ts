/** A node's entry in the registry, and its watch over the mastership of its group. */
import type { NodeInfo } from '../../ports/registry.js';
import type { MasterChangeListener } from '../node-options.js';
import type { NodePlace } from './node-place.js';

type MembershipPlace = Pick<NodePlace, 'registry' | 'log' | 'giveUp'>;

export class Membership {
  private endWatch: (() => void) | undefined;
  private master: string | undefined;
  /** Looks at the registry follow one another, so that the listener hears changes in their order. */
  private looks: Promise<void> = Promise.resolve();

  constructor(
    private readonly place: MembershipPlace,
    private readonly node: NodeInfo,
    private readonly listener: MasterChangeListener | undefined,
  ) {}

  /** Throws LTS_IDENTITY_IN_USE, and what the registry throws. */
  async join(): Promise<void> {
    const { registry, giveUp } = this.place;
    if (this.listener) this.endWatch = registry.watchMasters(() => void this.look());
    const onTaken = () => giveUp('another node took its identity while this one did not answer');
    await registry.join(this.node, { onTaken });
    if (this.listener) void this.look();
  }

  async leave(): Promise<void> {
    this.endWatch?.();
    this.endWatch = undefined;
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
      await this.listener?.(master, master.identity === identity);
    } catch (error) {
      this.place.log.error({ error, identity, nodeGroup }, 'the master change listener failed');
    }
  }
}
