/**
 * FailStores that dead processes left on a data path: looked for at start and every 30 s, owned while their content is sent, and
 * then left again. One that cannot be used is told once and looked at again when it changes.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
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
import { type ReplayPlace, replayOf, topics } from './replays.js';
import { endProcess } from './stores.js';

export interface LeftOversPlace extends Omit<ReplayPlace, 'failStore'> {
  readonly dataPath: string;
  /** This FailStore of an embedded application may be taken, too: no such application can be using it. */
  readonly isEmbeddedGone: (folder: string) => boolean;
}

const everyMs = 30_000;

export class LeftOvers {
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
    for (const folder of this.folders()) {
      try {
        await this.adopt(folder);
      } catch (error) {
        this.done.set(folder, changedAt(folder));
        this.place.log.error({ error, folder }, 'a FailStore that a dead process left cannot be sent');
      }
    }
  }

  private folders(): string[] {
    const parent = join(this.place.dataPath, 'failstore');
    const isMine = (name: string) =>
      /^(leveldb-)?[1-9]\d*$/.test(name) ||
      (/^(leveldb-)?0$/.test(name) && this.place.isEmbeddedGone(join(parent, name)));
    try {
      return readdirSync(parent)
        .filter(isMine)
        .map((name) => join(parent, name));
    } catch {
      // Nobody has kept anything on this path.
      return [];
    }
  }

  private async adopt(folder: string): Promise<void> {
    if (!this.place.transport.isUp() || this.done.get(folder) === changedAt(folder)) return;
    // One that was never used must not ask for the library.
    if (isLevelDb(folder) && !hasLevel(folder)) return;
    if (await ownerOf(folder, clock)) return;
    const owner = await take(folder);
    if (!owner) return;
    try {
      await this.send(folder);
    } finally {
      await owner.release();
    }
  }

  private async send(folder: string): Promise<void> {
    const failStore = failStoreIn(folder, this.place.log);
    await failStore.open();
    let left = 0;
    try {
      const found = await countOf(failStore);
      if (found > 0) this.place.log.info({ folder, entries: found }, 'sends what a process that is gone had kept');
      for (const topic of topics) await replayOf(topic, { ...this.place, failStore }).drain();
      left = await countOf(failStore);
    } finally {
      await failStore.close();
    }
    if (left === 0) this.done.set(folder, changedAt(folder));
  }
}

/** Undefined when another process was quicker. */
async function take(path: string): Promise<DataPathOwner | undefined> {
  try {
    return await DataPathOwner.take({ path, clock, ids });
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
