/** One server for a test file, and databases of their own for its tests. */
import { afterAll, beforeAll, describe } from 'vitest';
import { MongoConnection, type MongoConnectionOptions } from '../../../src/adapters/mongo/mongo-connection.js';
import { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import type { Clock } from '../../../src/ports/clock.js';
import type { Log } from '../../../src/ports/log.js';
import { SeededChance } from '../../../src/testing/seeded-chance.js';
import { type MongoServer, startMongoServer, whyNoMongo } from '../../servers/mongo-server.js';

export interface LogEntry {
  readonly level: keyof Log;
  readonly fields: object;
  readonly text: string;
}

/** A pool on a database, with what it logged. */
export interface OpenPool {
  readonly connection: MongoConnection;
  readonly logged: readonly LogEntry[];
}

export type PoolChange = Partial<MongoConnectionOptions> & { readonly clock?: Clock };

let databases = 0;

export class MongoPlace {
  private server: MongoServer | undefined;

  /** With a file a server started here keeps its data over a restart. */
  async start(options: { file?: string } = {}): Promise<void> {
    this.server = await startMongoServer(options);
  }

  async stop(): Promise<void> {
    await this.server?.stop();
  }

  get running(): MongoServer {
    if (!this.server) throw new Error('the MongoDB server is not started');
    return this.server;
  }

  /** A name that no other test uses. */
  newDatabase(): string {
    return `lts_test_${process.pid}_${databases++}`;
  }

  async open({ clock = new SystemClock(), ...change }: PoolChange = {}): Promise<OpenPool> {
    const logged: LogEntry[] = [];
    const note = (level: keyof Log) => (fields: object, text: string) => void logged.push({ level, fields, text });
    const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const options = { addresses: this.running.url, database: this.newDatabase(), ...change };
    const ports = { clock, chance: new SeededChance(7), ids: new SystemIds(clock), log };
    return { connection: await MongoConnection.open(options, ports), logged };
  }

  /** Closes a pool and drops its database, where it would outlive the test. */
  async end({ connection }: OpenPool): Promise<void> {
    if (this.running.isReal) await connection.database.dropDatabase();
    await connection.close();
  }

  /** An opened queue of its own pool. */
  async queue(change: PoolChange = {}): Promise<OpenPool & { readonly queue: MongoJobQueue }> {
    const pool = await this.open(change);
    const queue = new MongoJobQueue(pool.connection);
    await queue.open();
    return { ...pool, queue };
  }
}

/** The tests of a file that need MongoDB; skipped with the reason where there is none. */
export function withMongo(name: string, tests: (place: MongoPlace) => void): void {
  const title = whyNoMongo === undefined ? name : `${name} (skipped: ${whyNoMongo})`;
  describe.skipIf(whyNoMongo !== undefined)(title, () => {
    const place = new MongoPlace();
    beforeAll(() => place.start(), 60_000);
    afterAll(() => place.stop(), 60_000);
    tests(place);
  });
}

/** What the promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error(String(outcome));
}
