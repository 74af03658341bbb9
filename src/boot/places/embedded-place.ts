/**
 * The embedded shape: all nodes of one process share a data path, a network in memory and one store. The first node to come
 * takes the data path, the last to go releases it.
 */
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { DataPathOwner } from '../../adapters/lmdb/owner.js';
import { LocalServer } from '../../adapters/local/local-server.js';
import { MemoryRegistry } from '../../adapters/memory/memory-registry.js';
import { MemoryNetwork } from '../../adapters/memory/memory-transport.js';
import type { FailStore } from '../../ports/fail-store.js';
import { type NodeOptions, storeChoiceOf } from '../node-options.js';
import { type FailStoreFolder, failStoreFolder } from '../stores/fail-store-folders.js';
import { LeftOvers } from '../stores/left-overs.js';
import {
  isFileStore,
  JobStores,
  openFailStore,
  type StoreOpening,
  type StorePlace,
  type Stores,
} from '../stores/stores.js';
import { clock, ids } from '../system-ports.js';
import type { NodePlace, NodeSelf } from './node-place.js';
import { Shared } from './shared.js';

/** The place of one node in the process's cluster. Throws LTS_DATA_PATH_IN_USE, LTS_STORE_CORRUPT, LTS_CONFIG_INVALID. */
export async function enterEmbedded(options: NodeOptions, self: NodeSelf): Promise<NodePlace> {
  const choice = storeChoiceOf(options);
  const place = { path: resolve(options.dataPath ?? './data'), choice, cluster: self.cluster, log: self.log };
  const embedded = await EmbeddedCluster.enter(place);
  const transport = embedded.network.transport();
  // The application's own FailStore is open here; others may be left of a time when it was a cluster, kept them in other files, or had
  // another name.
  const mayBeOpen = (folder: FailStoreFolder) => folder.path === embedded.folder;
  const leftOvers = new LeftOvers({ ...self, transport, dataPath: place.path, mayBeOpen });
  let hasStores = false;
  return {
    ...self,
    transport,
    registry: embedded.registry,
    failStore: embedded.failStore,
    openStores: async (request) => {
      const stores = await embedded.openStores({ ...request, giveUp: self.giveUp });
      hasStores = true;
      return stores;
    },
    ready: async () => {
      if (hasStores && isFileStore(choice)) leftOvers.start();
    },
    // Nobody is waited for: they are all in this process.
    leaveBy: () => {},
    leave: async () => {
      try {
        await transport.close();
        await leftOvers.stop();
        if (hasStores) await embedded.closeStores();
      } finally {
        await embedded.leave();
      }
    },
  };
}

export class EmbeddedCluster {
  private static readonly shared = new Shared<EmbeddedCluster>();
  readonly network = new MemoryNetwork(clock);
  readonly registry = new MemoryRegistry();
  /** The `lts` command talks to this process through it. */
  private readonly localServer = new LocalServer(() => this.network.transport(), clock);
  private owner: DataPathOwner | undefined;
  private isOpenedBefore = false;
  private readonly stores: JobStores;
  private kept: FailStore | undefined;

  private constructor(private readonly place: StorePlace) {
    this.stores = new JobStores(place, () => this.owner !== undefined);
  }

  /** Joins the process's cluster on this path. Throws LTS_DATA_PATH_IN_USE, LTS_STORE_CORRUPT, LTS_CONFIG_INVALID. */
  static enter(place: StorePlace): Promise<EmbeddedCluster> {
    return EmbeddedCluster.shared.enter(keyOf(place), () => EmbeddedCluster.take(place));
  }

  private static async take(place: StorePlace): Promise<EmbeddedCluster> {
    const isInMemory = place.choice.jobQueue === 'memory' && place.choice.failStore === 'memory';
    const cluster = new EmbeddedCluster(place);
    if (!isInMemory) await cluster.own();
    try {
      cluster.kept = await openFailStore(place, cluster.folder);
    } catch (error) {
      await cluster.release();
      throw error;
    }
    return cluster;
  }

  private async own(): Promise<void> {
    const { path } = this.place;
    const onConnection = (connection: Socket) => this.localServer.accept(connection);
    this.owner = await DataPathOwner.take({ path, clock, ids, onConnection });
  }

  private async release(): Promise<void> {
    this.localServer.close();
    await this.owner?.release();
  }

  /** Where that lies which this process's nodes could not send. */
  get folder(): string {
    return failStoreFolder(this.place, 0);
  }

  /** What this process's nodes could not send. */
  get failStore(): FailStore {
    return this.kept as FailStore;
  }

  /** The stores of the one JobTracker. Throws LTS_CONFIG_INVALID when another JobTracker of this process has them. */
  async openStores(request: StoreOpening): Promise<Stores> {
    const stores = await this.stores.open(request);
    const hasDeadSessions = !this.isOpenedBefore;
    this.isOpenedBefore = true;
    return { ...stores, hasDeadSessions };
  }

  closeStores(): Promise<void> {
    return this.stores.close();
  }

  leave(): Promise<void> {
    return EmbeddedCluster.shared.leave(keyOf(this.place));
  }

  /** Called when the last node has left. */
  async close(): Promise<void> {
    await this.failStore.close();
    await this.release();
  }
}

const keyOf = ({ path, choice, cluster }: StorePlace): string => `${choice.jobQueue}:${cluster}:${path}`;
