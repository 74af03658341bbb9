/**
 * Who is here and who is master, kept in a JetStream key-value bucket of the cluster. Nodes renew their entries three times
 * per TTL; a part of the bucket is watched only from its first use on.
 */
import { LtsError } from '../../../errors.js';
import { Audience } from '../../../kit/audience.js';
import type { Ids } from '../../../ports/ids.js';
import {
  type JoinOptions,
  type MasterChange,
  type NodeChange,
  type NodeInfo,
  type NodeType,
  nodeTypes,
  type Registry,
} from '../../../ports/registry.js';
import type { Subscription, Transport } from '../../../ports/transport.js';
import { subjectsOf } from '../../../protocol/subjects.js';
import { inTime } from '../in-time.js';
import type { NatsConnection } from '../nats-connection.js';
import { BucketView } from './bucket-view.js';
import { Candidate } from './candidate.js';
import { Member } from './member.js';
import { NatsBucket } from './nats-bucket.js';
import { NodeRecord } from './node-record.js';
import { allLeases, leaseKey, type NodeEntry, nodesOf, readEntry } from './registry-entries.js';

export interface NatsRegistrySettings {
  readonly cluster: string;
  /** An entry that was not renewed for this long is gone. Default 10,000 ms. The first node of a cluster decides. */
  readonly ttlMs?: number | undefined;
  /** Copies of the bucket in a cluster of NATS servers: 1, 3 or 5. Default 1. */
  readonly replicas?: number | undefined;
  /** Gives a bucket that has fewer copies those that are missing. Default false: it has those of its first node. */
  readonly raisesReplicas?: boolean | undefined;
}

export interface NatsRegistryParts {
  readonly connection: NatsConnection;
  readonly transport: Transport;
  readonly ids: Ids;
}

/** Joined nodes with their probe subscription. */
interface Joined {
  readonly member: Member;
  readonly probe: Subscription;
}

/** Longer than a busy event loop is silent. A killed node is known at once: nobody subscribes. */
const probeWithinMs = 2_500;
const firstLookWithinMs = 5_000;
const tickMs = 250;
/** A tick that came so much late means that this process was frozen and missed what happened. */
const frozenMs = 2_000;

export class NatsRegistry implements Registry {
  private readonly joined = new Map<string, Joined>();
  private readonly views = new Map<NodeType, BucketView<NodeEntry>>();
  private readonly leases: BucketView<NodeEntry>;
  private readonly nodeChanges = new Audience<NodeChange>();
  private readonly masterChanges = new Audience<MasterChange>();
  private readonly over = new AbortController();
  private readonly endListening: () => void;

  private constructor(
    private readonly parts: NatsRegistryParts,
    private readonly bucket: NatsBucket,
    private readonly cluster: string,
  ) {
    this.leases = this.view(allLeases, (key, before, after) => this.leaseChanged(key, before, after));
    this.endListening = parts.connection.listen({ reconnected: () => this.catchUp() });
    void this.tick();
  }

  /** Throws LTS_SERVER_UNFIT, LTS_NOT_PERMITTED, LTS_CONNECT_FAILED or LTS_TIMEOUT. */
  static async open(settings: NatsRegistrySettings, parts: NatsRegistryParts): Promise<NatsRegistry> {
    const { cluster, ttlMs = 10_000, replicas = 1, raisesReplicas = false } = settings;
    subjectsOf(cluster);
    const bucket = await NatsBucket.open(parts.connection, { cluster, ttlMs, replicas, raisesReplicas });
    const registry = new NatsRegistry(parts, bucket, cluster);
    try {
      await registry.look(registry.leases);
      return registry;
    } catch (error) {
      await registry.close();
      throw error;
    }
  }

  async join(node: NodeInfo, options: JoinOptions = {}): Promise<void> {
    const key = `${node.type}.${node.identity}`;
    const before = this.joined.get(key);
    if (before?.member.record.node.nodeGroup === node.nodeGroup) return before.member.say(node);
    if (before) await this.leave(node.identity);
    const joined = this.probed(node, options);
    try {
      await joined.member.record.claim();
    } catch (error) {
      await joined.probe.close();
      throw error;
    }
    this.joined.set(key, joined);
    await joined.member.candidate.step().catch(() => {});
    joined.member.begin();
  }

  async leave(identity: string): Promise<void> {
    for (const [key, { member, probe }] of this.joined) {
      if (member.record.node.identity !== identity) continue;
      this.joined.delete(key);
      await member.leave();
      await probe.close();
    }
  }

  /** Throws LTS_TIMEOUT if the registry did not answer at the first use. */
  async list(type?: NodeType, nodeGroup?: string): Promise<readonly NodeInfo[]> {
    const views = (type === undefined ? nodeTypes : [type]).map((one) => this.nodesOf(one));
    for (const view of views) await this.look(view);
    const nodes = views.flatMap((view) => view.values().map(({ node }) => node));
    return nodes.filter((node) => nodeGroup === undefined || node.nodeGroup === nodeGroup);
  }

  /** Every node that watches (or lists) TaskTrackers hears every renewal of each: leave that to JobTrackers. */
  watch(listener: (change: NodeChange) => void, type?: NodeType): () => void {
    for (const one of type === undefined ? nodeTypes : [type]) this.nodesOf(one);
    return this.nodeChanges.add((change) => {
      if (type === undefined || [...change.added, ...change.removed].some((node) => node.type === type))
        listener(change);
    });
  }

  async master(type: NodeType, nodeGroup: string): Promise<NodeInfo | undefined> {
    return this.leases.get(leaseKey(type, nodeGroup))?.node;
  }

