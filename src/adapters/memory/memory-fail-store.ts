/** A FailStore that lives as long as its process: for tests, and for nodes that may lose what they could not send. */
import { LtsError } from '../../errors.js';
import type { FailEntry, FailStore, FailTopic } from '../../ports/fail-store.js';

export interface MemoryFailStoreOptions {
  /** Most entries of a topic, quarantined ones included. Default 100,000. */
  readonly entriesMax?: number;
  /** Most bytes of keys and values of a topic, quarantined ones included. Default 256 MiB. */
  readonly bytesMax?: number;
}

type Quarantined = FailEntry & { readonly reason: string };

interface Shelf {
  /** A Map keeps a replaced entry in its place. */
  readonly entries: Map<string, FailEntry>;
  readonly quarantined: Map<string, Quarantined>;
  /** Of both. */
  bytes: number;
}

const bytesOf = (entry: FailEntry): number => Buffer.byteLength(entry.key) + Buffer.byteLength(entry.value);

/** Keeps the promises of `FailStore` but one: nothing survives the process. `remove` also clears quarantined entries. */
export class MemoryFailStore implements FailStore {
  private readonly shelves = new Map<FailTopic, Shelf>();
  private readonly entriesMax: number;
  private readonly bytesMax: number;

  constructor(options: MemoryFailStoreOptions = {}) {
    this.entriesMax = options.entriesMax ?? 100_000;
    this.bytesMax = options.bytesMax ?? 256 * 1024 ** 2;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async put(entries: readonly FailEntry[]): Promise<void> {
    // Of several entries with one key the last one counts.
    const newest = new Map(entries.map((entry) => [`${entry.topic} ${entry.key}`, entry]));
    for (const topic of new Set(entries.map((entry) => entry.topic)))
      this.checkBounds(
        topic,
        [...newest.values()].filter((entry) => entry.topic === topic),
      );
    for (const entry of newest.values()) this.keep(this.shelf(entry.topic), entry);
  }

  async peek(topic: FailTopic, max: number): Promise<readonly FailEntry[]> {
    return [...this.shelf(topic).entries.values()].slice(0, max);
  }

  async remove(topic: FailTopic, keys: readonly string[]): Promise<void> {
    const shelf = this.shelf(topic);
    for (const key of keys) {
      this.drop(shelf, shelf.entries, key);
      this.drop(shelf, shelf.quarantined, key);
    }
  }

  async quarantine(topic: FailTopic, key: string, reason: string): Promise<void> {
    const shelf = this.shelf(topic);
    const entry = shelf.entries.get(key);
    if (!entry) return;
    this.drop(shelf, shelf.quarantined, key);
    shelf.entries.delete(key);
    shelf.quarantined.set(key, { ...entry, reason });
  }

  async quarantined(topic: FailTopic): Promise<readonly Quarantined[]> {
    return [...this.shelf(topic).quarantined.values()];
  }

  async count(topic: FailTopic): Promise<number> {
    return this.shelf(topic).entries.size;
  }

  private shelf(topic: FailTopic): Shelf {
    const known = this.shelves.get(topic);
    if (known) return known;
    const shelf: Shelf = { entries: new Map(), quarantined: new Map(), bytes: 0 };
    this.shelves.set(topic, shelf);
    return shelf;
  }

  private keep(shelf: Shelf, entry: FailEntry): void {
    const before = shelf.entries.get(entry.key);
    shelf.bytes += bytesOf(entry) - (before ? bytesOf(before) : 0);
    shelf.entries.set(entry.key, entry);
  }

  private drop(shelf: Shelf, from: Map<string, FailEntry | Quarantined>, key: string): void {
    const entry = from.get(key);
    if (!entry) return;
    from.delete(key);
    shelf.bytes -= bytesOf(entry);
  }

  private checkBounds(topic: FailTopic, added: readonly FailEntry[]): void {
    const shelf = this.shelf(topic);
    let count = shelf.entries.size + shelf.quarantined.size;
    let bytes = shelf.bytes;
    for (const entry of added) {
      const before = shelf.entries.get(entry.key);
      bytes += bytesOf(entry) - (before ? bytesOf(before) : 0);
      if (!before) count++;
    }
    if (count <= this.entriesMax && bytes <= this.bytesMax) return;
    const text = `The FailStore topic ${topic} would hold ${count} entries with ${bytes} bytes; its bounds are ${this.entriesMax} and ${this.bytesMax}.`;
    throw new LtsError('LTS_FAIL_STORE_FULL', text);
  }
}
