/**
 * What the nodes of a test cluster stand on, in one of the three shapes of deployment, or all in memory. Stores and servers are real,
 * time is not: it stands still until every call of a store has returned and every message has arrived.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { LmdbEnvironment } from '../../src/adapters/lmdb/environment.js';
import { LmdbJobLogger } from '../../src/adapters/lmdb/lmdb-job-logger.js';
import { LmdbJobQueue } from '../../src/adapters/lmdb/lmdb-job-queue.js';
import { MemoryJobLogger } from '../../src/adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../../src/adapters/memory/memory-job-queue.js';
import { MemoryLeases } from '../../src/adapters/memory/memory-leases.js';
import { MemoryNetwork } from '../../src/adapters/memory/memory-transport.js';
import { MongoConnection } from '../../src/adapters/mongo/mongo-connection.js';
import { MongoJobLogger } from '../../src/adapters/mongo/mongo-job-logger.js';
import { MongoJobQueue } from '../../src/adapters/mongo/mongo-job-queue.js';
import { MongoLeases } from '../../src/adapters/mongo/mongo-leases.js';
import { NatsConnection } from '../../src/adapters/nats/nats-connection.js';
import { NatsTransport } from '../../src/adapters/nats/nats-transport.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../src/adapters/system/system-ids.js';
import { Deferred } from '../../src/kit/deferred.js';
import type { Clock } from '../../src/ports/clock.js';
import type { JobLogger } from '../../src/ports/job-logger.js';
import type { JobQueue } from '../../src/ports/job-queue.js';
import type { Leases } from '../../src/ports/leases.js';
import type { Transport } from '../../src/ports/transport.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { settled, VirtualTime } from '../../src/testing/virtual-time.js';

/** `embedded`: LMDB, one process. `small`: NATS and one tracker's LMDB. `large`: NATS and MongoDB. */
export type Shape = 'memory' | 'embedded' | 'small' | 'large';

/** The shape that this run of the tests is for. */
export const shape = (process.env.LTS_TEST_SHAPE ?? 'memory') as Shape;

export interface Ground {
  readonly time: VirtualTime;
  readonly clock: Clock;
  readonly network: { transport(): Transport };
  readonly queue: JobQueue;
  readonly logger: JobLogger;
  /** Those of a tracker that starts: trackers that follow one another share them only where the store has them. */
  newLeases(): Leases;
  /** A tracker must reckon with others on its store. */
  readonly isShared: boolean;
  close(): Promise<void>;
}

export function memoryGround(): Ground {
  const time = new VirtualTime();
  const clock = new VirtualClock(time);
  const network = new MemoryNetwork(clock);
  const stores = { queue: new MemoryJobQueue(), logger: new MemoryJobLogger() };
  return {
    time,
    clock,
    network,
    ...stores,
    newLeases: () => new MemoryLeases(),
    isShared: false,
    close: async () => {},
  };
}

/** Of the shape that this run is for. */
export async function openGround(): Promise<Ground> {
  if (shape === 'memory') return memoryGround();
  const traffic = new Traffic();
  const time = new VirtualTime(() => traffic.settle());
  const clock = new VirtualClock(time);
  const stores = shape === 'large' ? await mongoStores(traffic) : await lmdbStores(traffic);
  const wires = shape === 'embedded' ? undefined : await NatsWires.open(clock, traffic);
  const close = async () => {
    await wires?.close();
    await stores.close();
  };
  return { time, clock, network: wires ?? new MemoryNetwork(clock), ...stores, close };
}

/** What is under way outside of virtual time. */
class Traffic {
  private calls = 0;
  private idle = new Deferred<void>();
  private delivered = 0;
  private delivery: Promise<void> | undefined;
  /** Messages handed to the server so far. */
  sent: () => number = () => 0;
  deliver: () => Promise<void> = async () => {};

  /** Resolves when no call is open and no message is on its way. */
  async settle(): Promise<void> {
    for (;;) {
      await settled();
      if (this.calls > 0) {
        await this.idle.promise;
      } else if (this.delivered < this.sent()) {
        this.delivery ??= this.deliverAll();
        await this.delivery;
      } else return;
    }
  }

