/**
 * FailStore in an LMDB file. Tables: `entries` [topic, number, key] -> `at value`, in the order of the first put;
 * `keys` [topic, key] -> `number bytes`, which finds an entry and gives the sizes at start; `quarantine` [topic, key] -> JSON.
 */
import { LtsError } from '../../errors.js';
import type { FailEntry, FailStore, FailTopic } from '../../ports/fail-store.js';
import { dataFileOf, LmdbEnvironment } from './environment.js';
import { checkDataFile } from './file-check.js';
import type { LmdbTable } from './table.js';

export interface LmdbFailStoreOptions {
  /** The folder of the store; the caller owns it (see `DataPathOwner`). */
  readonly path: string;
  /** Most entries of a topic, quarantined ones included. Default 100,000. */
  readonly entriesMax?: number | undefined;
  /** Most bytes of keys and values of a topic, quarantined ones included. Default 256 MiB. */
  readonly bytesMax?: number | undefined;
  /** Called once when a commit failed with an unknown outcome; the process is to end. */
  readonly onFatal?: ((error: LtsError) => void) | undefined;
}

type Quarantined = FailEntry & { readonly reason: string };

interface Usage {
  entries: number;
  quarantined: number;
  bytes: number;
}

interface Place {
  readonly number: number;
  readonly bytes: number;
}

/** LMDB's own bound lies near 1,900 bytes; the topic and the number need some of them. */
const keyBytesMax = 1_000;
const topics: readonly FailTopic[] = ['submissions', 'results', 'biz-logs'];
const last = Number.MAX_SAFE_INTEGER;

/** Open it before use: throws LTS_STORE_CORRUPT for a damaged file. `remove` also clears quarantined entries. */
export class LmdbFailStore implements FailStore {
  private environment: LmdbEnvironment | undefined;
  private entries!: LmdbTable;
  private keys!: LmdbTable;
  private aside!: LmdbTable;
  private usage = new Map<FailTopic, Usage>();
  private nextNumber = 1;

  constructor(private readonly options: LmdbFailStoreOptions) {}

  async open(): Promise<void> {
    const { path, onFatal } = this.options;
    checkDataFile(dataFileOf(path));
    const environment = await LmdbEnvironment.open({ path, onFatal });
    this.entries = environment.table('entries');
    this.keys = environment.table('keys');
    this.aside = environment.table('quarantine');
    this.recount();
    // Sizes are kept in memory; only an abandoned commit can make them differ from the tables.
    environment.join({ flush: () => {}, reload: () => this.recount() });
    this.environment = environment;
  }

  async close(): Promise<void> {
    await this.environment?.close();
    this.environment = undefined;
  }

  async put(entries: readonly FailEntry[]): Promise<void> {
    // Of several entries with one key the last one counts.
    const newest = [...new Map(entries.map((entry) => [`${entry.topic} ${entry.key}`, entry])).values()];
    for (const entry of newest) requireShortKey(entry);
    await this.opened().commit(() => {
      const places = newest.map((entry) => this.placeOf(entry.topic, entry.key));
      for (const topic of topics) this.checkBounds(topic, newest, places);
      newest.forEach((entry, i) => void this.keep(entry, places[i]));
    });
  }

  async peek(topic: FailTopic, max: number): Promise<readonly FailEntry[]> {
    this.opened();
    const found = this.entries.entries({ start: [topic, 0], end: [topic, last], limit: max });
    return found.map(({ key, value }) => toEntry(topic, (key as [string, number, string])[2], value));
  }

  async remove(topic: FailTopic, keys: readonly string[]): Promise<void> {
    await this.opened().commit(() => {
      for (const key of keys) {
        this.removeEntry(topic, key);
        this.removeQuarantined(topic, key);
      }
    });
  }

  async quarantine(topic: FailTopic, key: string, reason: string): Promise<void> {
    await this.opened().commit(() => {
      const place = this.placeOf(topic, key);
      const value = place && this.entries.get([topic, place.number, key]);
      if (!place || value === undefined) return;
      this.removeQuarantined(topic, key);
      this.removeEntry(topic, key);
      const { at, value: kept } = toEntry(topic, key, value);
      this.aside.put([topic, key], JSON.stringify({ at, reason, value: kept }));
      this.change(topic, { entries: 0, quarantined: 1, bytes: place.bytes });
    });
  }

  async quarantined(topic: FailTopic): Promise<readonly Quarantined[]> {
    this.opened();
    // The end sorts right behind every key of the topic, whatever characters it has.
    const found = this.aside.entries({ start: [topic], end: [`${topic}\u0001`] });
    return found.map(
      ({ key, value }) => ({ topic, key: (key as [string, string])[1], ...JSON.parse(value) }) as Quarantined,
    );
  }

