/** A node's entry in the registry, and its watch over the mastership of its group. */
import type { Log } from '../ports/log.js';
import type { NodeInfo, Registry } from '../ports/registry.js';
import type { MasterChangeListener } from './node-options.js';

export class Membership {
  private endWatch: (() => void) | undefined;
  private master: string | undefined;
  /** Looks at the registry follow one another, so that the listener hears changes in their order. */
  private looks: Promise<void> = Promise.resolve();

  constructor(
    private readonly registry: Registry,
    private readonly node: NodeInfo,
    private readonly hearing: { readonly listener: MasterChangeListener | undefined; readonly log: Log },
  ) {}

  async join(): Promise<void> {
    if (this.hearing.listener) this.endWatch = this.registry.watchMasters(() => void this.look());
    await this.registry.join(this.node);
    if (this.hearing.listener) void this.look();
  }

  async leave(): Promise<void> {
    this.endWatch?.();
    this.endWatch = undefined;
    await this.registry.leave(this.node.identity);
  }

  private look(): Promise<void> {
    this.looks = this.looks.then(() => this.tellChange());
    return this.looks;
  }

  private async tellChange(): Promise<void> {
    const { type, nodeGroup, identity } = this.node;
    try {
      const master = await this.registry.master(type, nodeGroup);
      if (!this.endWatch || !master || master.identity === this.master) return;
      this.master = master.identity;
      await this.hearing.listener?.(master, master.identity === identity);
    } catch (error) {
      this.hearing.log.error({ error, identity, nodeGroup }, 'the master change listener failed');
    }
  }
}
