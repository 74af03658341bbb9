/**
 * One node's standing for master of its group, by a lease that only compare-and-set gives and renews.
 *
 *   waiting --create--> holding --renewed--> holding --TTL x 0.7 without a renewal, or another's lease--> waiting
 *
 * The holder stops trusting itself 0.7 TTL after it sent its last good renewal, by its monotonic clock; the server frees the
 * lease one TTL after it stored that renewal, which is later. So two nodes are never sure at once.
 */
import type { NodeInfo } from '../../../ports/registry.js';
import type { NatsBucket } from './nats-bucket.js';
import { entryText, leaseKey, type NodeEntry, readEntry } from './registry-entries.js';

export interface CandidateParts {
  readonly bucket: NatsBucket;
  /** The lease as this node knows it. */
  readonly holder: (key: string) => NodeEntry | undefined;
  readonly wrote: (key: string, text: string, revision: number) => void;
  /** Told that this node is not sure any more. */
  readonly lost: (key: string) => void;
}

const trustedShare = 0.7;

export class Candidate {
  readonly key: string;
  private revision = 0;
  private trustedUntilMono = Number.NEGATIVE_INFINITY;
  private isHolding = false;
  /** When the write was sent whose answer is awaited. */
  private sentMono: number | undefined;

  constructor(
    private entry: NodeEntry,
    private readonly parts: CandidateParts,
  ) {
    this.key = leaseKey(entry.node.type, entry.node.nodeGroup);
  }

  get isMaster(): boolean {
    return this.isHolding && this.monoMs() < this.trustedUntilMono;
  }

  /** True if nobody is known to hold the lease. */
  get isVacant(): boolean {
    return !this.isHolding && this.parts.holder(this.key) === undefined;
  }

  /** Renews the lease or tries to get a vacant one. Throws when the outcome is unknown; the next step finds out. */
  async step(): Promise<void> {
    if (this.isHolding) await this.renew();
    else if (this.isVacant) await this.stand();
  }

  /** Says something new from the next renewal on. */
  say(node: NodeInfo): void {
    this.entry = { ...this.entry, node };
  }

  /** Called every now and then, also while a step waits for its answer. */
  checkTrust(): void {
    if (this.isHolding && !this.isMaster) this.demote();
  }

  /** The watch may bring the news of an election before the answer to the write that won it. */
  heed(holder: NodeEntry): void {
    if (this.sentMono !== undefined && holder.life === this.entry.life) this.hold(this.sentMono);
  }

  /** Frees the lease for the others. */
  async resign(): Promise<void> {
    if (!this.isHolding) return;
    this.isHolding = false;
    await this.parts.bucket.delete(this.key, this.revision);
  }

  private async stand(): Promise<void> {
    if (await this.write(() => this.parts.bucket.create(this.key, this.text))) return;
    const held = await this.parts.bucket.get(this.key);
    if (!held) return;
    if (readEntry(held.text)?.life === this.entry.life)
      await this.write(() => this.parts.bucket.update(this.key, this.text, held.revision));
    else this.parts.wrote(this.key, held.text, held.revision);
  }

  private async renew(): Promise<void> {
    if (await this.write(() => this.parts.bucket.update(this.key, this.text, this.revision))) return;
    this.demote();
    await this.stand();
  }

  private demote(): void {
    this.isHolding = false;
    this.parts.lost(this.key);
  }

  private async write(make: () => Promise<number | undefined>): Promise<boolean> {
    const sentMono = this.monoMs();
    this.sentMono = sentMono;
    try {
      const revision = await make();
      if (revision === undefined) return false;
      this.revision = revision;
      this.hold(sentMono);
      this.parts.wrote(this.key, this.text, revision);
      return true;
    } finally {
      this.sentMono = undefined;
    }
  }

  private hold(sentMono: number): void {
    this.isHolding = true;
    this.trustedUntilMono = sentMono + this.parts.bucket.ttlMs * trustedShare;
  }

  private get text(): string {
    return entryText(this.entry);
  }

  private monoMs(): number {
    return this.parts.bucket.connection.parts.clock.monoMs();
  }
}
