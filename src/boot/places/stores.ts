/**
 * The stores of a data path, made by the names of their adapters.
 *
 *   <data-path>/owner...      who owns it           <data-path>/jobs/     jobs and their logs, one LMDB file
 *   <data-path>/failstore/<n>/  what could not be sent: 0 of an embedded application, from 1 on of a process of a cluster
 */
import { join } from 'node:path';
import { dataFileOf, LmdbEnvironment } from '../../adapters/lmdb/environment.js';
import { checkDataFile } from '../../adapters/lmdb/file-check.js';
import { LtsError } from '../../errors.js';
import type { FailStore } from '../../ports/fail-store.js';
import type { JobLogger } from '../../ports/job-logger.js';
import type { JobQueue } from '../../ports/job-queue.js';
import type { Log } from '../../ports/log.js';
import { findExtension, hasExtension, type OwnPlace, type PortName, type StoreChoice } from '../extensions.js';
import { chance, clock, ids, schemas } from '../system-ports.js';

export interface Stores {
  readonly queue: JobQueue;
  readonly logger: JobLogger;
  /** Sessions found in them belong to a process that is gone. */
  readonly hasDeadSessions: boolean;
  /** Counts of the store's work; absent where no LMDB file is open. */
  readonly environment: LmdbEnvironment | undefined;
}

export interface StorePlace {
  readonly path: string;
  readonly choice: StoreChoice;
  readonly log: Log;
}

/** What a JobTracker keeps, from its opening to its close. */
export class JobStores {
  private stores: Promise<Omit<Stores, 'hasDeadSessions'>> | undefined;
  private environment: Promise<LmdbEnvironment> | undefined;

  constructor(
    private readonly place: StorePlace,
    /** Files may be written only there where this process owns the data path. */
    private readonly isOwned: () => boolean,
  ) {}

  /** Throws LTS_CONFIG_INVALID when another JobTracker of this process has them, and what the adapters throw. */
  async open(jobLogger?: string): Promise<Omit<Stores, 'hasDeadSessions'>> {
    if (this.stores) {
      const text = `The data path ${this.place.path} already has its JobTracker; a second one there would change the same jobs.`;
      throw new LtsError('LTS_CONFIG_INVALID', text);
    }
    this.stores = this.make(jobLogger ?? this.loggerBeside());
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
    await this.closeEnvironment();
    this.stores = undefined;
  }

  private async make(jobLogger: string): Promise<Omit<Stores, 'hasDeadSessions'>> {
    try {
      const queue = await this.create('job.queue', this.place.choice.jobQueue);
      const logger = await this.create('job.logger', jobLogger);
      await queue.open();
      await logger.open();
      return { queue, logger, environment: await this.environment };
    } catch (error) {
      await this.closeEnvironment();
      throw error;
    }
  }

  private create<Port extends PortName>(port: Port, name: string) {
    const { path } = this.place;
    return create(port, name, {
      ...this.place,
      dataPath: path,
      environment: () => this.openEnvironment(),
      failStorePath: '',
    });
  }

  /** Logs lie beside the jobs where the jobs' store has a place for them. */
  private loggerBeside(): string {
    const { jobQueue, extensions } = this.place.choice;
    return hasExtension('job.logger', jobQueue, extensions) ? jobQueue : 'lmdb';
  }

  private openEnvironment(): Promise<LmdbEnvironment> {
    if (!this.isOwned()) {
      const text = `job.logger lmdb needs the data path ${this.place.path}, but with jobQueue memory nothing is kept there. Choose the logger memory or console, or another jobQueue.`;
      throw new LtsError('LTS_CONFIG_INVALID', text);
    }
    const folder = join(this.place.path, 'jobs');
    checkDataFile(dataFileOf(folder));
    this.environment ??= LmdbEnvironment.open({ path: folder, onFatal: endProcess(this.place.log) });
    return this.environment;
  }

  private async closeEnvironment(): Promise<void> {
    const environment = await this.environment?.catch(() => undefined);
    this.environment = undefined;
    await environment?.close();
  }
}

/** Where a data path keeps what could not be sent; `number` is 0 for an embedded application. */
export const failStoreFolder = (dataPath: string, number: number | string): string =>
  join(dataPath, 'failstore', String(number));

/** The FailStore in a folder that is this process's alone, opened. */
export async function openFailStore(place: StorePlace, folder: string): Promise<FailStore> {
  const environment = () => Promise.reject(new LtsError('LTS_INTERNAL', 'A FailStore has a file of its own.'));
  const kept = { ...place, dataPath: place.path, environment, failStorePath: folder };
  const failStore = await create('job.fail.store', place.choice.failStore, kept);
  await failStore.open();
  return failStore;
}

type CreatePlace = Pick<OwnPlace, 'dataPath' | 'environment' | 'failStorePath' | 'log'> & {
  readonly choice: StoreChoice;
};

async function create<Port extends PortName>(port: Port, name: string, { choice, ...place }: CreatePlace) {
  const extension = findExtension(port, name, choice.extensions);
  const given = choice.extensionSettings[name] ?? {};
  const settings = extension.settings ? await schemas.check(extension.settings, given) : given;
  const { dataPath, environment, failStorePath, log } = place;
  const onFatal = endProcess(log);
  return extension.create({ settings, dataPath, environment, failStorePath, log, clock, ids, chance, onFatal });
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
