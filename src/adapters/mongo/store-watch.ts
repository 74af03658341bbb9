/** Looks whether a store in use is still the one that was opened: its mark, and the indexes that keep jobs and their lines apart. */
import { firstWrongIndex, type IndexSpec } from './indexes.js';
import { jobIndexes } from './jobs/job-queries.js';
import type { MongoConnection } from './mongo-connection.js';
import { isMissing } from './mongo-errors.js';
import { logIndexes } from './mongo-job-logger.js';
import { readMark } from './server-check.js';

interface Watched {
  readonly indexes: Readonly<Record<string, IndexSpec>>;
  /** What there may be two of without them. */
  readonly doubled: string;
}

const watched = {
  jobs: { indexes: jobIndexes, doubled: 'a job' },
  job_logs: { indexes: logIndexes, doubled: "a line of a job's log" },
} as const satisfies Record<string, Watched>;
export type WatchedCollection = keyof typeof watched;

/**
 * Answers what is gone and what follows, undefined while all is well. A collection that was dropped comes back with the next write, but
 * without indexes: then the same job or line may be stored twice, and nobody is told. Throws LTS_STORE_FAILED when the server does not
 * say.
 */
export function whatIsGone(
  connection: MongoConnection,
  inUse: readonly WatchedCollection[],
): Promise<string | undefined> {
  const { place, storeId } = connection;
  return connection.attempt('look at the store', async () => {
    if ((await readMark(connection))?.id !== storeId) {
      return `the jobs in MongoDB at ${place} are not those that were opened: the database was dropped or replaced. A start goes on with what is there`;
    }
    for (const name of inUse) {
      const index = await goneIndex(connection, name);
      if (index === undefined) continue;
      const { collectionName } = connection.collection(name);
      return `collection ${collectionName} in MongoDB at ${place} has no usable index ${index} any more, without which ${watched[name].doubled} may be stored twice. A start creates it anew`;
    }
    return undefined;
  });
}

async function goneIndex(connection: MongoConnection, name: WatchedCollection): Promise<string | undefined> {
  const { indexes } = watched[name];
  try {
    return await firstWrongIndex(connection.collection(name), indexes);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return Object.keys(indexes)[0];
  }
}
