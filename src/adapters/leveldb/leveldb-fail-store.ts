/**
 * FailStore in a LevelDB folder: `entry/<topic>/<number>/<key>` -> `at value`, in the order of the first put;
 * `aside/<topic>/<key>` -> JSON of what was quarantined. Numbers and sizes are kept in memory and read at open.
 */
import type { ClassicLevel } from 'classic-level';
import { LtsError } from '../../errors.js';
import { CommitError, GroupCommit } from '../../kit/group-commit.js';
import type { FailEntry, FailStore, FailTopic } from '../../ports/fail-store.js';
import { openLevel, storeError } from './open-level.js';

export interface LevelDbFailStoreOptions {
  /** The folder of the store; the caller owns it (see `DataPathOwner`). */
  readonly path: string;
  /** Most entries of a topic, quarantined ones included. Default 100,000. */
  readonly entriesMax?: number | undefined;
  /** Most bytes of keys and values of a topic, quarantined ones included. Default 256 MiB. */
  readonly bytesMax?: number | undefined;
  /** Called once when a write failed: LevelDB may lose what follows one that was cut short, so the process is to end. */
  readonly onFatal?: ((error: LtsError) => void) | undefined;
}

type Quarantined = FailEntry & { readonly reason: string };

interface Place {
  readonly number: number;
  readonly bytes: number;
}

interface Shelf {
  /** In the order of their first put. */
  readonly entries: Map<string, Place>;
  /** Quarantined keys and their bytes. */
  readonly aside: Map<string, number>;
  /** Of both. */
  bytes: number;
}

interface Range {
  readonly gte: string;
  readonly lt: string;
  readonly limit?: number;
}

/** Closes a batch: LevelDB's own write buffer holds as much. */
const batchCharactersMax = 4 * 1024 ** 2;
const queuedOperationsMax = 10_000;
const readAheadBytes = 1024 ** 2;

/** Open it before use: throws what `openLevel` throws. `remove` also clears quarantined entries. */
export class LevelDbFailStore implements FailStore {
  private level: ClassicLevel | undefined;
  private group!: GroupCommit;
  private shelves = new Map<FailTopic, Shelf>();
  private nextNumber = 1;
  /** What the running batch writes; undefined deletes. */
  private staged = new Map<string, string | undefined>();
  private charactersStaged = 0;

  constructor(private readonly options: LevelDbFailStoreOptions) {}

  async open(): Promise<void> {
    const level = await openLevel(this.options.path);
    try {
      await this.recount(level);
    } catch (error) {
      await level.close();
      throw storeError(this.options.path, 'read', error);
    }
    this.group = new GroupCommit({
      transact: (body) => this.transact(level, body),
      writes: () => this.charactersStaged,
      queuedOperationsMax,
      writesPerCommitMax: batchCharactersMax,
      onFatal: this.options.onFatal ?? (() => {}),
    });
    this.level = level;
  }

  async close(): Promise<void> {
    const level = this.level;
    if (!level) return;
    this.level = undefined;
    await this.group.close(this.notOpen());
    await level.close();
  }

  async put(entries: readonly FailEntry[]): Promise<void> {
    this.opened();
    // Of several entries with one key the last one counts.
    const newest = [...new Map(entries.map((entry) => [`${entry.topic} ${entry.key}`, entry])).values()];
    await this.group.add(() => {
      for (const topic of new Set(newest.map((entry) => entry.topic)))
        this.checkBounds(
          topic,
          newest.filter((entry) => entry.topic === topic),
        );
      for (const entry of newest) this.keep(entry);
    });
  }

  async peek(topic: FailTopic, max: number): Promise<readonly FailEntry[]> {
    this.opened();
    // From the first one on: in front of it lies what was removed, which LevelDB would have to pass one by one.
    const [first] = this.shelfOf(topic).entries.values();
    if (!first) return [];
    const range = { gte: entryKey(topic, first.number, ''), lt: endOf(`entry/${topic}/`), limit: max };
    const found = await this.read(range);
    return found.map(([key, value]) => toEntry(key, value));
  }

  async remove(topic: FailTopic, keys: readonly string[]): Promise<void> {
    this.opened();
    await this.group.add(() => {
      for (const key of keys) {
        this.removeEntry(topic, key);
        this.removeQuarantined(topic, key);
      }
    });
  }

  async quarantine(topic: FailTopic, key: string, reason: string): Promise<void> {
    const level = this.opened();
    await this.group.add(() => {
      const shelf = this.shelfOf(topic);
      const place = shelf.entries.get(key);
      if (!place) return;
      const from = entryKey(topic, place.number, key);
      const { at, value } = toEntry(from, this.staged.get(from) ?? (level.getSync(from) as string));
      this.removeQuarantined(topic, key);
      this.removeEntry(topic, key);
      this.stage(asideKey(topic, key), JSON.stringify({ at, reason, value }));
      shelf.aside.set(key, place.bytes);
      shelf.bytes += place.bytes;
    });
  }

  async quarantined(topic: FailTopic): Promise<readonly Quarantined[]> {
    const start = asideKey(topic, '');
    const found = await this.read({ gte: start, lt: endOf(start) });
    return found.map(([key, value]) => ({ topic, key: key.slice(start.length), ...JSON.parse(value) }) as Quarantined);
  }

  async count(topic: FailTopic): Promise<number> {
    this.opened();
    return this.shelfOf(topic).entries.size;
  }

  private opened(): ClassicLevel {
    if (this.level) return this.level;
    throw this.notOpen();
  }

