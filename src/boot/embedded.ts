/**
 * The embedded shape: all nodes of one process share a data path, a network in memory and one store. The first node to come
 * takes the data path, the last to go releases it.
 *
 *   <data-path>/owner...      who owns it           <data-path>/jobs/     jobs and their logs, one LMDB file
 *   <data-path>/failstore/0/  what could not be sent
 */
import { join, resolve } from 'node:path';
import { dataFileOf, LmdbEnvironment } from '../adapters/lmdb/environment.js';
import { checkDataFile } from '../adapters/lmdb/file-check.js';
import { LmdbFailStore } from '../adapters/lmdb/lmdb-fail-store.js';
import { LmdbJobLogger } from '../adapters/lmdb/lmdb-job-logger.js';
import { LmdbJobQueue } from '../adapters/lmdb/lmdb-job-queue.js';
import { DataPathOwner } from '../adapters/lmdb/owner.js';
import { MemoryFailStore } from '../adapters/memory/memory-fail-store.js';
import { MemoryJobLogger } from '../adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../adapters/memory/memory-job-queue.js';
import { MemoryNetwork } from '../adapters/memory/memory-transport.js';
import { LtsError } from '../errors.js';
import type { FailStore } from '../ports/fail-store.js';
import type { JobLogger } from '../ports/job-logger.js';
import type { JobQueue } from '../ports/job-queue.js';
import type { Log } from '../ports/log.js';
import { clock, ids } from './system-ports.js';

/** Where the jobs live: in the data path, or only in this process. */
export type StoreName = 'lmdb' | 'memory';

export interface Stores {
  readonly queue: JobQueue;
  readonly logger: JobLogger;
  /** This process has not had the stores open before: sessions found in them belong to a process that is gone. */
  readonly isFirstOpen: boolean;
  /** Counts of the store's work; absent in memory. */
  readonly environment?: LmdbEnvironment | undefined;
}

export class EmbeddedCluster {
  private static readonly byPath = new Map<string, Promise<EmbeddedCluster>>();
  /** Clusters that are being left: whoever comes waits until the path is free. */
  private static readonly leaving = new Map<string, Promise<void>>();
  readonly network = new MemoryNetwork(clock);
  private members = 0;
  private isOpenedBefore = false;
  private stores: Promise<Stores> | undefined;

  private constructor(
    private readonly place: { readonly path: string; readonly store: StoreName; readonly log: Log },
    readonly failStore: FailStore,
    private readonly owner: DataPathOwner | undefined,
  ) {}

  /** Joins the process's cluster on this path. Throws LTS_DATA_PATH_IN_USE, LTS_STORE_CORRUPT, LTS_CONFIG_INVALID. */
  static async enter(dataPath: string, store: StoreName, log: Log): Promise<EmbeddedCluster> {
    const path = resolve(dataPath);
    const key = `${store}:${path}`;
    await EmbeddedCluster.leaving.get(key);
    const joined = EmbeddedCluster.byPath.get(key) ?? EmbeddedCluster.take({ path, store, log });
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

  private static async take(place: { path: string; store: StoreName; log: Log }): Promise<EmbeddedCluster> {
    if (place.store === 'memory') return new EmbeddedCluster(place, new MemoryFailStore(), undefined);
    const owner = await DataPathOwner.take({ path: place.path, clock, ids });
    const failStore = new LmdbFailStore({ path: join(place.path, 'failstore', '0'), onFatal: endProcess(place.log) });
    try {
      await failStore.open();
    } catch (error) {
      await owner.release();
      throw error;
    }
    return new EmbeddedCluster(place, failStore, owner);
  }

  /** The stores of the one JobTracker. Throws LTS_CONFIG_INVALID when another JobTracker of this process has them. */
  async openStores(): Promise<Stores> {
    if (this.stores) {
      throw new LtsError(
        'LTS_CONFIG_INVALID',
        `The data path ${this.place.path} already has its JobTracker; the embedded shape has one.`,
      );
    }
    const isFirstOpen = !this.isOpenedBefore;
    this.stores = this.place.store === 'memory' ? openMemory(isFirstOpen) : this.openLmdb(isFirstOpen);
    try {
      const stores = await this.stores;
      this.isOpenedBefore = true;
      return stores;
    } catch (error) {
      this.stores = undefined;
      throw error;
    }
  }

  async closeStores(): Promise<void> {
    const stores = await this.stores;
    await stores?.logger.close();
    await stores?.queue.close();
    await stores?.environment?.close();
    this.stores = undefined;
  }

  async leave(): Promise<void> {
    if (--this.members > 0) return;
    const key = `${this.place.store}:${this.place.path}`;
    EmbeddedCluster.byPath.delete(key);
    const left = this.close().finally(() => EmbeddedCluster.leaving.delete(key));
    EmbeddedCluster.leaving.set(key, left);
    await left;
  }

  private async close(): Promise<void> {
    await this.failStore.close();
    await this.owner?.release();
  }

  private async openLmdb(isFirstOpen: boolean): Promise<Stores> {
    const { path, log } = this.place;
    const folder = join(path, 'jobs');
    checkDataFile(dataFileOf(folder));
    const environment = await LmdbEnvironment.open({ path: folder, onFatal: endProcess(log) });
    const onQuarantine = (found: object) => log.error(found, 'an unreadable record was set aside');
    const queue = new LmdbJobQueue(environment, { onQuarantine });
    const logger = new LmdbJobLogger(environment);
    await queue.open();
    await logger.open();
    return { queue, logger, isFirstOpen, environment };
  }
}

async function openMemory(isFirstOpen: boolean): Promise<Stores> {
  const queue = new MemoryJobQueue();
  const logger = new MemoryJobLogger();
  await queue.open();
  await logger.open();
  return { queue, logger, isFirstOpen };
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
