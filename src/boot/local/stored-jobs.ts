/**
 * Answers from the store of a data path while no application runs on it: the questions of a JobTracker, none of its work. The
 * path is owned meanwhile, so that no application starts beside it, and no job is changed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dataFileOf, LmdbEnvironment } from '../../adapters/lmdb/environment.js';
import { checkDataFile } from '../../adapters/lmdb/file-check.js';
import { LmdbJobLogger } from '../../adapters/lmdb/lmdb-job-logger.js';
import { LmdbJobQueue } from '../../adapters/lmdb/lmdb-job-queue.js';
import { DataPathOwner } from '../../adapters/lmdb/owner.js';
import { MemoryLeases } from '../../adapters/memory/memory-leases.js';
import { MemoryNetwork } from '../../adapters/memory/memory-transport.js';
import { answering } from '../../cluster/ask.js';
import { Explain } from '../../job-tracker/requests/explain.js';
import { Queries } from '../../job-tracker/requests/queries.js';
import type { TrackerPorts } from '../../job-tracker/tracker-ports.js';
import type { Log } from '../../ports/log.js';
import type { Transport } from '../../ports/transport.js';
import { subjectsOf } from '../../protocol/subjects.js';
import { chance, clock, ids } from '../system-ports.js';

export interface StoredPlace {
  readonly dataPath: string;
  readonly cluster: string;
  readonly log: Log;
}

const jobsFolderOf = (dataPath: string): string => join(dataPath, 'jobs');

/** Whether jobs were ever stored here. */
export const hasStoredJobs = (dataPath: string): boolean => existsSync(dataFileOf(jobsFolderOf(dataPath)));

export class StoredJobs {
  private constructor(
    /** Asks the store as if it were a JobTracker. */
    readonly transport: Transport,
    private readonly parts: { readonly owner: DataPathOwner; readonly environment: LmdbEnvironment },
    private readonly queue: LmdbJobQueue,
  ) {}

  /** Throws LTS_DATA_PATH_IN_USE when an application came first, LTS_STORE_CORRUPT, LTS_STORE_FAILED. */
  static async open(place: StoredPlace): Promise<StoredJobs> {
    const owner = await DataPathOwner.take({ path: place.dataPath, clock, ids, isBrief: true });
    try {
      const folder = jobsFolderOf(place.dataPath);
      checkDataFile(dataFileOf(folder));
      return await StoredJobs.read(place, { owner, environment: await LmdbEnvironment.open({ path: folder }) });
    } catch (error) {
      await owner.release();
      throw error;
    }
  }

  private static async read(place: StoredPlace, parts: StoredJobs['parts']): Promise<StoredJobs> {
    const { environment } = parts;
    const queue = new LmdbJobQueue(environment);
    const logger = new LmdbJobLogger(environment);
    try {
      await queue.open();
      await logger.open();
    } catch (error) {
      await environment.close();
      throw error;
    }
    const transport = new MemoryNetwork(clock).transport();
    answerQuestions(
      { queue, logger, leases: new MemoryLeases(), transport, clock, ids, chance, log: place.log },
      place.cluster,
    );
    return new StoredJobs(transport, parts, queue);
  }

  async close(): Promise<void> {
    await this.transport.close();
    await this.queue.close();
    await this.parts.environment.close();
    await this.parts.owner.release();
  }
}

/** No worker is there, and nothing changes while it is looked at. */
function answerQuestions(ports: TrackerPorts, cluster: string): void {
  const queries = new Queries({ ports, isAlone: true });
  const explain = new Explain({ ports }, { holderOf: () => undefined }, { freeSlots: () => 0 });
  const answer = answering(
    {
      GetJob: (body) => queries.get(body),
      ListJobs: (body) => queries.list(body),
      CountJobs: () => queries.count(),
      ReadLog: (body) => queries.readLog(body),
      ExplainJob: (body) => explain.explain(body),
    },
    'store without a JobTracker',
  );
  ports.transport.subscribe(subjectsOf(cluster).tracker, answer);
}