  private async read(range: Range): Promise<[string, string][]> {
    try {
      return await this.opened()
        .iterator({ ...range, highWaterMarkBytes: readAheadBytes })
        .all();
    } catch (error) {
      throw LtsError.is(error) ? error : storeError(this.options.path, 'read', error);
    }
  }

  private notOpen(): LtsError {
    const text = `The FailStore in ${this.options.path} is not open. Call open() first and await it.`;
    return new LtsError('LTS_NOT_STARTED', text);
  }

  /** Of a failed write nobody knows what was kept, so nothing is written behind it. */
  private async transact(level: ClassicLevel, body: () => void): Promise<void> {
    try {
      body();
      const writes = [...this.staged].map(([key, value]) => toWrite(key, value));
      if (writes.length > 0) await level.batch(writes, { sync: true });
    } catch (cause) {
      throw new CommitError((cause as Error).message, false, cause);
    } finally {
      this.staged.clear();
      this.charactersStaged = 0;
    }
  }

  private stage(key: string, value: string | undefined): void {
    this.staged.set(key, value);
    this.charactersStaged += key.length + (value?.length ?? 0);
  }

  private keep(entry: FailEntry): void {
    const shelf = this.shelfOf(entry.topic);
    const before = shelf.entries.get(entry.key);
    const number = before?.number ?? this.nextNumber++;
    const bytes = bytesOf(entry);
    this.stage(entryKey(entry.topic, number, entry.key), `${entry.at} ${entry.value}`);
    shelf.entries.set(entry.key, { number, bytes });
    shelf.bytes += bytes - (before?.bytes ?? 0);
  }

  private removeEntry(topic: FailTopic, key: string): void {
    const shelf = this.shelfOf(topic);
    const place = shelf.entries.get(key);
    if (!place) return;
    this.stage(entryKey(topic, place.number, key), undefined);
    shelf.entries.delete(key);
    shelf.bytes -= place.bytes;
  }

  private removeQuarantined(topic: FailTopic, key: string): void {
    const shelf = this.shelfOf(topic);
    const bytes = shelf.aside.get(key);
    if (bytes === undefined) return;
    this.stage(asideKey(topic, key), undefined);
    shelf.aside.delete(key);
    shelf.bytes -= bytes;
  }

  private checkBounds(topic: FailTopic, added: readonly FailEntry[]): void {
    const { entriesMax = 100_000, bytesMax = 256 * 1024 ** 2, path } = this.options;
    const shelf = this.shelfOf(topic);
    let count = shelf.entries.size + shelf.aside.size;
    let bytes = shelf.bytes;
    for (const entry of added) {
      const before = shelf.entries.get(entry.key);
      bytes += bytesOf(entry) - (before?.bytes ?? 0);
      if (!before) count++;
    }
    if (count <= entriesMax && bytes <= bytesMax) return;
    const text = `The FailStore topic ${topic} in ${path} would hold ${count} entries with ${bytes} bytes; its bounds are ${entriesMax} and ${bytesMax}.`;
    throw new LtsError('LTS_FAIL_STORE_FULL', text);
  }

  private shelfOf(topic: FailTopic): Shelf {
    const known = this.shelves.get(topic);
    if (known) return known;
    const shelf: Shelf = { entries: new Map(), aside: new Map(), bytes: 0 };
    this.shelves.set(topic, shelf);
    return shelf;
  }

  private async recount(level: ClassicLevel): Promise<void> {
    this.shelves = new Map();
    this.nextNumber = 1;
    for await (const [key, value] of level.iterator({ highWaterMarkBytes: readAheadBytes })) {
      const [kind, topic, number] = key.split('/', 3) as [string, FailTopic, string];
      if (kind === 'entry') this.note(toEntry(key, value), Number(number));
      else this.noteQuarantined(topic, { key: key.slice(asideKey(topic, '').length), value });
    }
  }

  private note(entry: FailEntry, number: number): void {
    const shelf = this.shelfOf(entry.topic);
    const bytes = bytesOf(entry);
    shelf.entries.set(entry.key, { number, bytes });
    shelf.bytes += bytes;
    this.nextNumber = Math.max(this.nextNumber, number + 1);
  }

  private noteQuarantined(topic: FailTopic, { key, value }: { key: string; value: string }): void {
    const shelf = this.shelfOf(topic);
    const bytes = bytesOf({ key, value: (JSON.parse(value) as Quarantined).value });
    shelf.aside.set(key, bytes);
    shelf.bytes += bytes;
  }
}

const bytesOf = (entry: { key: string; value: string }): number =>
  Buffer.byteLength(entry.key) + Buffer.byteLength(entry.value);

/** Numbers of one length, so that their order is that of the keys. */
const digits = 16;
const entryKey = (topic: FailTopic, number: number, key: string): string =>
  `entry/${topic}/${String(number).padStart(digits, '0')}/${key}`;
const asideKey = (topic: FailTopic, key: string): string => `aside/${topic}/${key}`;

/** Sorts right behind every key that begins with `prefix`, which ends in a slash. */
const endOf = (prefix: string): string => `${prefix.slice(0, -1)}0`;

function toEntry(key: string, text: string): FailEntry {
  const topic = key.split('/', 2)[1] as FailTopic;
  const gap = text.indexOf(' ');
  return {
    topic,
    key: key.slice(entryKey(topic, 0, '').length),
    at: Number(text.slice(0, gap)),
    value: text.slice(gap + 1),
  };
}

function toWrite(key: string, value: string | undefined) {
  return value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const);
}
