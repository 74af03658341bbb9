/**
 * What one part of the bucket holds, as this node knows it: fed by a watch that is made anew whenever it may have missed
 * something. An entry is gone when it was deleted, or not renewed for one TTL by this node's own clock; while this node was
 * cut off or frozen nothing is judged.
 */
import type { QueuedIterator } from 'nats';
import { Deferred } from '../../../kit/deferred.js';
import { type BucketEntry, type NatsBucket, plain } from './nats-bucket.js';

export interface Known<Value> {
  readonly value: Value;
  readonly text: string;
  readonly revision: number;
  readonly seenMono: number;
}

export interface ViewOptions<Value> {
  readonly filter: string;
  /** Undefined for an entry that cannot be read; it is treated as absent. */
  readonly read: (text: string) => Value | undefined;
  /** Not called for what the first look finds. */
  readonly changed: (key: string, before: Value | undefined, after: Value | undefined) => void;
}

const entriesMax = 100_000;
const againMs = 200;

export class BucketView<Value> {
  private readonly entries = new Map<string, Known<Value>>();
  private readonly ready = new Deferred<void>();
  private readonly over = new AbortController();
  private isReady = false;
  private heardMono = 0;
  private iterator: QueuedIterator<unknown> | undefined;

  constructor(
    private readonly bucket: NatsBucket,
    private readonly options: ViewOptions<Value>,
  ) {
    this.heardMono = this.clock.monoMs();
    void this.follow();
  }

  /** Resolves when the first look is complete. */
  get known(): Promise<void> {
    return this.ready.promise;
  }

  get isKnown(): boolean {
    return this.isReady;
  }

  get(key: string): Value | undefined {
    return this.entries.get(key)?.value;
  }

  values(): Value[] {
    return [...this.entries.values()].map(({ value }) => value);
  }

  /** Takes note of an entry, also of what this node itself wrote. An older one than known changes nothing. */
  note({ key, text, revision, isDeleted }: BucketEntry): void {
    const before = this.entries.get(key);
    if (before && revision < before.revision) return;
    const value = isDeleted ? undefined : this.options.read(text);
    if (value === undefined) this.drop(key);
    else if (before || this.entries.size < entriesMax) {
      this.entries.set(key, { value, text, revision, seenMono: this.clock.monoMs() });
      if (before?.text !== text) this.tell(key, before?.value, value);
    }
  }

  drop(key: string): void {
    const before = this.entries.get(key);
    if (!before) return;
    this.entries.delete(key);
    this.tell(key, before.value, undefined);
  }

  /** Called every now and then: drops what was not renewed, and looks anew after too long a silence. */
  expire(): void {
    const now = this.clock.monoMs();
    for (const [key, { seenMono }] of this.entries) if (now - seenMono > this.bucket.ttlMs) this.drop(key);
    // Whoever is here renews three times per TTL; silence means that the watch is broken.
    const quietMs = this.bucket.ttlMs * (this.entries.size > 0 ? 0.5 : 1);
    if (now - this.heardMono > quietMs) this.lookAnew();
  }

  /** This node could not know what happened: everything counts as seen now, and is looked at again. */
  excuse(): void {
    const seenMono = this.clock.monoMs();
    for (const [key, known] of this.entries) this.entries.set(key, { ...known, seenMono });
  }

  lookAnew(): void {
    this.heardMono = this.clock.monoMs();
    // A wiped bucket counts its revisions from 1 again.
    for (const [key, known] of this.entries) this.entries.set(key, { ...known, revision: 0 });
    this.iterator?.stop();
  }

  close(): void {
    this.over.abort(this);
    this.iterator?.stop();
  }

  private get clock() {
    return this.bucket.connection.parts.clock;
  }

  private async follow(): Promise<void> {
    while (!this.over.signal.aborted) {
      await this.read().catch((error: unknown) => {
        this.bucket.connection.parts.log.debug(
          { error, filter: this.options.filter },
          'the watch of the registry is made anew',
        );
      });
      this.iterator = undefined;
      await this.clock.sleep(againMs, this.over.signal);
    }
  }

  private async read(): Promise<void> {
    const iterator = await this.bucket.watch(this.options.filter, () => this.noteKnown());
    this.iterator = iterator;
    if (this.over.signal.aborted) iterator.stop();
    for await (const entry of iterator) {
      this.heardMono = this.clock.monoMs();
      this.note(plain(entry));
    }
  }

  private noteKnown(): void {
    this.isReady = true;
    this.ready.resolve();
  }

  private tell(key: string, before: Value | undefined, after: Value | undefined): void {
    if (this.isReady) this.options.changed(key, before, after);
  }
}