  watchMasters(listener: (change: MasterChange) => void): () => void {
    return this.masterChanges.add(listener);
  }

  isMaster(identity: string): boolean {
    for (const { member } of this.joined.values())
      if (member.record.node.identity === identity && member.candidate.isMaster) return true;
    return false;
  }

  /** Takes out everything that joined here, and ends all watches. The connection stays its maker's. */
  async close(): Promise<void> {
    await Promise.all([...this.joined.values()].map(({ member }) => this.leave(member.record.node.identity)));
    this.over.abort(this);
    this.endListening();
    for (const view of this.allViews()) view.close();
  }

  private probed(node: NodeInfo, options: JoinOptions): Joined {
    const life = this.parts.ids.random();
    const probe = this.parts.transport.subscribe(this.subjectOf(node, life), async () => ({ life }));
    return { probe, member: this.member(node, life, options) };
  }

  private member(node: NodeInfo, life: string, { onTaken }: JoinOptions): Member {
    const entry = { life, node };
    const { bucket } = this;
    const wroteLease = this.noting(() => this.leases);
    const record = new NodeRecord(entry, {
      bucket,
      lives: (other) => this.lives(node, other),
      wrote: this.noting(() => this.views.get(node.type)),
    });
    const holder = (key: string) => this.leases.get(key);
    const candidate = new Candidate(entry, { bucket, holder, wrote: wroteLease, lost: (key) => this.leases.drop(key) });
    const taken = () => void this.giveUp(node, onTaken);
    return new Member(record, candidate, { connection: this.parts.connection, beatMs: bucket.ttlMs * 0.3, taken });
  }

  private noting(view: () => BucketView<NodeEntry> | undefined) {
    return (key: string, text: string, revision: number) => view()?.note({ key, text, revision, isDeleted: false });
  }

  /** A holder that says nothing in time counts as gone, too: frozen, or cut off. */
  private async lives(node: NodeInfo, life: string): Promise<boolean> {
    try {
      const subject = this.subjectOf(node, life);
      await this.parts.transport.request(subject, { kind: 'ProbeNode', body: { life } }, { deadlineMs: probeWithinMs });
      return true;
    } catch (error) {
      if (LtsError.is(error, 'LTS_NO_TRACKER') || LtsError.is(error, 'LTS_TIMEOUT')) return false;
      throw error;
    }
  }

  private subjectOf({ type, identity }: NodeInfo, life: string): string {
    return subjectsOf(this.cluster).life(type, identity, life);
  }

  private async giveUp(node: NodeInfo, onTaken: JoinOptions['onTaken']): Promise<void> {
    const { type, identity } = node;
    const text =
      'another node took this identity while this one did not answer; it is out of the registry and should stop';
    this.parts.connection.parts.log.error({ type, identity }, text);
    const joined = this.joined.get(`${type}.${identity}`);
    this.joined.delete(`${type}.${identity}`);
    onTaken?.();
    await joined?.probe.close();
    await joined?.member.candidate.resign().catch(() => {});
  }

  private nodesOf(type: NodeType): BucketView<NodeEntry> {
    const known = this.views.get(type);
    if (known) return known;
    const view = this.view(nodesOf(type), (_key, before, after) =>
      this.nodeChanges.tell({ added: after ? [after.node] : [], removed: before ? [before.node] : [] }),
    );
    this.views.set(type, view);
    return view;
  }

  private view(filter: string, changed: (key: string, before?: NodeEntry, after?: NodeEntry) => void) {
    return new BucketView<NodeEntry>(this.bucket, { filter, read: readEntry, changed });
  }

  private async look(view: BucketView<NodeEntry>): Promise<void> {
    if (!view.isKnown) await inTime(this.parts.connection.parts.clock, firstLookWithinMs, view.known);
    if (view.isKnown) return;
    const text = `The registry at NATS ${this.parts.connection.servers} did not answer within ${firstLookWithinMs} ms.`;
    throw new LtsError('LTS_TIMEOUT', text);
  }

  private leaseChanged(key: string, before: NodeEntry | undefined, after: NodeEntry | undefined): void {
    for (const { member } of this.joined.values()) {
      if (member.candidate.key !== key) continue;
      if (after) member.candidate.heed(after);
      else member.wake();
    }
    const node = after?.node ?? before?.node;
    if (!node || before?.life === after?.life) return;
    this.masterChanges.tell({ type: node.type, nodeGroup: node.nodeGroup, master: after?.node });
  }

  private allViews(): BucketView<NodeEntry>[] {
    return [this.leases, ...this.views.values()];
  }

  private async tick(): Promise<void> {
    const { clock } = this.parts.connection.parts;
    while (!this.over.signal.aborted) {
      const beganMono = clock.monoMs();
      await clock.sleep(tickMs, this.over.signal);
      for (const { member } of this.joined.values()) member.candidate.checkTrust();
      const wasFrozen = clock.monoMs() - beganMono > tickMs + frozenMs;
      for (const view of this.allViews()) {
        if (wasFrozen || !this.canJudge()) view.excuse();
        else view.expire();
      }
    }
  }

  /** While nobody can renew, nobody is gone: this node's own renewals show whether the registry works. */
  private canJudge(): boolean {
    const { connection } = this.parts;
    const lately = connection.parts.clock.monoMs() - this.bucket.ttlMs * 0.7;
    return connection.isUp() && [...this.joined.values()].every(({ member }) => member.renewedMono > lately);
  }

  private catchUp(): void {
    for (const view of this.allViews()) view.lookAnew();
    for (const { member } of this.joined.values()) member.wake();
  }
}
