/** Looks whether a store in use is still the one that was opened: its mark, and the indexes that keep jobs apart. */
import { firstWrongIndex } from './indexes.js';
import { jobIndexes } from './jobs/job-queries.js';
import type { MongoConnection } from './mongo-connection.js';
import { isMissing } from './mongo-errors.js';
import { readMark } from './server-check.js';

/**
 * Answers what is gone and what follows, undefined while all is well. A collection that was dropped comes back with the next write, but
 * without indexes: then the same job may be stored twice, and nobody is told. Throws LTS_STORE_FAILED when the server does not say.
 */
export function whatIsGone(connection: MongoConnection): Promise<string | undefined> {
  const { place, storeId } = connection;
  return connection.attempt('look at the store', async () => {
    if ((await readMark(connection))?.id !== storeId) {
      return `the jobs in MongoDB at ${place} are not those that were opened: the database was dropped or replaced. A start goes on with what is there`;
    }
    const index = await goneIndex(connection);
    if (index === undefined) return undefined;
    return `collection ${index.collection} in MongoDB at ${place} has no usable index ${index.name} any more, without which a job may be stored twice. A start creates it anew`;
  });
}

async function goneIndex(connection: MongoConnection): Promise<{ collection: string; name: string } | undefined> {
  const jobs = connection.collection('jobs');
  const collection = jobs.collectionName;
  try {
    const name = await firstWrongIndex(jobs, jobIndexes);
    return name === undefined ? undefined : { collection, name };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { collection, name: 'lts_keys' };
  }
}