  private async deliverAll(): Promise<void> {
    const sent = this.sent();
    await this.deliver();
    this.delivered = sent;
    this.delivery = undefined;
  }

  /** The same port; time waits for its calls. */
  watched<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        // What a test puts in the place of a method may itself wait for time.
        if (typeof member !== 'function' || Object.hasOwn(target, name)) return member;
        return (...list: unknown[]) => {
          const answer: unknown = member.apply(target, list);
          return answer instanceof Promise ? this.during(answer) : answer;
        };
      },
    });
  }

  private async during<T>(call: Promise<T>): Promise<T> {
    if (this.calls++ === 0) this.idle = new Deferred();
    try {
      return await call;
    } finally {
      if (--this.calls === 0) this.idle.resolve();
    }
  }
}

type OpenStores = Pick<Ground, 'queue' | 'logger' | 'newLeases' | 'isShared' | 'close'>;

async function lmdbStores(traffic: Traffic): Promise<OpenStores> {
  const path = mkdtempSync(join(tmpdir(), 'lts-scenario-'));
  const environment = await LmdbEnvironment.open({ path });
  const queue = traffic.watched(new LmdbJobQueue(environment));
  const logger = traffic.watched(new LmdbJobLogger(environment));
  await queue.open();
  await logger.open();
  const close = async () => {
    await logger.close();
    await queue.close();
    await environment.close();
    rmSync(path, { recursive: true, force: true });
  };
  return { queue, logger, newLeases: () => new MemoryLeases(), isShared: false, close };
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let databases = 0;

async function mongoStores(traffic: Traffic): Promise<OpenStores> {
  const clock = new SystemClock();
  const ports = { clock, chance: new SeededChance(7), ids: new SystemIds(clock), log: quiet };
  const database = `lts_scenario_${process.pid}_${databases++}`;
  const connection = await MongoConnection.open({ addresses: inject('mongoUrl'), database }, ports);
  const queue = traffic.watched(new MongoJobQueue(connection));
  const logger = traffic.watched(new MongoJobLogger(connection));
  const leases = traffic.watched(new MongoLeases(connection));
  for (const store of [queue, logger, leases]) await store.open();
  const close = async () => {
    for (const store of [leases, logger, queue]) await store.close();
    await connection.database.dropDatabase();
    await connection.close();
  };
  return { queue, logger, newLeases: () => leases, isShared: true, close };
}

let wires = 0;

/** One connection for all nodes: what it has sent is delivered when the server has answered the ping that follows it. */
class NatsWires {
  /** Clusters of one server do not hear each other. */
  private readonly prefix = `cluster-${process.pid}-${wires++}.`;

  private constructor(
    private readonly connection: NatsConnection,
    traffic: Traffic,
  ) {
    // Counted at the connection: an answer may come from the transport itself, such as the refusal of a malformed message.
    traffic.sent = () => connection.client.stats().outMsgs;
    traffic.deliver = () => connection.client.flush();
  }

  static async open(clock: Clock, traffic: Traffic): Promise<NatsWires> {
    const settings = { servers: [inject('natsUrl')], identity: 'scenario', inboxPrefix: `scenario-${process.pid}` };
    return new NatsWires(
      await NatsConnection.open(settings, { clock, chance: new SeededChance(7), log: quiet }),
      traffic,
    );
  }

  transport(): Transport {
    const inner = new NatsTransport(this.connection);
    return {
      isForeign: true,
      request: (subject, message, options) => inner.request(this.prefix + subject, message, options),
      publish: (subject, message) => inner.publish(this.prefix + subject, message),
      subscribe: (subject, handler, options) => inner.subscribe(this.prefix + subject, handler, options),
      isUp: () => inner.isUp(),
      // What a node that was killed has begun never ends, and is not waited for.
      close: () => {
        void inner.close();
        return this.connection.client.flush();
      },
    };
  }

  async close(): Promise<void> {
    await this.connection.client.close();
  }
}