  async count(topic: FailTopic): Promise<number> {
    this.opened();
    return this.usageOf(topic).entries;
  }

  private opened(): LmdbEnvironment {
    if (this.environment) return this.environment;
    throw new LtsError(
      'LTS_NOT_STARTED',
      `The FailStore in ${this.options.path} is not open. Call open() first and await it.`,
    );
  }

  private keep(entry: FailEntry, place: Place | undefined): void {
    const number = place?.number ?? this.nextNumber++;
    const bytes = bytesOf(entry);
    this.entries.put([entry.topic, number, entry.key], `${entry.at} ${entry.value}`);
    this.keys.put([entry.topic, entry.key], `${number} ${bytes}`);
    this.change(entry.topic, { entries: place ? 0 : 1, quarantined: 0, bytes: bytes - (place?.bytes ?? 0) });
  }

  private removeEntry(topic: FailTopic, key: string): void {
    const place = this.placeOf(topic, key);
    if (!place) return;
    this.entries.remove([topic, place.number, key]);
    this.keys.remove([topic, key]);
    this.change(topic, { entries: -1, quarantined: 0, bytes: -place.bytes });
  }

  private removeQuarantined(topic: FailTopic, key: string): void {
    const text = this.aside.get([topic, key]);
    if (text === undefined) return;
    this.aside.remove([topic, key]);
    this.change(topic, { entries: 0, quarantined: -1, bytes: -quarantinedBytes(key, text) });
  }

  private placeOf(topic: FailTopic, key: string): Place | undefined {
    const text = this.keys.get([topic, key]);
    return text === undefined ? undefined : toPlace(text);
  }

  private checkBounds(topic: FailTopic, entries: readonly FailEntry[], places: readonly (Place | undefined)[]): void {
    const usage = this.usageOf(topic);
    const { entriesMax = 100_000, bytesMax = 256 * 1024 ** 2 } = this.options;
    let count = usage.entries + usage.quarantined;
    let bytes = usage.bytes;
    entries.forEach((entry, i) => {
      if (entry.topic !== topic) return;
      bytes += bytesOf(entry) - (places[i]?.bytes ?? 0);
      if (!places[i]) count++;
    });
    if (count <= entriesMax && bytes <= bytesMax) return;
    const text = `The FailStore topic ${topic} in ${this.options.path} would hold ${count} entries with ${bytes} bytes; its bounds are ${entriesMax} and ${bytesMax}.`;
    throw new LtsError('LTS_FAIL_STORE_FULL', text);
  }

  private usageOf(topic: FailTopic): Usage {
    return this.usage.get(topic) ?? { entries: 0, quarantined: 0, bytes: 0 };
  }

  private change(topic: FailTopic, by: Usage): void {
    const { entries, quarantined, bytes } = this.usageOf(topic);
    this.usage.set(topic, {
      entries: entries + by.entries,
      quarantined: quarantined + by.quarantined,
      bytes: bytes + by.bytes,
    });
  }

  private recount(): void {
    this.usage = new Map();
    this.nextNumber = 1;
    for (const { key, value } of this.keys.entries()) {
      const { number, bytes } = toPlace(value);
      this.nextNumber = Math.max(this.nextNumber, number + 1);
      this.change((key as [FailTopic, string])[0], { entries: 1, quarantined: 0, bytes });
    }
    for (const { key, value } of this.aside.entries()) {
      const [topic, name] = key as [FailTopic, string];
      this.change(topic, { entries: 0, quarantined: 1, bytes: quarantinedBytes(name, value) });
    }
  }
}

const bytesOf = (entry: { key: string; value: string }): number =>
  Buffer.byteLength(entry.key) + Buffer.byteLength(entry.value);

function quarantinedBytes(key: string, text: string): number {
  return bytesOf({ key, value: (JSON.parse(text) as Quarantined).value });
}

function toPlace(text: string): Place {
  const [number = 0, bytes = 0] = text.split(' ').map(Number);
  return { number, bytes };
}

function toEntry(topic: FailTopic, key: string, text: string): FailEntry {
  const gap = text.indexOf(' ');
  return { topic, key, at: Number(text.slice(0, gap)), value: text.slice(gap + 1) };
}

function requireShortKey({ topic, key }: FailEntry): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > keyBytesMax)
    throw new LtsError(
      'LTS_PAYLOAD_TOO_LARGE',
      `A key of the FailStore topic ${topic} has ${bytes} bytes; the limit is ${keyBytesMax}.`,
    );
}
