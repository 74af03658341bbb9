/**
 * The folders of a data path in which processes keep what they could not send: `failstore/<number>.<cluster>`, in LevelDB
 * `failstore/leveldb-<number>.<cluster>`. The name binds what lies in one to its cluster: it is never sent to another.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface FailStoreFolder {
  readonly path: string;
  /** 0 of an embedded application, which owns it by its data path; each other one has an owner of its own. */
  readonly number: number;
  readonly isOf: (cluster: string) => boolean;
}

interface Place {
  /** The data path. */
  readonly path: string;
  readonly cluster: string;
  readonly choice: { readonly failStore: string };
}

export function failStoreFolder({ path, cluster, choice }: Place, number: number): string {
  const kind = choice.failStore === 'leveldb' ? 'leveldb-' : '';
  return join(parentOf(path), `${kind}${number}.${written(cluster)}`);
}

/** All that there are on a data path, whosoever they are. */
export function failStoreFolders(dataPath: string): FailStoreFolder[] {
  return namesIn(parentOf(dataPath)).flatMap((name) => {
    const [, number, cluster] = /^(?:leveldb-)?(\d+)(?:\.(.+))?$/.exec(name) ?? [];
    if (number === undefined) return [];
    const isOf = (one: string) => written(one) === cluster;
    return [{ path: join(parentOf(dataPath), name), number: Number(number), isOf }];
  });
}

const parentOf = (dataPath: string): string => join(dataPath, 'failstore');

/** A capital A is `+a`: where file names do not tell one from the other, `Shop` and `shop` are two clusters all the same. */
const written = (cluster: string): string => cluster.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`);

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nobody has kept anything on this path.
    return [];
  }
}
