/**
 * The stores of a data path, made by the names of their adapters.
 *
 *   <data-path>/owner...      who owns it           <data-path>/jobs/     jobs and their logs, one LMDB file
 *   <data-path>/failstore/<n>.<cluster>/  what could not be sent: 0 of an embedded application, from 1 on of a process over NATS;
 *   <data-path>/failstore/leveldb-<n>.<cluster>/  the same in LevelDB, so that each is found by its kind when the setting was changed
 */
import { join } from 'node:path';
import { dataFileOf, LmdbEnvironment } from '../../adapters/lmdb/environment.js';
import { checkDataFile } from '../../adapters/lmdb/file-check.js';
import { MemoryLeases } from '../../adapters/memory/memory-leases.js';
import { LtsError } from '../../errors.js';
import type { Clock } from '../../ports/clock.js';
import type { FailStore } from '../../ports/fail-store.js';
import type { JobLogger } from '../../ports/job-logger.js';
import type { JobQueue } from '../../ports/job-queue.js';
import type { Leases } from '../../ports/leases.js';
import type { Log } from '../../ports/log.js';
import type { PortName, StoreChoice } from '../extensions.js';
import type { MongoOptions } from '../mongo-options.js';
import { findExtension, hasExtension, type OwnPlace } from '../own-adapters.js';
import { chance, clock, ids, schemas } from '../system-ports.js';
import type { MongoStore } from './mongo-store.js';

export interface Stores {
  /** Different for two stores of the same cluster. */
  readonly id: string;
  readonly queue: JobQueue;
  readonly logger: JobLogger;
  readonly leases: Leases;
  /** The time that all JobTrackers of the store agree on. */
  readonly clock: Clock;
  /** Other processes may have it open, too. */
  readonly isShared: boolean;
  /** All of it lies in this process and its files: no server is to be waited for. */
  readonly isLocal: boolean;
  /** A server of it is away, which the log has told, and this error came of it. */
  readonly isOutage: (error: unknown) => boolean;
  /** Sessions found in them belong to a process that is gone. */
  readonly hasDeadSessions: boolean;
  /** Counts of the store's work; absent where no LMDB file is open. */
  readonly environment: LmdbEnvironment | undefined;
}

export interface StorePlace {
  readonly path: string;
  readonly choice: StoreChoice;
  readonly cluster: string;
  readonly log: Log;
}

/** What only the JobTracker says of its stores. */
export interface StoreRequest {
  readonly jobLogger?: string | undefined;
  readonly mongo?: MongoOptions | undefined;
}

/** `giveUp` is called when what was opened is lost while it is in use. */
export interface StoreOpening extends StoreRequest {
  readonly giveUp: (why: string) => void;
}

/** The one store that several processes can use at a time. */
export const isShared = ({ jobQueue }: StoreChoice): boolean => jobQueue === 'mongo';

type OpenStores = Omit<Stores, 'hasDeadSessions'>;

/** What a JobTracker keeps, from its opening to its close. */
export class JobStores {
  private stores: Promise<OpenStores> | undefined;
  private environment: Promise<LmdbEnvironment> | undefined;
  private mongo: Promise<MongoStore> | undefined;

  constructor(
    private readonly place: StorePlace,
    /** Files may be written only there where this process owns the data path. */
    private readonly isOwned: () => boolean,
  ) {}

