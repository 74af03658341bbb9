/**
 * What the nodes of one process could not send to their cluster: a folder of its own, the first of the cluster's from number 1 on
 * that no living process owns. What a dead process left there comes with it, where this one sends the like.
 */
import { DataPathOwner } from '../../adapters/lmdb/owner.js';
import { LtsError } from '../../errors.js';
import type { FailStore, FailTopic } from '../../ports/fail-store.js';
import { Shared } from '../places/shared.js';
import { clock, ids } from '../system-ports.js';
import { failStoreFolder } from './fail-store-folders.js';
import { topics } from './replays.js';
import { openFailStore, type StorePlace } from './stores.js';

const foldersMax = 1_000;

export interface SendingPlace extends StorePlace {
  /** The servers through which the cluster is met: two systems of NATS may each have a cluster of one name. */
  readonly servers: readonly string[];
  /** What the node sends by itself: a folder that holds anything else is left to those who may send it. */
  readonly sends: readonly FailTopic[];
}

export class ProcessFailStore {
  private static readonly shared = new Shared<ProcessFailStore>();

  private constructor(
    private readonly key: string,
    readonly failStore: FailStore,
    private readonly owner: DataPathOwner | undefined,
  ) {}

  /** The same for all nodes of this process on this path that are in one cluster. Throws LTS_STORE_CORRUPT, LTS_STORE_FAILED, LTS_CONFIG_INVALID. */
  static enter(place: SendingPlace): Promise<ProcessFailStore> {
    const key = [place.choice.failStore, place.cluster, ...place.servers, place.path].join(' ');
    return ProcessFailStore.shared.enter(key, () => ProcessFailStore.take(key, place));
  }

  private static async take(key: string, place: SendingPlace): Promise<ProcessFailStore> {
    if (place.choice.failStore === 'memory')
      return new ProcessFailStore(key, await openFailStore(place, ''), undefined);
    for (let number = 1; number <= foldersMax; number++) {
      const owner = await ifFree(failStoreFolder(place, number));
      const failStore = owner && (await openedIfFit(place, owner));
      if (failStore) return new ProcessFailStore(key, failStore, owner);
    }
    const text = `${foldersMax} processes keep a FailStore of cluster ${place.cluster} on the data path ${place.path}, which is the bound. Give some of them another data path.`;
    throw new LtsError('LTS_DATA_PATH_IN_USE', text);
  }

  leave(): Promise<void> {
    return ProcessFailStore.shared.leave(this.key);
  }

  /** Called when the last node has left. */
  async close(): Promise<void> {
    await this.failStore.close();
    await this.owner?.release();
  }
}

async function ifFree(path: string): Promise<DataPathOwner | undefined> {
  try {
    return await DataPathOwner.take({ path, clock, ids });
  } catch (error) {
    if (!LtsError.is(error, 'LTS_DATA_PATH_IN_USE')) throw error;
    return undefined;
  }
}

/** Owned no longer where it is not fit, or cannot be opened. */
async function openedIfFit(place: SendingPlace, owner: DataPathOwner): Promise<FailStore | undefined> {
  let failStore: FailStore | undefined;
  try {
    failStore = await openFailStore({ ...place, path: owner.path }, owner.path);
    for (const topic of topics) {
      if (place.sends.includes(topic) || (await failStore.count(topic)) === 0) continue;
      await failStore.close();
      failStore = undefined;
      break;
    }
    return failStore;
  } finally {
    if (!failStore) await owner.release();
  }
}
