/** What a server must be before jobs are entrusted to it, and how durable it keeps them. */
import type { Collection, Db, Document } from 'mongodb';
import { LtsError } from '../../errors.js';
import type { Log } from '../../ports/log.js';

/** Raised when documents change so that older code would misread them. */
const storeFormat = 1;
const oldestVersion = [4, 4] as const;

/** A connection, as far as this check needs it. */
export interface CheckedServer {
  /** Server addresses, without secrets. */
  readonly place: string;
  readonly database: Db;
  readonly ports: { readonly log: Log };
  collection<T extends Document>(name: string): Collection<T>;
}

/** Throws LTS_CONFIG_INVALID. Logs the durability of writes: a warning where one lost disk loses jobs. */
export async function checkServer(connection: CheckedServer): Promise<void> {
  const { database } = connection;
  const { version } = await database.command({ buildInfo: 1 });
  checkVersion(connection, String(version));
  const hello = await helloOf(connection);
  await markStore(connection);
  sayDurability(connection, String(version), hello);
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
async function markStore(connection: CheckedServer): Promise<void> {
  const stores = connection.collection<{ _id: string; format: number }>('store');
  try {
    await stores.updateOne({ _id: 'jobs' }, { $setOnInsert: { format: storeFormat } }, { upsert: true });
  } catch (error) {
    if (!/journal/i.test(String((error as Error).message))) throw error;
    const text = `MongoDB at ${connection.place} keeps no journal, so that a crash would lose accepted jobs. Start it with journaling.`;
    throw new LtsError('LTS_CONFIG_INVALID', text, { cause: error });
  }
  const stored = await stores.findOne({ _id: 'jobs' });
  if (stored && stored.format !== storeFormat) {
    const text = `The jobs in MongoDB at ${connection.place} are of format ${stored.format}; this version reads format ${storeFormat}. Use the version that wrote them.`;
    throw new LtsError('LTS_CONFIG_INVALID', text);
  }
}

function sayDurability({ place, ports }: CheckedServer, version: string, hello: Document): void {
  const fields = { place, version, writeConcern: 'majority, journaled' };
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
