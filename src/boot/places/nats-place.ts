/**
 * The cluster shape: each node has a connection to NATS of its own. Files lie where they lie in the embedded shape, so a data path
 * serves one JobTracker or one embedded application; what other processes could not send has a folder for each of them.
 */
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { DataPathOwner } from '../../adapters/lmdb/owner.js';
import { LocalServer } from '../../adapters/local/local-server.js';
import { NatsTransport } from '../../adapters/nats/nats-transport.js';
import type { FailTopic } from '../../ports/fail-store.js';
import type { NodeType } from '../../ports/registry.js';
import { type NodeOptions, serversOf, storeChoiceOf } from '../node-options.js';
import type { FailStoreFolder } from '../stores/fail-store-folders.js';
import { LeftOvers } from '../stores/left-overs.js';
import { ProcessFailStore } from '../stores/process-fail-store.js';
import { isFileStore, isShared, JobStores, type StorePlace, type StoreRequest, type Stores } from '../stores/stores.js';
import { clock, ids } from '../system-ports.js';
import { NatsLink } from './nats-link.js';
import type { NodePlace, NodeSelf } from './node-place.js';
import { holdToOneStore } from './one-store.js';

const sendsOf: Readonly<Record<NodeType, readonly FailTopic[]>> = {
  JOB_CLIENT: ['submissions'],
  TASK_TRACKER: ['results', 'biz-logs'],
  JOB_TRACKER: [],
};

/** Throws what `NatsLink.open` throws, and LTS_STORE_CORRUPT or LTS_STORE_FAILED for the FailStore. */
export async function enterNats(options: NodeOptions, self: NodeSelf, interruption: AbortSignal): Promise<NodePlace> {
  const { dataPath = './data', nats } = options;
  const { cluster, log } = self;
  const servers = serversOf(options);
  const files = { path: resolve(dataPath), choice: storeChoiceOf(options), cluster, log };
  // A JobTracker has nothing that it could not send.
  const failStore = self.type === 'JOB_TRACKER' ? 'memory' : files.choice.failStore;
  const sends = sendsOf[self.type];
  const kept = await ProcessFailStore.enter({ ...files, servers, sends, choice: { ...files.choice, failStore } });
  try {
    const link = await NatsLink.open({ ...self, servers, nats, interruption });
    void link.connection.ended.then((error) => error && self.giveUp(error.message));
    return placeOn(link, self, { kept, files });
  } catch (error) {
    await kept.leave();
    throw error;
  }
}

interface PlaceParts {
  readonly kept: ProcessFailStore;
  readonly files: StorePlace;
}

function placeOn(link: NatsLink, self: NodeSelf, { kept, files }: PlaceParts): NodePlace {
  const { transport, registry } = link;
  const ground = new TrackerGround(link, files);
  // While the data path is this process's, no embedded application can be running there.
  const mayBeOpen = ({ number }: FailStoreFolder) => number === 0 && !ground.isOwned;
  const leftOvers = new LeftOvers({ ...self, transport, dataPath: files.path, mayBeOpen });
  const place: NodePlace = {
    ...self,
    transport,
    registry,
    failStore: kept.failStore,
    openStores: (request) => ground.open(place, request),
    ready: async () => {
      await transport.ready();
      if (isFileStore(files.choice)) leftOvers.start();
    },
    leaveBy: (endMono) => link.connection.leaveBy(endMono),
    leave: async () => {
      try {
        ground.withdraw();
        await link.close(() => leftOvers.stop());
        await ground.close();
      } finally {
        await kept.leave();
      }
    },
  };
  return place;
}

/**
 * What a JobTracker stands on: its stores, and, where these are files, the data path itself, so that no embedded application and no
 * other JobTracker uses it.
 */
class TrackerGround {
  private readonly stores: JobStores;
  private readonly localServer: LocalServer;
  private owner: DataPathOwner | undefined;
  private endWatch: (() => void) | undefined;

  constructor(
    link: NatsLink,
    private readonly files: StorePlace,
  ) {
    this.stores = new JobStores(files, () => this.isOwned);
    this.localServer = new LocalServer(() => new NatsTransport(link.connection), clock);
  }

  get isOwned(): boolean {
    return this.owner !== undefined;
  }

  async open(place: NodePlace, request: StoreRequest): Promise<Stores> {
    const { path, choice } = this.files;
    const onConnection = (connection: Socket) => this.localServer.accept(connection);
    const isInMemory = choice.jobQueue === 'memory' && choice.failStore === 'memory';
    if (!isInMemory && !isShared(choice)) this.owner = await DataPathOwner.take({ path, clock, ids, onConnection });
    const store = await this.stores.open({ ...request, giveUp: place.giveUp });
    this.endWatch = await holdToOneStore({ ...place, store });
    // Their TaskTrackers are processes of their own, which may well live.
    return { ...store, hasDeadSessions: false };
  }

  /** Takes no more commands, and judges no other JobTracker any more. */
  withdraw(): void {
    this.endWatch?.();
    this.localServer.close();
  }

  async close(): Promise<void> {
    try {
      await this.stores.close();
    } finally {
      await this.owner?.release();
    }
  }
}
