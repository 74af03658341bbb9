/**
 * FailStores that dead processes left on a data path: looked for at start and every 30 s. Those of this cluster are owned while
 * their content is sent, and then left again; those of another one are left as they are, and named once if they hold anything.
 * One that cannot be used is told once and looked at again when it changes.
 */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { LevelDbFailStore } from '../../adapters/leveldb/leveldb-fail-store.js';
import { currentFileOf, hasLevel } from '../../adapters/leveldb/open-level.js';
import { dataFileOf } from '../../adapters/lmdb/environment.js';
import { LmdbFailStore } from '../../adapters/lmdb/lmdb-fail-store.js';
import { DataPathOwner, ownerOf } from '../../adapters/lmdb/owner.js';
import { Duty } from '../../cluster/duty.js';
import { LtsError } from '../../errors.js';
import type { FailStore } from '../../ports/fail-store.js';
import type { Log } from '../../ports/log.js';
import { clock, ids } from '../system-ports.js';
import { type FailStoreFolder, failStoreFolders } from './fail-store-folders.js';
import { type ReplayPlace, replayOf, topics } from './replays.js';
import { endProcess } from './stores.js';

export interface LeftOversPlace extends Omit<ReplayPlace, 'failStore'> {
  readonly dataPath: string;
  /** Of a folder that has no owner of its own: some embedded application may be using it. */
  readonly mayBeOpen: (folder: FailStoreFolder) => boolean;
}

const everyMs = 30_000;

export class LeftOvers {
  /** Folders of other clusters that some node of this process has mentioned; as many as there are folders. */
  private static readonly mentioned = new Set<string>();
  private readonly duty: Duty;
  private first: Promise<void> = Promise.resolve();
  /** When a folder's file was last changed that needs no further look; as many as there are folders. */
  private readonly done = new Map<string, number>();

  constructor(private readonly place: LeftOversPlace) {
    const { log } = place;
    this.duty = new Duty({ name: 'adoption of FailStores', everyMs, clock, log, run: () => this.round() });
  }

  /** The first round begins at once, the others follow. */
  start(): void {
    this.first = this.round();
    this.duty.start();
  }

  /** Resolves when no folder is held; what it waits for ends with the transport. */
  async stop(): Promise<void> {
    await Promise.all([this.first, this.duty.stop()]);
  }

  private async round(): Promise<void> {
    for (const folder of failStoreFolders(this.place.dataPath)) {
      try {
        if (folder.isOf(this.place.cluster)) await this.adopt(folder);
        else await this.mention(folder);
      } catch (error) {
        this.done.set(folder.path, changedAt(folder.path));
        this.place.log.error({ error, folder: folder.path }, 'a FailStore that a dead process left cannot be used');
      }
    }
  }

  private async adopt(folder: FailStoreFolder): Promise<void> {
    if (!this.place.transport.isUp()) return;
    const waiting = await this.opened(folder, (failStore) => this.send(failStore, folder.path));
    if (waiting === 0) this.done.set(folder.path, changedAt(folder.path));
  }

  private async mention(folder: FailStoreFolder): Promise<void> {
    const { path } = folder;
    if (LeftOvers.mentioned.has(path)) return;
    const entries = await this.opened(folder, countOf);
    if (entries === undefined) return;
    this.done.set(path, changedAt(path));
    if (entries === 0) return;
    LeftOvers.mentioned.add(path);
    const text =
      'holds what another cluster was to get, and stays as it is; a node of that cluster name on this data path sends it';
    this.place.log.warn({ folder: path, entries, cluster: this.place.cluster }, text);
  }

  /** Undefined where there is nothing new, or another process has it. */
  private async opened(
    folder: FailStoreFolder,
    use: (failStore: FailStore) => Promise<number>,
  ): Promise<number | undefined> {
    const { path } = folder;
    if (this.place.mayBeOpen(folder) || (this.done.get(path) ?? 0) === changedAt(path)) return undefined;
    // One that was never used must not ask for the library.
    if (isLevelDb(path) && !hasLevel(path)) return undefined;
    if (await ownerOf(path, clock)) return undefined;
    const owner = await take({ path, isBrief: !folder.isOf(this.place.cluster) });
    if (!owner) return undefined;
    const failStore = failStoreIn(path, this.place.log);
    try {
      await failStore.open();
      return await use(failStore);
    } finally {
      await failStore.close();
      await owner.release();
    }
  }

  /** Answers how many topics are worth another try: what this node's user may not send is left to the others. */
  private async send(failStore: FailStore, folder: string): Promise<number> {
    const found = await countOf(failStore);
    if (found > 0) this.place.log.info({ folder, entries: found }, 'sends what a process that is gone had kept');
    let waiting = 0;
    for (const topic of topics) {
      const replay = replayOf(topic, { ...this.place, failStore });
      await replay.drain();
      if (!replay.isHeldForGood && (await failStore.count(topic)) > 0) waiting++;
    }
    return waiting;
  }
}

/** Undefined when another process was quicker. */
async function take(what: { path: string; isBrief: boolean }): Promise<DataPathOwner | undefined> {
  try {
    return await DataPathOwner.take({ ...what, clock, ids });
  } catch (error) {
    if (LtsError.is(error, 'LTS_DATA_PATH_IN_USE')) return undefined;
    throw error;
  }
}

/** By its name, whatever is chosen now: the setting may have been another one then. */
const isLevelDb = (folder: string): boolean => basename(folder).startsWith('leveldb-');

function failStoreIn(path: string, log: Log): FailStore {
  const options = { path, onFatal: endProcess(log) };
  return isLevelDb(path) ? new LevelDbFailStore(options) : new LmdbFailStore(options);
}

/** 0 where nothing was ever kept: an unused folder is at once done. */
function changedAt(folder: string): number {
  const file = isLevelDb(folder) ? currentFileOf(folder) : dataFileOf(folder);
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function countOf(failStore: FailStore): Promise<number> {
  const counts = await Promise.all(topics.map((topic) => failStore.count(topic)));
  return counts.reduce((sum, count) => sum + count, 0);
}
