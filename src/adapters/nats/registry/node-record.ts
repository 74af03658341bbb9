/** A joined node's own entry: claimed, renewed by its revision, written again when it was lost, given up when another took it. */
import { LtsError } from '../../../errors.js';
import type { NodeInfo } from '../../../ports/registry.js';
import type { NatsBucket } from './nats-bucket.js';
import { entryText, type NodeEntry, nodeKey, readEntry } from './registry-entries.js';

/** More only when a third node takes and leaves the identity at the same time. */
const roundsMax = 3;

export interface RecordParts {
  readonly bucket: NatsBucket;
  /** True if the holder of an entry answers. */
  readonly lives: (life: string) => Promise<boolean>;
  /** Told of everything that was written. */
  readonly wrote: (key: string, text: string, revision: number) => void;
}

export class NodeRecord {
  private revision = 0;
  readonly key: string;

  constructor(
    private entry: NodeEntry,
    private readonly parts: RecordParts,
  ) {
    this.key = nodeKey(entry.node);
  }

  get node(): NodeInfo {
    return this.entry.node;
  }

  /** Throws LTS_IDENTITY_IN_USE while the holder of this identity answers, or renews its entry. */
  async claim(): Promise<void> {
    let renewedLife: string | undefined;
    for (let round = 0; round < roundsMax; round++) {
      if (await this.write(this.parts.bucket.create(this.key, this.text))) return;
      const held = await this.parts.bucket.get(this.key);
      if (!held) continue;
      const holder = readEntry(held.text);
      if (holder && (holder.life === renewedLife || (await this.parts.lives(holder.life))))
        throw inUse(this.node, holder.node);
      if (await this.write(this.parts.bucket.update(this.key, this.text, held.revision))) return;
      renewedLife = holder?.life;
    }
    throw inUse(this.node, undefined);
  }

  /** Says something new from the next renewal on. */
  say(node: NodeInfo): void {
    this.entry = { ...this.entry, node };
  }

  /** `taken`: another node holds this identity now. Throws when the outcome is unknown; the next renewal finds out. */
  async renew(): Promise<'renewed' | 'taken'> {
    const { bucket } = this.parts;
    if (await this.write(bucket.update(this.key, this.text, this.revision))) return 'renewed';
    const held = await bucket.get(this.key);
    if (!held) return (await this.write(bucket.create(this.key, this.text))) ? 'renewed' : 'taken';
    if (readEntry(held.text)?.life !== this.entry.life) return 'taken';
    // An update whose answer was lost did arrive.
    return (await this.write(bucket.update(this.key, this.text, held.revision))) ? 'renewed' : 'taken';
  }

  async remove(): Promise<void> {
    await this.parts.bucket.delete(this.key, this.revision);
  }

  private get text(): string {
    return entryText(this.entry);
  }

  private async write(writing: Promise<number | undefined>): Promise<boolean> {
    const { text } = this;
    const revision = await writing;
    if (revision === undefined) return false;
    this.revision = revision;
    this.parts.wrote(this.key, text, revision);
    return true;
  }
}

function inUse(node: NodeInfo, holder: NodeInfo | undefined): LtsError {
  const since = holder ? ` since ${new Date(holder.startedAt).toISOString()}` : '';
  return new LtsError(
    'LTS_IDENTITY_IN_USE',
    `Node ${node.identity} cannot join: another ${node.type} has this identity${since}. Give this node another identity.`,
  );
}
