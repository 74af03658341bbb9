/** The MongoDB of a JobTracker: one connection for its jobs, their logs and the leases, and the server's time for all who share them. */
import { MongoClock, serverTimeOf } from '../../adapters/mongo/mongo-clock.js';
import { MongoConnection } from '../../adapters/mongo/mongo-connection.js';
import { MongoJobLogger } from '../../adapters/mongo/mongo-job-logger.js';
import { MongoJobQueue } from '../../adapters/mongo/mongo-job-queue.js';
import { MongoLeases } from '../../adapters/mongo/mongo-leases.js';
import { whatIsGone } from '../../adapters/mongo/store-watch.js';
import { Duty } from '../../cluster/duty.js';
import { LtsError } from '../../errors.js';
import type { JobLogger } from '../../ports/job-logger.js';
import type { JobQueue } from '../../ports/job-queue.js';
import type { Log } from '../../ports/log.js';
import type { MongoOptions } from '../mongo-options.js';
import { chance, clock, ids } from '../system-ports.js';

export interface MongoStorePlace {
  /** Clusters in one database have collections of their own. */
  readonly cluster: string;
  readonly mongo: MongoOptions;
  readonly keeps: 'jobs' | 'logs';
  readonly log: Log;
}

const addressesDefault = '127.0.0.1:27017';
const watchEveryMs = 5_000;

export class MongoStore {
  readonly leases: MongoLeases;
  readonly clock: MongoClock;
  private watch: Duty | undefined;

  private constructor(
    private readonly connection: MongoConnection,
    private readonly log: Log,
  ) {
    this.leases = new MongoLeases(connection);
    this.clock = new MongoClock(serverTimeOf(connection), clock, log);
  }

  /** Throws LTS_CONFIG_INVALID, LTS_STORE_FAILED. */
  static async open({ cluster, mongo, keeps, log }: MongoStorePlace): Promise<MongoStore> {
    const { addresses = addressesDefault, ...login } = mongo;
    const options = { ...login, addresses, keeps, collectionPrefix: `${cluster}_` };
    const connection = await MongoConnection.open(options, { clock, chance, ids, log });
    const store = new MongoStore(connection, log);
    try {
      await store.leases.open();
      await store.clock.start();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The same for all who use this database. */
  get id(): string {
    return this.connection.storeId;
  }

  queue(): JobQueue {
    return new MongoJobQueue(this.connection);
  }

  logger(): JobLogger {
    return new MongoJobLogger(this.connection);
  }

  /** The server is away, which the log has told, and this error came of it. */
  isOutage(error: unknown): boolean {
    return this.connection.isOutage(error);
  }

  /** From now on `giveUp` is told, once, when the store is not any more what was opened. */
  watchOver(giveUp: (why: string) => void): void {
    const run = async () => {
      const why = await whatIsGone(this.connection).catch(silentWhileAway);
      if (why === undefined) return;
      void this.watch?.stop();
      giveUp(why);
    };
    this.watch = new Duty({ name: 'watch over the store', everyMs: watchEveryMs, clock, log: this.log, run });
    this.watch.start();
  }

  async close(): Promise<void> {
    void this.watch?.stop();
    this.clock.stop();
    await this.leases.close();
    await this.connection.close();
  }
}

/** Those who need the store say so. */
function silentWhileAway(error: unknown): undefined {
  if (!LtsError.is(error, 'LTS_STORE_FAILED')) throw error;
}
