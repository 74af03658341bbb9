/**
 * The embedded shape: all nodes of one process share a data path, a network in memory and one store. The first node to come
 * takes the data path, the last to go releases it.
 *
 *   <data-path>/owner...      who owns it           <data-path>/jobs/     jobs and their logs, one LMDB file
 *   <data-path>/failstore/0/  what could not be sent
 */
import type { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { dataFileOf, LmdbEnvironment } from '../adapters/lmdb/environment.js';
import { checkDataFile } from '../adapters/lmdb/file-check.js';
import { DataPathOwner } from '../adapters/lmdb/owner.js';
import { LocalServer } from '../adapters/local/local-server.js';
import { MemoryRegistry } from '../adapters/memory/memory-registry.js';
import { MemoryNetwork } from '../adapters/memory/memory-transport.js';
import { LtsError } from '../errors.js';
import type { FailStore } from '../ports/fail-store.js';
import type { JobLogger } from '../ports/job-logger.js';
import type { JobQueue } from '../ports/job-queue.js';
import type { Log } from '../ports/log.js';
import { type Extension, type ExtensionPlace, findExtension, hasExtension, type PortName } from './extensions.js';
import { chance, clock, ids, schemas } from './system-ports.js';

/** Where things are kept, by the names of adapters, and the adapters that do not come with the package. */
export interface StoreChoice {
  readonly jobQueue: string;
  readonly failStore: string;
  readonly extensions: readonly Extension[];
  /** Settings of extensions by their name. */
  readonly extensionSettings: Readonly<Record<string, unknown>>;
}

export interface Stores {
  readonly queue: JobQueue;
  readonly logger: JobLogger;
  /** This process has not had the stores open before: sessions found in them belong to a process that is gone. */
  readonly isFirstOpen: boolean;
  /** Counts of the store's work; absent where no LMDB file is open. */
  readonly environment: LmdbEnvironment | undefined;
}

interface Place {
  readonly path: string;
  readonly choice: StoreChoice;
  readonly log: Log;
}

export class EmbeddedCluster {
  private static readonly byPath = new Map<string, Promise<EmbeddedCluster>>();
  /** Clusters that are being left: whoever comes waits until the path is free. */
  private static readonly leaving = new Map<string, Promise<void>>();
  readonly network = new MemoryNetwork(clock);
  readonly registry = new MemoryRegistry();
  /** The `lts` command talks to this process through it. */
  private readonly localServer = new LocalServer(() => this.network.transport(), clock);
  private owner: DataPathOwner | undefined;
  private members = 0;
  private isOpenedBefore = false;
  private stores: Promise<Stores> | undefined;
  private environment: Promise<LmdbEnvironment> | undefined;
  private kept: FailStore | undefined;

  private constructor(private readonly place: Place) {}

  /** Joins the process's cluster on this path. Throws LTS_DATA_PATH_IN_USE, LTS_STORE_CORRUPT, LTS_CONFIG_INVALID. */
  static async enter(dataPath: string, choice: StoreChoice, log: Log): Promise<EmbeddedCluster> {
    const path = resolve(dataPath);
    const key = `${choice.jobQueue}:${path}`;
    await EmbeddedCluster.leaving.get(key);
    const joined = EmbeddedCluster.byPath.get(key) ?? EmbeddedCluster.take({ path, choice, log });
    EmbeddedCluster.byPath.set(key, joined);
    try {
      const cluster = await joined;
      cluster.members++;
      return cluster;
    } catch (error) {
      EmbeddedCluster.byPath.delete(key);
      throw error;
    }
  }

  private static async take(place: Place): Promise<EmbeddedCluster> {
    const isInMemory = place.choice.jobQueue === 'memory' && place.choice.failStore === 'memory';
    const cluster = new EmbeddedCluster(place);
    if (!isInMemory) await cluster.own();
    try {
      cluster.kept = await cluster.create('job.fail.store', place.choice.failStore);
      await cluster.kept.open();
    } catch (error) {
      await cluster.release();
      throw error;
    }
    return cluster;
  }

  private async own(): Promise<void> {
    const { path } = this.place;
    const onConnection = (connection: Socket) => this.localServer.accept(connection);
    this.owner = await DataPathOwner.take({ path, clock, ids, onConnection });
  }

  private async release(): Promise<void> {
    this.localServer.close();
    await this.owner?.release();
  }

  /** What this process's nodes could not send. */
  get failStore(): FailStore {
    return this.kept as FailStore;
  }

  /** The stores of the one JobTracker. Throws LTS_CONFIG_INVALID when another JobTracker of this process has them. */
  async openStores(jobLogger?: string): Promise<Stores> {
    if (this.stores) {
      throw new LtsError(
        'LTS_CONFIG_INVALID',
        `The data path ${this.place.path} already has its JobTracker; the embedded shape has one.`,
      );
    }
    this.stores = this.open(jobLogger ?? this.loggerBeside());
    try {
      const stores = await this.stores;
      this.isOpenedBefore = true;
      return stores;
    } catch (error) {
      this.stores = undefined;
      throw error;
    }
  }

  private async open(jobLogger: string): Promise<Stores> {
    try {
      const queue = await this.create('job.queue', this.place.choice.jobQueue);
      const logger = await this.create('job.logger', jobLogger);
      await queue.open();
      await logger.open();
      return { queue, logger, isFirstOpen: !this.isOpenedBefore, environment: await this.environment };
    } catch (error) {
      await this.closeEnvironment();
      throw error;
    }
  }

  async closeStores(): Promise<void> {
    const stores = await this.stores;
    await stores?.logger.close();
    await stores?.queue.close();
    await this.closeEnvironment();
    this.stores = undefined;
  }

  private async closeEnvironment(): Promise<void> {
    const environment = await this.environment?.catch(() => undefined);
    this.environment = undefined;
    await environment?.close();
  }

  /** Logs lie beside the jobs where the jobs' store has a place for them. */
  private loggerBeside(): string {
    const { jobQueue, extensions } = this.place.choice;
    return hasExtension('job.logger', jobQueue, extensions) ? jobQueue : 'lmdb';
  }

  private async create<Port extends PortName>(port: Port, name: string) {
    const { extensions, extensionSettings } = this.place.choice;
    const extension = findExtension(port, name, extensions);
    const given = extensionSettings[name] ?? {};
    const settings = extension.settings ? await schemas.check(extension.settings, given) : given;
    return extension.create({
      ...this.extensionPlace(settings),
      environment: () => this.openEnvironment(),
      failStorePath: join(this.place.path, 'failstore', '0'),
    });
  }

  private extensionPlace(settings: unknown): ExtensionPlace {
    const { path, log } = this.place;
    return { settings, dataPath: path, log, clock, ids, chance, onFatal: endProcess(log) };
  }

  private openEnvironment(): Promise<LmdbEnvironment> {
    if (!this.owner) {
      const text = `job.logger lmdb needs the data path ${this.place.path}, but with jobQueue memory nothing is kept there. Choose the logger memory or console, or another jobQueue.`;
      throw new LtsError('LTS_CONFIG_INVALID', text);
    }
    const folder = join(this.place.path, 'jobs');
    checkDataFile(dataFileOf(folder));
    this.environment ??= LmdbEnvironment.open({ path: folder, onFatal: endProcess(this.place.log) });
    return this.environment;
  }

  async leave(): Promise<void> {
    if (--this.members > 0) return;
    const key = `${this.place.choice.jobQueue}:${this.place.path}`;
    EmbeddedCluster.byPath.delete(key);
    const left = this.close().finally(() => EmbeddedCluster.leaving.delete(key));
    EmbeddedCluster.leaving.set(key, left);
    await left;
  }

  private async close(): Promise<void> {
    await this.failStore.close();
    await this.release();
  }
}

/** After a failed fsync nobody knows what is on the disk: the only safe answer is to stop and start from what is. */
function endProcess(log: Log): (error: LtsError) => void {
  return (error) => {
    log.error(
      { error },
      'the store failed to commit; this process ends, so that nothing is acknowledged that is not stored',
    );
    process.exit(1);
  };
}
