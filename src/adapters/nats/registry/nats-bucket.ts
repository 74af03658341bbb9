/** The JetStream key-value bucket of a cluster: compare-and-set on its keys, and a watch. Entries vanish after its TTL. */
import type { JetStreamClient, JetStreamManager, KV, KvEntry, QueuedIterator } from 'nats';
import { LtsError } from '../../../errors.js';
import { shown } from '../../../kit/shown.js';
import type { NatsConnection } from '../nats-connection.js';
import { bucketError, isMissing, isWrongRevision, reasonOf } from './bucket-errors.js';

export interface BucketSettings {
  readonly cluster: string;
  readonly ttlMs: number;
  readonly replicas: number;
  readonly raisesReplicas: boolean;
}

export interface BucketEntry {
  readonly key: string;
  readonly text: string;
  readonly revision: number;
  readonly isDeleted: boolean;
}

/** Every call to the server ends within this time. */
const callMs = 2_000;
/** A bucket that gets more copies takes no writes until these have a leader: 0.4 s with 2.9.10, 1 to 2 s with 2.15.1. */
const leaderWithinMs = 10_000;
const leaderLookMs = 100;
const oldestVersion = [2, 9, 0] as const;

export class NatsBucket {
  private constructor(
    readonly connection: NatsConnection,
    private readonly settings: BucketSettings,
    private readonly stream: { readonly js: JetStreamClient; readonly manager: JetStreamManager },
  ) {}

  private kv!: KV;
  private ttl = 0;
  private replicas = 0;
  private isInCluster = false;

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
      if (settings.raisesReplicas) await bucket.raiseReplicas();
      return bucket;
    } catch (error) {
      throw bucketError(error, connection, nameOf(settings));
    }
  }

  /** Of the bucket as it is, which an earlier node may have made with another setting. */
  get ttlMs(): number {
    return this.ttl;
  }

  get name(): string {
    return nameOf(this.settings);
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
    const { config, cluster } = await this.stream.manager.streams.info(this.streamName);
    this.ttl = Math.floor(config.max_age / 1e6) || ttlMs;
    this.replicas = config.num_replicas;
    this.isInCluster = cluster !== undefined;
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
      throw bucketError(error, this.connection, this.name);
    }
  }

  /** What is there, then every change; `known` is called between the two. The iterator ends when it must be made anew. */
  async watch(filter: string, known: () => void): Promise<QueuedIterator<KvEntry>> {
    try {
      return await this.kv.watch({ key: filter, initializedFn: known });
    } catch (error) {
      if (isMissing(error)) await this.reopen();
      throw bucketError(error, this.connection, this.name);
    }
  }

  /** A bucket with fewer copies than the settings ask for gets them, or a warning says what to do; one with more keeps them. */
  private async raiseReplicas(): Promise<void> {
    const { name: bucket, streamName, replicas } = this;
    const { replicas: asked } = this.settings;
    if (replicas >= asked) return;
    const { log } = this.connection.parts;
    const refusal = await this.copy(asked);
    if (refusal === undefined)
      return log.info({ bucket, before: replicas, replicas: asked }, 'the bucket of the registry has more copies now');
    const text = `the bucket ${bucket} of the registry has ${replicas} of the ${asked} copies that lts.nats.replicas asks for (${refusal}). Permit $JS.API.STREAM.UPDATE.${streamName} to the user of the JobTrackers, or run: nats stream update ${streamName} --replicas=${asked}`;
    log.warn({ bucket, replicas, asked }, text);
  }

  /** Why it could not be done; undefined if it was. */
  private async copy(copies: number): Promise<string | undefined> {
    // 2.9.10 takes the number and does nothing.
    if (!this.isInCluster) return 'the server is in no cluster';
    try {
      await this.stream.manager.streams.update(this.streamName, { num_replicas: copies });
      await this.untilCopied(copies);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  private get streamName(): string {
    return `KV_${this.name}`;
  }

  private async untilCopied(copies: number): Promise<void> {
    const { clock } = this.connection.parts;
    const untilMono = clock.monoMs() + leaderWithinMs;
    while (clock.monoMs() < untilMono) {
      const info = await this.stream.manager.streams.info(this.streamName).catch(() => undefined);
      // The leader of the one copy may still answer; it knows no others.
      if (info?.cluster?.leader && info.cluster.replicas?.length === copies - 1) return;
      await clock.sleep(leaderLookMs);
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
      if (isWrongRevision(error)) return undefined;
      throw bucketError(error, this.connection, this.name);
    }
  }
}

const nameOf = ({ cluster }: BucketSettings): string => `lts-${cluster}`;

export function plain(entry: KvEntry): BucketEntry {
  const { key, revision, operation } = entry;
  return { key, revision, text: entry.string(), isDeleted: operation !== 'PUT' };
}

function checkVersion({ serverVersion, servers }: NatsConnection): void {
  const found = /^(\d+)\.(\d+)\.(\d+)/.exec(serverVersion)?.slice(1).map(Number) ?? [];
  const at = oldestVersion.findIndex((least, i) => (found[i] ?? 0) !== least);
  if (at < 0 || (found[at] ?? 0) > (oldestVersion[at] ?? 0)) return;
  const text = `NATS at ${servers} is nats-server ${shown(serverVersion)}; the registry needs ${oldestVersion.join('.')} or newer.`;
  throw new LtsError('LTS_SERVER_UNFIT', text);
}
