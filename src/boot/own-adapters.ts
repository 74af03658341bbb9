/** The adapters that come with the package, in one table with the user's. */
import { ConsoleJobLogger } from '../adapters/console/console-job-logger.js';
import { LevelDbFailStore } from '../adapters/leveldb/leveldb-fail-store.js';
import type { LmdbEnvironment } from '../adapters/lmdb/environment.js';
import { LmdbFailStore } from '../adapters/lmdb/lmdb-fail-store.js';
import { LmdbJobLogger } from '../adapters/lmdb/lmdb-job-logger.js';
import { LmdbJobQueue } from '../adapters/lmdb/lmdb-job-queue.js';
import { MemoryFailStore } from '../adapters/memory/memory-fail-store.js';
import { MemoryJobLogger } from '../adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../adapters/memory/memory-job-queue.js';
import { LtsError } from '../errors.js';
import type { Extension, ExtensionOf, ExtensionPlace, PortName } from './extensions.js';
import type { MongoStore } from './stores/mongo-store.js';

/** The adapters that come with the package may share one LMDB file, or one connection to MongoDB. */
export interface OwnPlace extends ExtensionPlace {
  readonly environment: () => Promise<LmdbEnvironment>;
  readonly mongo: () => Promise<MongoStore>;
  readonly failStorePath: string;
}

type OwnExtension = { [Port in PortName]: ExtensionOf<Port, OwnPlace> }[PortName];

const own: readonly OwnExtension[] = [
  {
    port: 'job.queue',
    name: 'lmdb',
    create: async ({ environment, log }) =>
      new LmdbJobQueue(await environment(), {
        onQuarantine: (found: object) => log.error(found, 'an unreadable record was set aside'),
      }),
  },
  { port: 'job.queue', name: 'memory', create: () => new MemoryJobQueue() },
  { port: 'job.queue', name: 'mongo', create: async ({ mongo }) => (await mongo()).queue() },
  { port: 'job.logger', name: 'lmdb', create: async ({ environment }) => new LmdbJobLogger(await environment()) },
  { port: 'job.logger', name: 'memory', create: () => new MemoryJobLogger() },
  { port: 'job.logger', name: 'mongo', create: async ({ mongo }) => (await mongo()).logger() },
  { port: 'job.logger', name: 'console', create: ({ log }) => new ConsoleJobLogger(log) },
  {
    port: 'job.fail.store',
    name: 'lmdb',
    create: ({ failStorePath, onFatal }) => new LmdbFailStore({ path: failStorePath, onFatal }),
  },
  {
    port: 'job.fail.store',
    name: 'leveldb',
    create: ({ failStorePath, onFatal }) => new LevelDbFailStore({ path: failStorePath, onFatal }),
  },
  { port: 'job.fail.store', name: 'memory', create: () => new MemoryFailStore() },
];

export function hasExtension(port: PortName, name: string, users: readonly Extension[]): boolean {
  return [...own, ...users].some((extension) => extension.port === port && extension.name === name);
}

/** Throws LTS_CONFIG_INVALID when nothing of that name is there, or two extensions share one. */
export function findExtension<Port extends PortName>(
  port: Port,
  name: string,
  users: readonly Extension[] = [],
): ExtensionOf<Port, OwnPlace> {
  const known = [...own, ...users].filter((extension) => extension.port === port);
  const found = known.filter((extension) => extension.name === name);
  if (found.length === 1) return found[0] as unknown as ExtensionOf<Port, OwnPlace>;
  const names = known.map((extension) => extension.name).join(', ');
  const text =
    found.length === 0
      ? `${port}: there is no ${JSON.stringify(name)}. Known: ${names}. Correct the name, or pass the extension.`
      : `${port}: ${found.length} extensions are called ${JSON.stringify(name)}. Give each its own name.`;
  throw new LtsError('LTS_CONFIG_INVALID', text);
}