  /** Throws LTS_CONFIG_INVALID when another JobTracker of this process has them, and what the adapters throw. */
  async open(request: StoreOpening): Promise<OpenStores> {
    if (this.stores) {
      const text = `The data path ${this.place.path} already has its JobTracker; a second one there would change the same jobs.`;
      throw new LtsError('LTS_CONFIG_INVALID', text);
    }
    this.stores = this.make(request);
    try {
      return await this.stores;
    } catch (error) {
      this.stores = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const stores = await this.stores;
    await stores?.logger.close();
    await stores?.queue.close();
    await this.closeFiles();
    this.stores = undefined;
  }

  private async make(request: StoreOpening): Promise<OpenStores> {
    try {
      const queue = await this.create('job.queue', this.place.choice.jobQueue, request);
      const logger = await this.create('job.logger', request.jobLogger ?? this.loggerBeside(), request);
      await queue.open();
      await logger.open();
      return { queue, logger, ...(await this.sharing(request)), environment: await this.environment };
    } catch (error) {
      await this.closeFiles();
      throw error;
    }
  }

  private async sharing({ giveUp }: StoreOpening): Promise<Omit<OpenStores, 'queue' | 'logger' | 'environment'>> {
    const mongo = await this.mongo;
    const reach = { isLocal: mongo === undefined, isOutage: (error: unknown) => mongo?.isOutage(error) ?? false };
    if (!mongo || !isShared(this.place.choice))
      return { id: ids.random(), leases: new MemoryLeases(), clock, isShared: false, ...reach };
    mongo.watchOver(giveUp);
    return { id: mongo.id, leases: mongo.leases, clock: mongo.clock, isShared: true, ...reach };
  }

  private create<Port extends PortName>(port: Port, name: string, { mongo = {} }: StoreRequest) {
    const { path } = this.place;
    return create(port, name, {
      ...this.place,
      dataPath: path,
      environment: () => this.openEnvironment(),
      mongo: () => this.openMongo(mongo),
      failStorePath: '',
    });
  }

  /** Only who uses it loads the library. */
  private openMongo(mongo: MongoOptions): Promise<MongoStore> {
    const { cluster, choice, log } = this.place;
    const keeps = isShared(choice) ? 'jobs' : 'logs';
    this.mongo ??= import('./mongo-store.js').then(({ MongoStore }) => MongoStore.open({ cluster, mongo, keeps, log }));
    return this.mongo;
  }

  /** Logs lie beside the jobs where the jobs' store has a place for them. */
  private loggerBeside(): string {
    const { jobQueue, extensions } = this.place.choice;
    return hasExtension('job.logger', jobQueue, extensions) ? jobQueue : 'lmdb';
  }

  private openEnvironment(): Promise<LmdbEnvironment> {
    if (!this.isOwned()) {
      const text = `job.logger lmdb needs the data path ${this.place.path}, but with jobQueue ${this.place.choice.jobQueue} nothing is kept there. Choose another logger, or jobQueue lmdb.`;
      throw new LtsError('LTS_CONFIG_INVALID', text);
    }
    const folder = join(this.place.path, 'jobs');
    checkDataFile(dataFileOf(folder));
    this.environment ??= LmdbEnvironment.open({ path: folder, onFatal: endProcess(this.place.log) });
    return this.environment;
  }

  private async closeFiles(): Promise<void> {
    const open = await Promise.allSettled([this.environment, this.mongo]);
    this.environment = undefined;
    this.mongo = undefined;
    for (const one of open) if (one.status === 'fulfilled') await one.value?.close();
  }
}

/** What dead processes left in such files is sent by the next one. */
export const isFileStore = ({ failStore }: StoreChoice): boolean => failStore === 'lmdb' || failStore === 'leveldb';

/** The FailStore in a folder that is this process's alone, opened. */
export async function openFailStore(place: StorePlace, folder: string): Promise<FailStore> {
  const elsewhere = () => Promise.reject(new LtsError('LTS_INTERNAL', 'A FailStore has a file of its own.'));
  const kept = { ...place, dataPath: place.path, environment: elsewhere, mongo: elsewhere, failStorePath: folder };
  const failStore = await create('job.fail.store', place.choice.failStore, kept);
  await failStore.open();
  return failStore;
}

type CreatePlace = Pick<OwnPlace, 'dataPath' | 'environment' | 'mongo' | 'failStorePath' | 'log'> & {
  readonly choice: StoreChoice;
};

async function create<Port extends PortName>(port: Port, name: string, { choice, ...place }: CreatePlace) {
  const extension = findExtension(port, name, choice.extensions);
  const given = choice.extensionSettings[name] ?? {};
  const settings = extension.settings ? await schemas.check(extension.settings, given) : given;
  const { dataPath, environment, mongo, failStorePath, log } = place;
  const onFatal = endProcess(log);
  return extension.create({ settings, dataPath, environment, mongo, failStorePath, log, clock, ids, chance, onFatal });
}

/** After a failed fsync nobody knows what is on the disk: the only safe answer is to stop and start from what is. */
export function endProcess(log: Log): (error: LtsError) => void {
  return (error) => {
    log.error(
      { error },
      'the store failed to commit; this process ends, so that nothing is acknowledged that is not stored',
    );
    process.exit(1);
  };
}
