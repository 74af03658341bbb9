/**
 * One connection pool to MongoDB, shared by the job queue, the job log and the clock: opens only what is fit to keep jobs, retries
 * what a lost connection or an election left unknown, and bounds every call in time.
 */
import type { Collection, Db, Document, MongoClient, MongoClientOptions } from 'mongodb';
import { LtsError } from '../../errors.js';
import { Outage } from '../../kit/outage.js';
import type { Chance } from '../../ports/chance.js';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';
import type { Log } from '../../ports/log.js';
import { connectError, NoAnswerInTime } from './connect-error.js';
import { isAway, isPassing, saidOf, shownAddresses, storeError } from './mongo-errors.js';
import { checkServer } from './server-check.js';

export interface MongoConnectionOptions {
  /** `host:port`, several separated by commas, or a `mongodb://` URL with user, TLS and whatever else the driver knows. */
  readonly addresses: string;
  /** Who logs in, where the URL does not say so. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Default: the one of the URL, else 'lts'. */
  readonly database?: string | undefined;
  /** Begins the name of every collection, for several clusters in one database. Default 'lts_'. */
  readonly collectionPrefix?: string | undefined;
  /** What lies there; only the words of the log depend on it. Default 'jobs': these, and most often their logs. */
  readonly keeps?: 'jobs' | 'logs' | undefined;
  /** Start gives up when no usable server answers for this long, in ms. Default 5,000. */
  readonly connectMs?: number | undefined;
  /** One command may take this long, in ms, before its connection is given up. Default 10,000. */
  readonly commandMs?: number | undefined;
  /** A call is repeated until this long after its beginning, in ms. Default 10,000. */
  readonly retryMs?: number | undefined;
  /** Told of every command; for measurements. */
  readonly onCommand?: ((name: string, command: Document) => void) | undefined;
}

export interface MongoConnectionPorts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly ids: Ids;
  readonly log: Log;
}

const connectMsDefault = 5_000;
const retryMsDefault = 10_000;
const firstWaitMs = 20;
const longestWaitMs = 1_000;
/** A lost connection or a quick election passes unnoticed by those who wait. */
const quietMs = 2_000;
/** What still works while the server is away. */
const meanwhile = {
  jobs: 'Until it does, no job is accepted or started here: JobClients keep submits in their FailStore and send them later, runs go on until their lease is over, and their results are kept',
  logs: 'Jobs run on; their logs cannot be read, and lines come late or are lost',
} as const;

export class MongoConnection {
  private isClosing = false;
  private markedId = '';
  private readonly outage: Outage;

  private constructor(
    private readonly client: MongoClient,
    readonly database: Db,
    readonly options: MongoConnectionOptions,
    readonly ports: MongoConnectionPorts,
  ) {
    const { clock, log } = ports;
    const away = (why: string) =>
      `MongoDB at ${this.place} does not answer (${why}). ${meanwhile[options.keeps ?? 'jobs']}. It is tried again all the time. Start it, or mend the network to it`;
    const back = `MongoDB at ${this.place} answers again`;
    this.outage = new Outage({ clock, log, quietMs, away, back });
  }

  /**
   * Throws LTS_CONFIG_INVALID for addresses that cannot be read, a refused user or a server older than 4.4, LTS_STORE_FAILED when no
   * server is reached in time. Says in the log how durable writes are.
   */
  static async open(options: MongoConnectionOptions, ports: MongoConnectionPorts): Promise<MongoConnection> {
    const place = shownAddresses(options.addresses);
    const { connectMs = connectMsDefault } = options;
    const client = await clientOf(options, place);
    const database = client.db(options.database ?? databaseOf(options.addresses) ?? 'lts');
    const connection = new MongoConnection(client, database, options, ports);
    if (options.onCommand) {
      client.on('commandStarted', ({ commandName, command }) => options.onCommand?.(commandName, command));
    }
    try {
      await connect(client, ports.clock, 2 * connectMs);
      connection.markedId = await checkServer(connection, ports.ids.random());
      return connection;
    } catch (error) {
      await client.close();
      throw connectError({ place, connectMs }, error);
    }
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.client.close();
  }

  /** Server addresses, without secrets. */
  get place(): string {
    return `${shownAddresses(this.options.addresses)}, database ${this.database.databaseName}`;
  }

  /** Of the database and collection prefix: the same for every connection there. */
  get storeId(): string {
    return this.markedId;
  }

  collection<T extends Document>(name: string): Collection<T> {
    return this.database.collection<T>(`${this.options.collectionPrefix ?? 'lts_'}${name}`);
  }

  /** The server is away, which the log has told, and this error came of it. */
  isOutage(error: unknown): boolean {
    return this.outage.isTold && LtsError.is(error, 'LTS_STORE_FAILED') && isAway(error.cause);
  }

  /**
   * Does `work` until it succeeds, fails for good or its time is over. Work that failed in passing may have been carried out, or
   * may still be: repeating it must be safe.
   */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { clock, chance } = this.ports;
    const until = clock.monoMs() + (this.options.retryMs ?? retryMsDefault);
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      const triedMono = clock.monoMs();
      try {
        const done = await work();
        this.outage.over();
        return done;
      } catch (error) {
        if (isAway(error) && !this.isClosing) this.outage.met(saidOf(error), triedMono);
        const isOver = this.isClosing || clock.monoMs() >= until;
        if (isOver || !isPassing(error)) throw storeError(what, this.place, error);
      }
      await clock.sleep(waitMs * (0.5 + chance.next() / 2));
    }
  }
}

/** The driver's own limit begins when the DNS has named the servers of a mongodb+srv:// address. */
async function connect(client: MongoClient, clock: Clock, ms: number): Promise<void> {
  const over = new AbortController();
  const inVain = clock
    .sleep(ms, over.signal)
    .then(() => Promise.reject(new NoAnswerInTime(`no answer within ${ms} ms`)));
  try {
    await Promise.race([client.connect(), inVain]);
  } finally {
    over.abort(over);
    inVain.catch(() => {});
  }
}

/** Throws LTS_CONFIG_INVALID. */
async function clientOf(options: MongoConnectionOptions, place: string): Promise<MongoClient> {
  const { MongoClient } = await import('mongodb');
  try {
    return new MongoClient(urlOf(options.addresses), driverOptions(options));
  } catch (error) {
    const said = shownAddresses(error instanceof Error ? error.message : String(error));
    const text = `The MongoDB addresses '${place}' cannot be read (${said}). Write host:port, several separated by commas, or a mongodb:// or mongodb+srv:// URL.`;
    throw new LtsError('LTS_CONFIG_INVALID', text, { cause: error });
  }
}

const urlOf = (addresses: string): string => (addresses.includes('://') ? addresses : `mongodb://${addresses}`);

/** The driver's own retries are off: they need a replica set, and hide which attempt was carried out. */
function driverOptions({
  connectMs = connectMsDefault,
  commandMs = 10_000,
  onCommand,
  username,
  password,
}: MongoConnectionOptions): MongoClientOptions {
  return {
    ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
    appName: 'light-task-scheduler',
    retryWrites: false,
    retryReads: false,
    ignoreUndefined: true,
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: commandMs },
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    serverSelectionTimeoutMS: connectMs,
    connectTimeoutMS: connectMs,
    waitQueueTimeoutMS: commandMs,
    socketTimeoutMS: commandMs,
    heartbeatFrequencyMS: 5_000,
    maxPoolSize: 16,
    monitorCommands: onCommand !== undefined,
  };
}

function databaseOf(addresses: string): string | undefined {
  return /:\/\/[^/]+\/([^?]+)/.exec(addresses)?.[1];
}
