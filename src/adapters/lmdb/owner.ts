/**
 * One owner per data path. The owner is a record in a small LMDB file; the record names a randomly named local socket on which
 * the owner listens for as long as its process lives. Taking over: listen on an own socket, probe the recorded one, and if it
 * is dead compare-and-set the record in one write transaction. The kernel ends the listening with the process, however it ends,
 * so pids are only for people; a frozen owner's socket still accepts and counts as alive.
 */
import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { LtsError } from '../../errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';
import { checkDataFile } from './file-check.js';
import { closeSocket, isListening, listenBeside, type OnConnection } from './local-socket.js';

export interface OwnerRecord {
  readonly pid: number;
  /** A name in the folder, so that it is found under every mount point of the folder; else a full path or a pipe. */
  readonly socket: string;
  /** Wall clock. */
  readonly since: number;
  /** The owner will be gone in a moment: whoever wants the folder waits a little. */
  readonly isBrief?: boolean | undefined;
}

export interface TakeOptions {
  /** The folder to own; made when it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Talks with those who connect to the owner's socket. Default: their connection is ended. */
  readonly onConnection?: OnConnection | undefined;
  /** Taken for one look into the store; others wait up to 2 s for its end. Default false. */
  readonly isBrief?: boolean | undefined;
}

const recordKey = 'owner';
/** Rivals for one path; each lost round means that another process has just won. */
const roundsMax = 20;
const briefPauseMs = 100;
const checksMax = 25;
const checkPauseMs = 20;

/** File systems that live on another machine, by `statfs` type on Linux (`statfs(2)`). Their locks and maps cannot be trusted. */
const networkFileSystems: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x5346414f: 'AFS',
  0x00c36400: 'Ceph',
  0x0bd00bd0: 'Lustre',
};

/** The right of this process to use a folder, until `release`, or until the process ends. */
export class DataPathOwner {
  private constructor(
    readonly path: string,
    private readonly text: string,
    private readonly server: Server,
  ) {}

  /**
   * Throws LTS_DATA_PATH_IN_USE, naming the owner's pid, when a living process owns the folder (this one included);
   * LTS_CONFIG_INVALID on a network file system; LTS_STORE_CORRUPT for a damaged owner file; LTS_STORE_FAILED when the folder
   * cannot be used.
   */
  static async take(options: TakeOptions): Promise<DataPathOwner> {
    const { path, clock, ids } = options;
    prepareFolder(path);
    const endIt: OnConnection = (connection) => connection.destroy();
    const { server, socket } = await listenBeside(path, ids.random(), options.onConnection ?? endIt);
    const record: OwnerRecord = { pid: process.pid, socket, since: clock.wallMs(), isBrief: options.isBrief };
    const text = JSON.stringify(record);
    try {
      await become(path, text, clock);
    } catch (error) {
      await closeSocket(server);
      throw error;
    }
    return new DataPathOwner(path, text, server);
  }

  /** Frees the folder for the next process. Close every store in it first, and end the connections to its socket. */
  async release(): Promise<void> {
    const owners = openOwners(this.path);
    try {
      replace(owners, this.text, undefined);
    } catch (error) {
      // The record may stay: with the socket gone, the next process takes it over.
      if (!LtsError.is(error)) throw error;
    } finally {
      await owners.close();
      await closeSocket(this.server);
    }
  }
}

/** The living owner of a folder, if there is one. */
export async function ownerOf(path: string, clock: Clock): Promise<OwnerRecord | undefined> {
  if (!existsSync(ownerFileOf(path))) return undefined;
  await checkOwnerFile(path, clock);
  const owners = openOwners(path);
  try {
    const text = owners.get(recordKey);
    const record = text === undefined ? undefined : parseRecord(text, path);
    return record && (await isListening(path, record.socket, clock)) ? record : undefined;
  } finally {
    await owners.close();
  }
}

