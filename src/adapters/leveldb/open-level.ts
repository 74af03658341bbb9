/** Opens a LevelDB folder. The library is an optional peer of this package, so nothing else may load it, and nobody before it is chosen. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClassicLevel } from 'classic-level';
import { LtsError } from '../../errors.js';

type Library = Pick<typeof import('classic-level'), 'ClassicLevel'>;

/** What LevelDB finds all its other files by; a new one with each opening. */
export const currentFileOf = (path: string): string => join(path, 'CURRENT');

/** A LevelDB is there, whether it can be opened or not. */
export const hasLevel = (path: string): boolean =>
  existsSync(path) && readdirSync(path).some((name) => /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/.test(name));

/**
 * Made when it is missing; the caller owns the folder. Throws LTS_CONFIG_INVALID where the library is missing, LTS_STORE_CORRUPT for
 * a damaged store, LTS_STORE_FAILED when the folder cannot be used.
 */
export async function openLevel(path: string, load: () => Promise<Library> = libraryOf): Promise<ClassicLevel> {
  const { ClassicLevel } = await load().catch((error: unknown) => refuseToLoad(error));
  refuseHeadless(path);
  const level = new ClassicLevel(path);
  try {
    await level.open();
    return level;
  } catch (error) {
    throw storeError(path, 'opened', error);
  }
}

const libraryOf = (): Promise<Library> => import('classic-level');

function refuseToLoad(cause: unknown): never {
  const { code, message } = cause as NodeJS.ErrnoException;
  const text =
    code === 'ERR_MODULE_NOT_FOUND'
      ? 'which is not installed. Run: npm install classic-level@3'
      : `which cannot be loaded here (${message}). Install it anew on this machine`;
  throw new LtsError(
    'LTS_CONFIG_INVALID',
    `The FailStore leveldb needs the package classic-level, ${text}; or choose lmdb.`,
    {
      cause,
    },
  );
}

/** LevelDB would take it for a new store, and remove what it does not know. */
function refuseHeadless(path: string): void {
  if (hasLevel(path) && !existsSync(currentFileOf(path))) throw corrupt(path, 'its file CURRENT is missing');
}

/** LTS_STORE_CORRUPT or LTS_STORE_FAILED for what the library threw. */
export function storeError(path: string, what: 'opened' | 'read', error: unknown): LtsError {
  const cause = ((error as Error).cause ?? error) as Error & { code?: string };
  if (cause.code === 'LEVEL_CORRUPTION') return corrupt(path, cause.message, error);
  const text = `The FailStore in ${path} cannot be ${what}: ${cause.message}. Check the folder's permissions and free space.`;
  return new LtsError('LTS_STORE_FAILED', text, { cause: error });
}

/** Opening may have written by then, but nothing that was readable is gone. */
function corrupt(path: string, what: string, cause?: unknown): LtsError {
  const text = `The FailStore in ${path} is damaged: ${what}. Move the folder aside and start again; ClassicLevel.repair(path) of classic-level may bring back in a copy of it what is readable.`;
  return new LtsError('LTS_STORE_CORRUPT', text, { cause });
}
