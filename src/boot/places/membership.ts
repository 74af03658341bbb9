/** A node's entry in the registry, and its watch over the mastership of its group and over the nodes of the cluster. */

import { Looks } from '../../cluster/looks.js';
import type { NodeInfo } from '../../ports/registry.js';
import type { NodeOptions } from '../node-options.js';
import { callListener } from './call-listener.js';
import type { NodePlace } from './node-place.js';
import { NodeWatch } from './node-watch.js';

type MembershipPlace = Pick<NodePlace, 'registry' | 'log' | 'giveUp'>;
type Listeners = Pick<NodeOptions, 'masterChangeListener' | 'nodeChangeListener'>;

export class Membership {
  private readonly nodeWatch: NodeWatch | undefined;
  private endWatch: (() => void) | undefined;
  private master: string | undefined;
  private readonly looks: Looks;

  constructor(
    private readonly place: MembershipPlace,
    private readonly node: NodeInfo,
    private readonly listeners: Listeners,
  ) {
    const { identity, nodeGroup } = node;
    this.looks = new Looks(
      () => this.tellChange(),
      (error) => place.log.warn({ error, identity, nodeGroup }, 'the registry does not say who is the master'),
    );
    const { nodeChangeListener } = listeners;
    this.nodeWatch = nodeChangeListener && new NodeWatch(place, nodeChangeListener);
  }

  /** Throws LTS_IDENTITY_IN_USE, and what the registry throws. */
  async join(): Promise<void> {
    const { registry, giveUp } = this.place;
    const { masterChangeListener } = this.listeners;
    if (masterChangeListener) this.endWatch = registry.watchMasters(() => void this.looks.again());
    this.nodeWatch?.start();
    const onTaken = () => giveUp('another node took its identity while this one did not answer');
    await registry.join(this.node, { onTaken });
    if (masterChangeListener) void this.looks.again();
    void this.nodeWatch?.look();
  }

  async leave(): Promise<void> {
    this.endWatch?.();
    this.endWatch = undefined;
    this.nodeWatch?.stop();
    await this.place.registry.leave(this.node.identity);
  }

  private async tellChange(): Promise<void> {
    const { masterChangeListener } = this.listeners;
    const { type, nodeGroup, identity } = this.node;
    const master = await this.place.registry.master(type, nodeGroup);
    if (!this.endWatch || !master || master.identity === this.master) return;
    this.master = master.identity;
    const call = () => masterChangeListener?.(master, master.identity === identity);
    callListener(this.place.log, 'master change listener', call);
  }
}