async function become(path: string, text: string, clock: Clock): Promise<void> {
  await checkOwnerFile(path, clock);
  const owners = openOwners(path);
  try {
    for (let round = 0; round < roundsMax; round++) if (await tryBecome(owners, path, { text, clock })) return;
  } finally {
    await owners.close();
  }
  throw new LtsError(
    'LTS_DATA_PATH_IN_USE',
    `Too many processes want the data path ${path} at once. Start one after the other.`,
  );
}

/** False when a rival changed the record between the look at it and the write, or will be gone in a moment: look again. */
async function tryBecome(owners: Owners, path: string, mine: { text: string; clock: Clock }): Promise<boolean> {
  owners.resetReadTxn();
  const before = owners.get(recordKey);
  const record = before === undefined ? undefined : parseRecord(before, path);
  if (record && (await isListening(path, record.socket, mine.clock))) {
    if (!record.isBrief) throw inUse(path, record);
    await mine.clock.sleep(briefPauseMs);
    return false;
  }
  if (!replace(owners, before, mine.text)) return false;
  if (record) removeDeadSocket(path, record.socket);
  return true;
}

type Owners = RootDatabase<string, string>;

/** Compare and set, over all processes: LMDB lets one write transaction run at a time. */
function replace(owners: Owners, before: string | undefined, after: string | undefined): boolean {
  try {
    return owners.transactionSync(() => {
      if (owners.get(recordKey) !== before) return false;
      if (after === undefined) owners.removeSync(recordKey);
      else owners.putSync(recordKey, after);
      return true;
    });
  } catch (cause) {
    const text = `The owner of the data path cannot be written: ${(cause as Error).message}. Check free space and permissions.`;
    throw new LtsError('LTS_STORE_FAILED', text, { cause });
  }
}

const ownerFileOf = (path: string): string => join(path, 'owner.lmdb');

function openOwners(path: string): Owners {
  try {
    return open<string, string>({
      path: ownerFileOf(path),
      noSubdir: true,
      encoding: 'string',
      overlappingSync: false,
    });
  } catch (cause) {
    throw new LtsError('LTS_STORE_FAILED', `The data path ${path} cannot be used: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** A rival may be writing just now, which looks like damage for a moment. */
async function checkOwnerFile(path: string, clock: Clock): Promise<void> {
  for (let check = 1; ; check++) {
    try {
      checkDataFile(ownerFileOf(path));
      return;
    } catch (cause) {
      if (check === checksMax) throw ownerDamaged(path, cause);
      await clock.sleep(checkPauseMs);
    }
  }
}

function parseRecord(text: string, path: string): OwnerRecord {
  try {
    return JSON.parse(text) as OwnerRecord;
  } catch (cause) {
    throw ownerDamaged(path, cause);
  }
}

function ownerDamaged(path: string, cause: unknown): LtsError {
  const file = ownerFileOf(path);
  const text = `The owner file ${file} is damaged. It holds no jobs: make sure that no process uses ${path}, remove ${file} and start again.`;
  return new LtsError('LTS_STORE_CORRUPT', text, { cause });
}

function prepareFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new LtsError('LTS_STORE_FAILED', `The data path ${path} cannot be made: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const name = process.platform === 'linux' ? networkFileSystems[statfsSync(path).type >>> 0] : undefined;
  if (name === undefined) return;
  const text = `The data path ${path} lies on a network file system (${name}), whose locks and memory maps cannot be trusted. Choose a path on a local disk.`;
  throw new LtsError('LTS_CONFIG_INVALID', text);
}

/** Only what carries our name, and never before the record was won: a socket that is probed may still be alive. */
function removeDeadSocket(path: string, socket: string): void {
  if (process.platform !== 'win32' && /^lts-[0-9a-f]{32}\.sock$/.test(basename(socket)))
    rmSync(resolve(path, socket), { force: true });
}

function inUse(path: string, owner: OwnerRecord): LtsError {
  const since = new Date(owner.since).toISOString();
  const text = `The data path ${path} is in use by process ${owner.pid} since ${since}. Stop that process, or choose another data path, or let several processes share the work through a cluster address such as nats://localhost:4222.`;
  return new LtsError('LTS_DATA_PATH_IN_USE', text);
}
