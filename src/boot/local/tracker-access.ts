/**
 * A way to the jobs from another process: over NATS where the registry address names it; else through the local socket of the
 * application that owns the data path or, for questions while none runs, from the store itself.
 */
import { resolve } from 'node:path';
import { type OwnerRecord, ownerOf } from '../../adapters/lmdb/owner.js';
import { LocalTransport } from '../../adapters/local/local-transport.js';
import { MemoryFailStore } from '../../adapters/memory/memory-fail-store.js';
import { LtsError } from '../../errors.js';
import { JobClientRole } from '../../job-client/job-client.js';
import type { Transport } from '../../ports/transport.js';
import { isEmbedded } from '../node-options.js';
import { clock, codec, ids, newIdentity } from '../system-ports.js';
import { type ClusterAddress, openLink, silent } from './cluster-nodes.js';
import type { StoredJobs } from './stored-jobs.js';

export interface AccessPlace extends ClusterAddress {
  readonly dataPath: string;
  readonly cluster: string;
  /** Named as the submitting group. Default 'lts'. */
  readonly nodeGroup?: string | undefined;
  /** `change` needs a running application; for `read` the store is enough. */
  readonly need: 'read' | 'change';
}

export interface TrackerAccess {
  readonly client: JobClientRole;
  /** Who answers: a process on the data path, the store while no application runs, or a cluster. */
  readonly from: 'process' | 'store' | 'cluster';
  /** Of that process. */
  readonly pid: number | undefined;
  /** Aborts when the application is gone. */
  readonly lost: AbortSignal;
  close(): Promise<void>;
}

/** A command that reads the store is done in tens of milliseconds. */
const briefPauseMs = 50;
const triesMax = 60;
const submitWithinMs = 10_000;

/** Throws LTS_NO_TRACKER, saying how to start an application; LTS_BUSY; and for the store's sake LTS_STORE_CORRUPT or LTS_STORE_FAILED. */
export async function accessTracker(place: AccessPlace): Promise<TrackerAccess> {
  if (!isEmbedded(place)) return overNats(place);
  const path = resolve(place.dataPath);
  for (let tries = 0; tries < triesMax; tries++) {
    const access = await tryAccess({ ...place, dataPath: path });
    if (access) return access;
    await clock.sleep(briefPauseMs);
  }
  throw new LtsError('LTS_NO_TRACKER', `Other commands hold the data path ${path}. Try again.`);
}

/** Undefined while another command reads the store: look again. */
async function tryAccess(place: AccessPlace): Promise<TrackerAccess | undefined> {
  const owner = await ownerOf(place.dataPath, clock);
  if (owner) return owner.isBrief ? undefined : throughSocket(place, owner);
  if (place.need === 'change') {
    const text = `No application is running on ${place.dataPath}, so nothing can be changed. Start it with: lts start`;
    throw new LtsError('LTS_NO_TRACKER', text);
  }
  // What reads a store is loaded only when it is needed: commands are to start quickly.
  const { hasStoredJobs, StoredJobs } = await import('./stored-jobs.js');
  if (hasStoredJobs(place.dataPath)) return fromStore(place, StoredJobs);
  const text = `No application is running on ${place.dataPath}, and no jobs are stored there. Start it with: lts start; or name another --data-path.`;
  throw new LtsError('LTS_NO_TRACKER', text);
}

/** As a JobClient of its own; the connection outlives an interruption, so it is never lost. */
async function overNats(place: AccessPlace): Promise<TrackerAccess> {
  const { transport, close } = await openLink(place);
  const access = await openClient(place, transport, close);
  return { ...access, from: 'cluster', pid: undefined, lost: new AbortController().signal };
}

async function throughSocket(place: AccessPlace, owner: OwnerRecord): Promise<TrackerAccess> {
  const lost = new AbortController();
  const transport = await connect(place.dataPath, { owner, onLost: () => lost.abort(owner) });
  const access = await openClient(place, transport, () => transport.close());
  return { ...access, from: 'process', pid: owner.pid, lost: lost.signal };
}

async function connect(
  dataPath: string,
  { owner, onLost }: { owner: OwnerRecord; onLost: () => void },
): Promise<LocalTransport> {
  try {
    return await LocalTransport.connect({ path: resolve(dataPath, owner.socket), clock, onLost });
  } catch (cause) {
    if (!LtsError.is(cause, 'LTS_NO_TRACKER')) throw cause;
    const text = `Process ${owner.pid} owns ${dataPath} but does not answer. It may be stopped, busy, or just ending.`;
    throw new LtsError('LTS_NO_TRACKER', text, { cause });
  }
}

async function fromStore(place: AccessPlace, store: typeof StoredJobs): Promise<TrackerAccess | undefined> {
  try {
    const { dataPath, cluster } = place;
    const stored = await store.open({ dataPath, cluster, log: silent });
    const access = await openClient(place, stored.transport, () => stored.close());
    return { ...access, from: 'store', pid: undefined, lost: new AbortController().signal };
  } catch (error) {
    if (LtsError.is(error, 'LTS_DATA_PATH_IN_USE')) return undefined;
    throw error;
  }
}

/** Nothing is kept for later: the answer to a command tells what became of it. */
async function openClient(
  { cluster, nodeGroup = 'lts' }: AccessPlace,
  transport: Transport,
  close: () => Promise<void>,
): Promise<Pick<TrackerAccess, 'client' | 'close'>> {
  const client = new JobClientRole(
    { transport, failStore: new MemoryFailStore(), codec, clock, ids, log: silent },
    { cluster, identity: newIdentity('JC'), nodeGroup, useRetryClient: false, submitWithinMs },
  );
  await client.start();
  return {
    client,
    close: async () => {
      await client.stop();
      await close();
    },
  };
}
