/** The JetStream key-value bucket of a cluster: compare-and-set on its keys, and a watch. Entries vanish after its TTL. */
import type { JetStreamClient, JetStreamManager, KV, KvEntry, NatsError, QueuedIterator } from 'nats';
import { LtsError } from '../../../errors.js';
import { shown } from '../../../kit/shown.js';
import type { NatsConnection } from '../nats-connection.js';
import { codeOf } from '../nats-errors.js';

export interface BucketSettings {
  readonly cluster: string;
  readonly ttlMs: number;
  readonly replicas: number;
}

export interface BucketEntry {
  readonly key: string;
  readonly text: string;
  readonly revision: number;
  readonly isDeleted: boolean;
}

/** Every call to the server ends within this time. */
const callMs = 2_000;
const oldestVersion = [2, 9, 0] as const;
const wrongRevision = 10071;
const streamMissing = 10059;

export class NatsBucket {
  private constructor(
    readonly connection: NatsConnection,
    private readonly settings: BucketSettings,
    private readonly stream: { readonly js: JetStreamClient; readonly manager: JetStreamManager },
  ) {}

  private kv!: KV;
  private ttl = 0;

  /** Throws LTS_SERVER_UNFIT for a server without JetStream or older than 2.9, LTS_NOT_PERMITTED, LTS_CONNECT_FAILED. */
  static async open(connection: NatsConnection, settings: BucketSettings): Promise<NatsBucket> {
    checkVersion(connection);
    const { client } = connection;
    try {
      const stream = {
        js: client.jetstream({ timeout: callMs }),
        manager: await client.jetstreamManager({ timeout: callMs }),
      };
      const bucket = new NatsBucket(connection, settings, stream);
      await bucket.reopen();
      return bucket;
    } catch (error) {
      throw translated(error, connection);
    }
  }

  /** Of the bucket as it is, which an earlier node may have made with another setting. */
  get ttlMs(): number {
    return this.ttl;
  }

  get name(): string {
    return `lts-${this.settings.cluster}`;
  }

  /** Makes the bucket where it is not there (any more). */
  async reopen(): Promise<void> {
    const { ttlMs, replicas } = this.settings;
    // Reads go to the leader: a direct read may be answered by a follower that does not know the last write yet.
    const options = {
      ttl: ttlMs,
      replicas,
      history: 1,
      maxValueSize: 256 * 1024,
      allow_direct: false,
      timeout: callMs,
    };
    this.kv = await this.stream.js.views.kv(this.name, options);
    const { config } = await this.stream.manager.streams.info(`KV_${this.name}`);
    this.ttl = Math.floor(config.max_age / 1e6) || ttlMs;
    if (this.ttl !== ttlMs)
      this.connection.parts.log.warn(
        { bucket: this.name, ttlMs: this.ttl, asked: ttlMs },
        'the bucket keeps its other TTL',
      );
  }

  /** The new revision; undefined if the key is there. */
  create(key: string, text: string): Promise<number | undefined> {
    return this.write(() => this.kv.create(key, text));
  }

  /** The new revision; undefined if the key is not at this revision. */
  update(key: string, text: string, revision: number): Promise<number | undefined> {
    return this.write(() => this.kv.update(key, text, revision));
  }

  /** Deletes the key if it is at this revision. */
  async delete(key: string, revision: number): Promise<void> {
    await this.write(() => this.kv.delete(key, { previousSeq: revision }));
  }

  async get(key: string): Promise<BucketEntry | undefined> {
    try {
      const entry = await this.kv.get(key);
      return entry && entry.operation === 'PUT' ? plain(entry) : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw translated(error, this.connection);
    }
  }

  /** What is there, then every change; `known` is called between the two. The iterator ends when it must be made anew. */
  async watch(filter: string, known: () => void): Promise<QueuedIterator<KvEntry>> {
    try {
      return await this.kv.watch({ key: filter, initializedFn: known });
    } catch (error) {
      if (isMissing(error)) await this.reopen();
      throw translated(error, this.connection);
    }
  }

  /** A missing bucket is made, and the write is tried once more. */
  private async write<T>(make: () => Promise<T>): Promise<T | undefined> {
    try {
      return await make().catch(async (error: unknown) => {
        if (!isMissing(error)) throw error;
        await this.reopen();
        return make();
      });
    } catch (error) {
      if (apiCode(error) === wrongRevision) return undefined;
      throw translated(error, this.connection);
    }
  }
}

export function plain(entry: KvEntry): BucketEntry {
  const { key, revision, operation } = entry;
  return { key, revision, text: entry.string(), isDeleted: operation !== 'PUT' };
}

function apiCode(error: unknown): number | undefined {
  return (error as NatsError | undefined)?.api_error?.err_code;
}

/** Nobody hears what is written: 503 for a write, a code of its own for what asks the stream. */
function isMissing(error: unknown): boolean {
  return apiCode(error) === streamMissing || (error as { code?: string }).code === '503';
}

function checkVersion({ serverVersion, servers }: NatsConnection): void {
  const found = /^(\d+)\.(\d+)\.(\d+)/.exec(serverVersion)?.slice(1).map(Number) ?? [];
  const at = oldestVersion.findIndex((least, i) => (found[i] ?? 0) !== least);
  if (at < 0 || (found[at] ?? 0) > (oldestVersion[at] ?? 0)) return;
  const text = `NATS at ${servers} is nats-server ${shown(serverVersion)}; the registry needs ${oldestVersion.join('.')} or newer.`;
  throw new LtsError('LTS_SERVER_UNFIT', text);
}

function translated(error: unknown, connection: NatsConnection): LtsError {
  if (LtsError.is(error)) return error;
  const where = `The registry at NATS ${connection.servers}`;
  const code = codeOf(error);
  if (code === '503' || [10039, 10076].includes(apiCode(error) ?? 0))
    return new LtsError(
      'LTS_SERVER_UNFIT',
      `${where} (nats-server ${connection.serverVersion}) has no JetStream. Start the server with 'jetstream { store_dir: ... }', and enable it for the account of ${connection.settings.identity}.`,
      { cause: error },
    );
  if (code === 'PERMISSIONS_VIOLATION') {
    const subject = (error as NatsError).permissionContext?.subject ?? 'a subject of JetStream';
    const text = `${where} does not permit node ${connection.settings.identity} to use ${subject}. Grant it to its user.`;
    return new LtsError('LTS_NOT_PERMITTED', text, { cause: error });
  }
  const reason = (error as NatsError).api_error?.description ?? code;
  return new LtsError('LTS_CONNECT_FAILED', `${where} does not do what it should: ${reason}.`, { cause: error });
}
