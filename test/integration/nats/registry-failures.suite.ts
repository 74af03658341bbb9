/** The registry when nodes, servers and the bucket itself fail. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NatsRegistry } from '../../../src/adapters/nats/registry/nats-registry.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import { Deferred } from '../../../src/kit/deferred.js';
import type { MasterChange, NodeInfo } from '../../../src/ports/registry.js';
import type { Transport } from '../../../src/ports/transport.js';
import { NatsServer, type NatsVersion, natsMissing } from '../../servers/nats-server.js';
import { eventually, type Node, Nodes } from './nodes.js';

const cluster = 'test';
const ttlMs = 1_500;

const nodeOf = (identity: string, startedAt = 1_000): NodeInfo => ({
  type: 'JOB_TRACKER',
  nodeGroup: 'group',
  identity,
  startedAt,
});
const identities = (nodes: readonly NodeInfo[]) => nodes.map(({ identity }) => identity).sort();

export function registryFailures(version: NatsVersion): void {
  const missing = natsMissing(version);
  describe.skipIf(missing)(`a registry on nats-server, ${version}${missing ? ` (${missing})` : ''}`, () => {
    let server: NatsServer;
    let nodes: Nodes;
    let ids: SystemIds;
    let registries: NatsRegistry[];

    beforeEach(async () => {
      undeaf = new Deferred();
      server = await NatsServer.start({ version });
      nodes = new Nodes();
      ids = new SystemIds(nodes.clock);
      registries = [];
    });
    afterEach(async () => {
      undeaf.resolve();
      await Promise.all(registries.map((registry) => registry.close()));
      await nodes.stop();
      await server.stop();
    });

    const open = async (node: Node, more: { transport?: Transport; ttlMs?: number } = {}) => {
      const parts = { connection: node.connection, transport: more.transport ?? node.transport, ids };
      const registry = await NatsRegistry.open({ cluster, ttlMs: more.ttlMs ?? ttlMs }, parts);
      registries.push(registry);
      await registry.list();
      return registry;
    };
    const start = async () => open(await nodes.start(server.url));
    /** Ends a node as SIGKILL would: without a word to the registry. */
    const die = ({ connection }: Node) => connection.client.close();
    /** The masters that one node hears of, in order. */
    const mastersHeard = (registry: NatsRegistry) => {
      const heard: (string | undefined)[] = [];
      registry.watchMasters(({ master }: MasterChange) => void heard.push(master?.identity));
      return heard;
    };

    it('forgets a node that died, by the clock of who looks', async () => {
      const watcher = await start();
      const node = await nodes.start(server.url);
      const dying = await open(node);
      const gone = new Deferred<void>();
      watcher.watch(({ removed }) => {
        if (identities(removed).includes('a')) gone.resolve();
      });
      await dying.join(nodeOf('a'));
      await eventually(async () => (await watcher.list()).length === 1);
      await die(node);
      const beganMono = nodes.clock.monoMs();
      await gone.promise;
      expect(nodes.clock.monoMs() - beganMono).toBeGreaterThan(ttlMs * 0.4);
      expect(await watcher.list()).toEqual([]);
    });

    it('gives the identity of a killed node to its successor at once', async () => {
      const watcher = await start();
      const node = await nodes.start(server.url);
      await (await open(node)).join(nodeOf('a', 1_000));
      await eventually(async () => (await watcher.list()).length === 1);
      const changes: string[] = [];
      watcher.watch(({ added, removed }) => changes.push(`-${removed[0]?.startedAt} +${added[0]?.startedAt}`));
      await die(node);
      const beganMono = nodes.clock.monoMs();
      await (await start()).join(nodeOf('a', 2_000));
      expect(nodes.clock.monoMs() - beganMono).toBeLessThan(ttlMs * 0.7);
      await eventually(() => changes.length > 0);
      expect(changes).toEqual(['-1000 +2000']);
    });

    it('takes the identity of a frozen node, and tells that node when it thaws', async () => {
      const clock = new FreezingClock();
      const freezing = new Nodes(clock);
      const node = await freezing.start(server.url, { identity: 'a' });
      const first = await open(node, { transport: deaf(node.transport), ttlMs: 6_000 });
      const taken = new Deferred<void>();
      await first.join(nodeOf('a', 1_000), { onTaken: () => taken.resolve() });
      clock.freeze();
      const second = await start();
      await second.join(nodeOf('a', 2_000));
      expect(await second.list()).toEqual([nodeOf('a', 2_000)]);
      clock.thaw();
      await taken.promise;
      undeaf.resolve();
      expect(freezing.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
      await first.close();
      expect(await second.list()).toEqual([nodeOf('a', 2_000)]);
      await freezing.stop();
    });

    it('leaves the identity to a node that renews it, even if it does not answer', async () => {
      const node = await nodes.start(server.url);
      await (await open(node, { transport: deaf(node.transport) })).join(nodeOf('a'));
      const joining = (await start()).join(nodeOf('a', 2_000));
      await expect(joining).rejects.toMatchObject({ code: 'LTS_IDENTITY_IN_USE' });
    });

    it.each([
      ['that start at once', false],
      ['that succeed a killed one', true],
    ])('lets exactly one of eight nodes %s have an identity', async (_which, isHeldBefore) => {
      const contenders = await Promise.all(Array.from({ length: 8 }, start));
      const held = await nodes.start(server.url);
      if (isHeldBefore) {
        await (await open(held)).join(nodeOf('a', 9));
        await die(held);
      }
      const outcomes = await Promise.all(
        contenders.map((registry, i) =>
          registry.join(nodeOf('a', i)).then(
            () => 'joined',
            (error: { code: string }) => error.code,
          ),
        ),
      );
      expect(outcomes.sort()).toEqual([...Array(7).fill('LTS_IDENTITY_IN_USE'), 'joined']);
    });

    it('elects exactly one of eight members that start at once, and another when it dies; never two are sure', async () => {
      const members = await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          const node = await nodes.start(server.url);
          return { node, registry: await open(node), identity: `t${i}` };
        }),
      );
      const sure = () => members.filter(({ registry, identity }) => registry.isMaster(identity));
      let most = 0;
      const watching = new AbortController();
      const watch = (async () => {
        while (!watching.signal.aborted) {
          most = Math.max(most, sure().length);
          await nodes.clock.sleep(2, watching.signal);
        }
      })();
      await Promise.all(members.map(({ registry, identity }) => registry.join(nodeOf(identity))));
      await eventually(() => sure().length === 1);
      const first = sure()[0];
      const beganMono = nodes.clock.monoMs();
      if (first) await die(first.node);
      await eventually(() => sure().some((member) => member !== first));
      expect(nodes.clock.monoMs() - beganMono).toBeLessThan(ttlMs + 1_500);
      watching.abort();
      await watch;
      expect(most).toBe(1);
    });

    it('a master that cannot renew stops being sure before its lease ends, and is master again when the server is back', async () => {
      const registry = await start();
      await registry.join(nodeOf('a'));
      expect(registry.isMaster('a')).toBe(true);
      const heard = mastersHeard(registry);
      server.pause();
      const beganMono = nodes.clock.monoMs();
      await eventually(() => !registry.isMaster('a'));
      expect(nodes.clock.monoMs() - beganMono).toBeLessThan(ttlMs * 0.8);
      await eventually(() => heard.length > 0);
      server.resume();
      await eventually(() => registry.isMaster('a'));
      await eventually(() => heard.length > 1);
      expect(heard).toEqual([undefined, 'a']);
    });

    it('says of nobody that he is gone while the server is away, and all are back after it', async () => {
      const [one, two] = [await start(), await start()];
      await one.join(nodeOf('a'));
      await two.join(nodeOf('b'));
      await eventually(async () => (await one.list()).length === 2 && (await two.list()).length === 2);
      const removed: string[] = [];
      one.watch((change) => removed.push(...identities(change.removed)));
      await server.kill();
      // Longer than a lease: who counted by the clock alone would have lost everybody by now.
      await nodes.clock.sleep(ttlMs * 1.5);
      expect(identities(await one.list())).toEqual(['a', 'b']);
      await server.run();
      await eventually(() => one.isMaster('a') !== two.isMaster('b'));
      await nodes.clock.sleep(ttlMs * 1.5);
      expect(identities(await one.list())).toEqual(['a', 'b']);
      expect(removed).toEqual([]);
    });

    it.each([
      [
        'its server lost its disk',
        async () => {
          await server.kill();
          rmSync(join(server.folder, 'store'), { recursive: true, force: true });
          await server.run();
        },
      ],
      [
        'its bucket was deleted',
        async () => {
          const manager = await (await nodes.start(server.url)).connection.client.jetstreamManager({ timeout: 300 });
          await manager.streams.delete(`KV_lts-${cluster}`);
        },
      ],
    ])('fills itself again after %s', async (_how, wipe) => {
      const [one, two] = [await start(), await start()];
      await one.join(nodeOf('a'));
      await two.join(nodeOf('b'));
      await eventually(async () => (await one.list()).length === 2);
      const removed: string[] = [];
      one.watch((change) => removed.push(...identities(change.removed)));
      const manager = await (await nodes.start(server.url)).connection.client.jetstreamManager({ timeout: 300 });
      // A wiped bucket counts its revisions from 1 again; far above that, old ones would hide the new for long.
      const kv = await (await nodes.start(server.url)).connection.client.jetstream().views.kv(`lts-${cluster}`);
      for (let i = 0; i < 300; i++) await kv.put('junk', '');
      for (const identity of ['a', 'b'])
        await eventually(async () => ((await kv.get(`node.JOB_TRACKER.${identity}`))?.revision ?? 0) > 300);
      await wipe();
      const kept = async () => (await manager.streams.info(`KV_lts-${cluster}`)).state.messages;
      await eventually(() =>
        kept().then(
          (entries) => entries === 3,
          () => false,
        ),
      );
      await eventually(() => one.isMaster('a') !== two.isMaster('b'));
      await (await start()).join(nodeOf('c'));
      await eventually(async () => (await one.list()).length === 3);
      // So long that whoever missed the new entries would have counted their nodes as gone.
      await nodes.clock.sleep(ttlMs * 1.5);
      expect(removed).toEqual([]);
    });

    it('takes a node in at once though its bucket was deleted a moment ago', async () => {
      const registry = await start();
      const manager = await (await nodes.start(server.url)).connection.client.jetstreamManager();
      await manager.streams.delete(`KV_lts-${cluster}`);
      await registry.join(nodeOf('a'));
      expect(registry.isMaster('a')).toBe(true);
    });

    it('is not disturbed by entries that it cannot read', async () => {
      const registry = await start();
      const kv = await (await nodes.start(server.url)).connection.client.jetstream().views.kv(`lts-${cluster}`);
      const later = JSON.stringify({ v: 2, life: 'x', node: nodeOf('of-a-later-version') });
      const texts = ['', 'nonsense', later, '{"v":1,"life":"x","node":{}}', '{"v":1,"life":"x","node":null}', '[]'];
      for (const [i, text] of texts.entries()) await kv.put(`node.JOB_TRACKER.bad-${i}`, text);
      await kv.put('master.JOB_TRACKER.group', 'nonsense');
      await registry.join(nodeOf('a'));
      expect(identities(await registry.list())).toEqual(['a']);
      await eventually(() => registry.isMaster('a'));
    });

    it('keeps the TTL that its bucket has, and says so', async () => {
      await start();
      const node = await nodes.start(server.url);
      registries.push(await NatsRegistry.open({ cluster, ttlMs: 60_000 }, { ...node, ids }));
      expect(nodes.lines).toContainEqual(
        expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ ttlMs, asked: 60_000 }) }),
      );
    });

    it('has one copy where there is one server: more are refused, or warned of where the registry is there', async () => {
      const node = await nodes.start(server.url);
      const asked = { cluster, ttlMs, replicas: 3, raisesReplicas: true };
      await expect(NatsRegistry.open(asked, { ...node, ids })).rejects.toMatchObject({
        code: 'LTS_CONFIG_INVALID',
        message: expect.stringMatching(/^lts\.nats\.replicas: .* one copy of bucket lts-test\. Use 1/),
      });
      await start();
      registries.push(await NatsRegistry.open(asked, { ...node, ids }));
      expect(nodes.lines).toEqual([
        expect.objectContaining({ level: 'warn', text: expect.stringContaining('1 of the 3 copies') }),
      ]);
    });

    it('needs JetStream, and says how to get it', async () => {
      const bare = await NatsServer.start({ version, hasJetStream: false });
      const node = await nodes.start(bare.url);
      await expect(open(node)).rejects.toMatchObject({
        code: 'LTS_SERVER_UNFIT',
        message: expect.stringMatching(new RegExp(`127.0.0.1:${bare.port}.*nats-server ${bare.version()}.*jetstream`)),
      });
      await bare.stop();
    });
  });
}

/** The clock of a process that SIGSTOP holds: whoever sleeps wakes when it thaws. */
class FreezingClock extends SystemClock {
  private frozen: Deferred<void> | undefined;

  freeze(): void {
    this.frozen = new Deferred();
  }

  thaw(): void {
    this.frozen?.resolve();
    this.frozen = undefined;
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await super.sleep(ms, signal);
    await this.frozen?.promise;
  }
}

/** Lets the handlers of deaf nodes end with their test. */
let undeaf = new Deferred<void>();

/** The transport of a node that is too busy, or frozen, to answer anybody. */
function deaf(transport: Transport): Transport {
  return {
    request: (...args) => transport.request(...args),
    publish: (...args) => transport.publish(...args),
    subscribe: (subject) => transport.subscribe(subject, () => undeaf.promise),
    isUp: () => transport.isUp(),
    close: () => transport.close(),
  };
}
