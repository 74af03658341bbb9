/** Creates the indexes of a collection and makes sure that each is what the queries count on. */
import type { Collection, Document } from 'mongodb';
import { LtsError } from '../../errors.js';
import type { MongoConnection } from './mongo-connection.js';
import { isPassing } from './mongo-errors.js';

export interface IndexSpec {
  readonly key: Readonly<Record<string, 1>>;
  readonly options: { readonly unique?: true; readonly sparse?: true };
}

/** Throws LTS_CONFIG_INVALID for an index of the same name that is another one. An index that is there costs nothing. */
export async function ensureIndexes<T extends Document>(
  connection: MongoConnection,
  collection: Collection<T>,
  specs: Readonly<Record<string, IndexSpec>>,
): Promise<void> {
  const wanted = Object.entries(specs).map(([name, { key, options }]) => ({ name, key: { ...key }, ...options }));
  await connection.attempt('create indexes', async () => {
    try {
      await collection.createIndexes(wanted);
    } catch (error) {
      // An index of this name that is another one is named below.
      if (isPassing(error) || !(await firstWrongIndex(collection, specs))) throw error;
    }
  });
  const wrong = await connection.attempt('check indexes', () => firstWrongIndex(collection, specs));
  if (wrong === undefined) return;
  const spec = JSON.stringify(specs[wrong]);
  const text = `Index ${wrong} of collection ${collection.collectionName} in MongoDB at ${connection.place} is not ${spec}. Drop the index; the next start creates it.`;
  throw new LtsError('LTS_CONFIG_INVALID', text);
}

/** The name of the first index that is missing or another one. */
export async function firstWrongIndex<T extends Document>(
  collection: Collection<T>,
  specs: Readonly<Record<string, IndexSpec>>,
): Promise<string | undefined> {
  const found = await collection.listIndexes().toArray();
  return Object.entries(specs)
    .map(([name, spec]) => ({ name, spec, known: found.filter((index) => index.name === name) }))
    .find(({ spec, known }) => known.length === 0 || !known.every((index) => isLike(index, spec)))?.name;
}

function isLike(found: Document, { key, options }: IndexSpec): boolean {
  if (found.partialFilterExpression !== undefined) return false;
  const isSame = JSON.stringify(found.key) === JSON.stringify(key);
  return isSame && !!found.unique === !!options.unique && !!found.sparse === !!options.sparse;
}
