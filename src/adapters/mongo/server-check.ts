/** What a server must be before jobs are entrusted to it, and how durable it keeps them. */
import type { Collection, Db, Document } from 'mongodb';
import { LtsError } from '../../errors.js';
import type { Log } from '../../ports/log.js';
import { isDuplicateKey } from './mongo-errors.js';

/** Raised when documents change so that older code would misread them. */
const storeFormat = 1;
const oldestVersion = [4, 4] as const;

/** Made by the first who came. */
interface StoreMark {
  readonly _id: string;
  readonly format: number;
  /** Tells two stores apart. */
  readonly id: string;
}

/** A connection, as far as this check needs it. */
export interface CheckedServer {
  /** Server addresses, without secrets. */
  readonly place: string;
  readonly database: Db;
  readonly ports: { readonly log: Log };
  readonly options: { readonly keeps?: 'jobs' | 'logs' | undefined };
  collection<T extends Document>(name: string): Collection<T>;
}

/** Answers the store's id. Throws LTS_CONFIG_INVALID. Logs the durability of writes: a warning where one lost disk loses jobs. */
export async function checkServer(connection: CheckedServer, newId: string): Promise<string> {
  const { database } = connection;
  const { version } = await database.command({ buildInfo: 1 });
  checkVersion(connection, String(version));
  const hello = await helloOf(connection);
  const storeId = await markStore(connection, newId);
  sayDurability(connection, String(version), hello);
  return storeId;
}

/** What the server says of itself; `isMaster` is how it was asked before 4.4.2. */
export async function helloOf({ database }: Pick<CheckedServer, 'database'>): Promise<Document> {
  try {
    return await database.command({ hello: 1 });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 59) throw error;
    return database.command({ isMaster: 1 });
  }
}

function checkVersion({ place }: CheckedServer, version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1])) return;
  const text = `MongoDB at ${place} has version ${version}; ${oldestVersion.join('.')} is the oldest that can be used. Update the server.`;
  throw new LtsError('LTS_CONFIG_INVALID', text);
}

/** Writes what the jobs will be written with, so that a server that refuses this write concern is found at start. */
async function markStore(connection: CheckedServer, newId: string): Promise<string> {
  const stores = connection.collection<StoreMark>('store');
  try {
    await stores.updateOne({ _id: 'jobs' }, { $setOnInsert: { format: storeFormat, id: newId } }, { upsert: true });
  } catch (error) {
    // Another node came at the same moment; its mark counts.
    if (!isDuplicateKey(error)) throw withoutJournal(connection, error);
  }
  const stored = await readMark(connection);
  if (!stored) {
    const text = `MongoDB at ${connection.place} does not show what was just written to it. Use addresses of one server or replica set.`;
    throw new LtsError('LTS_CONFIG_INVALID', text);
  }
  if (stored.format !== storeFormat) {
    const text = `The jobs in MongoDB at ${connection.place} are of format ${stored.format}; this version reads format ${storeFormat}. Use the version that wrote them.`;
    throw new LtsError('LTS_CONFIG_INVALID', text);
  }
  return stored.id;
}

/** What the first who came wrote; undefined once it is gone. */
export async function readMark(connection: Pick<CheckedServer, 'collection'>): Promise<StoreMark | undefined> {
  return (await connection.collection<StoreMark>('store').findOne({ _id: 'jobs' })) ?? undefined;
}

/** What refuses this write concern has no journal. */
function withoutJournal({ place }: CheckedServer, cause: unknown): unknown {
  if (!/journal/i.test(String((cause as Error).message))) return cause;
  const text = `MongoDB at ${place} keeps no journal, so that a crash would lose accepted jobs. Start it with journaling.`;
  return new LtsError('LTS_CONFIG_INVALID', text, { cause });
}

function sayDurability({ place, ports, options }: CheckedServer, version: string, hello: Document): void {
  const fields = { place, version, writeConcern: 'majority, journaled' };
  if (options.keeps === 'logs') {
    const text =
      'MongoDB keeps the logs of jobs only; the jobs themselves lie where job.queue says, and run on while it is down';
    return ports.log.info(fields, text);
  }
  const members = Array.isArray(hello.hosts) ? hello.hosts.length : 0;
  if (hello.msg === 'isdbgrid') return ports.log.info(fields, 'jobs are kept by a sharded MongoDB cluster');
  if (hello.setName === undefined || members < 2) {
    return ports.log.warn(
      fields,
      'jobs are kept by a single MongoDB server: accepted jobs survive its crash, but not the loss of its disk, and nothing runs while it is down; use a replica set of three',
    );
  }
  ports.log.info(
    { ...fields, replicaSet: hello.setName, members },
    'jobs are kept by a MongoDB replica set; accepted means journaled by a majority of its members',
  );
}
