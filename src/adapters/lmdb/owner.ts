/**
 * One owner per data path. The folder `owner/` in it always holds one empty file, whose name is the record of the owner; the record
 * names a randomly named local socket on which the owner listens for as long as its process lives. Taking over: listen on an own
 * socket, probe the recorded one, and if it is dead rename the file to a record of one's own, which only one of several rivals can.
 * The kernel ends the listening with the process, however it ends, so pids are only for people; a frozen owner's socket still
 * accepts and counts as alive.
 *
 * No LMDB file with a lock: two processes that open and close one at the same moment may leave it unusable to all (mutexes that
 * the last one out destroyed while the next one came in).
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { LtsError } from '../../errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';
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

/** The file's name while nobody owns the folder. */
const free = 'free';
/** Rivals for one path; each lost round means that another process has just won. */
const roundsMax = 20;
const briefPauseMs = 100;
const lookPauseMs = 20;

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
    private readonly name: string,
    private readonly server: Server,
  ) {}

  /**
   * Throws LTS_DATA_PATH_IN_USE, naming the owner's pid, when a living process owns the folder (this one included);
   * LTS_CONFIG_INVALID on a network file system; LTS_STORE_CORRUPT when `owner/` has not its one file; LTS_STORE_FAILED when the
   * folder cannot be used.
   */
  static async take(options: TakeOptions): Promise<DataPathOwner> {
    const { path, clock, ids, isBrief } = options;
    prepareFolder(path);
    const endIt: OnConnection = (connection) => connection.destroy();
    const { server, socket } = await listenBeside(path, ids.random(), options.onConnection ?? endIt);
    const name = nameOf({ pid: process.pid, socket, since: clock.wallMs(), isBrief });
    try {
      await become(path, name, clock);
    } catch (error) {
      await closeSocket(server);
      throw error;
    }
    return new DataPathOwner(path, name, server);
  }

  /** Frees the folder for the next process. Close every store in it first, and end the connections to its socket. */
  async release(): Promise<void> {
    try {
      replace(this.path, this.name, free);
    } catch (error) {
      // The record may stay: with the socket gone, the next process takes it over.
      if (!LtsError.is(error)) throw error;
    } finally {
      await closeSocket(this.server);
    }
  }
}

/** The living owner of a folder, if there is one. */
export async function ownerOf(path: string, clock: Clock): Promise<OwnerRecord | undefined> {
  for (let round = 0; round < roundsMax; round++) {
    const [name, ...others] = namesIn(path);
    if (name === undefined) return undefined;
    if (others.length === 0) return livingOwner(path, name, clock);
    await clock.sleep(lookPauseMs);
  }
  throw damaged(path);
}

async function livingOwner(path: string, name: string, clock: Clock): Promise<OwnerRecord | undefined> {
  const record = recordOf(name);
  return record && (await isListening(path, record.socket, clock)) ? record : undefined;
}

async function become(path: string, name: string, clock: Clock): Promise<void> {
  for (let round = 0; round < roundsMax; round++) {
    const [before, ...others] = namesIn(path);
    if (before === undefined) makeOwnerFolder(path);
    // Two names are one that is just being renamed.
    else if (others.length > 0) await clock.sleep(lookPauseMs);
    else if (await tryBecome(path, { before, name, clock })) return;
  }
  if (namesIn(path).length !== 1) throw damaged(path);
  throw new LtsError(
    'LTS_DATA_PATH_IN_USE',
    `Too many processes want the data path ${path} at once. Start one after the other.`,
  );
}

/** False when a rival renamed the file between the look at it and ours, or will be gone in a moment: look again. */
async function tryBecome(path: string, mine: { before: string; name: string; clock: Clock }): Promise<boolean> {
  const { before, name, clock } = mine;
  const owner = await livingOwner(path, before, clock);
  if (owner) {
    if (!owner.isBrief) throw inUse(path, owner);
    await clock.sleep(briefPauseMs);
    return false;
  }
  if (!replace(path, before, name)) return false;
  removeDeadSocket(path, recordOf(before)?.socket);
  return true;
}

const ownerFolderOf = (path: string): string => join(path, 'owner');

const nameOf = ({ pid, since, isBrief, socket }: OwnerRecord): string =>
  `${pid}.${since}.${isBrief ? 'brief' : 'owner'}.${encodeURIComponent(socket)}`;

const namePattern = /^(?:free|(?<pid>\d+)\.(?<since>\d+)\.(?<kind>owner|brief)\.(?<socket>.+))$/;

/** Undefined for the name of a file that says that the folder is free. */
function recordOf(name: string): OwnerRecord | undefined {
  const { pid, since, kind, socket } = namePattern.exec(name)?.groups ?? {};
  if (socket === undefined) return undefined;
  return { pid: Number(pid), since: Number(since), isBrief: kind === 'brief', socket: decodeURIComponent(socket) };
}

/** None when the folder was never owned. What a desktop or a backup puts beside is not counted. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(ownerFolderOf(path)).filter((name) => namePattern.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusable(path, error);
  }
}

/** Made beside with its file in it and then put in place as a whole, so that it is never seen without; the first one in place stays. */
function makeOwnerFolder(path: string): void {
  let made: string | undefined;
  try {
    made = mkdtempSync(`${ownerFolderOf(path)}-`);
    writeFileSync(join(made, free), '');
    // After a loss of power the folder may have lost its file; nobody can remove one that has it.
    ignoring(['ENOENT', 'ENOTEMPTY', 'EEXIST'], () => rmdirSync(ownerFolderOf(path)));
    ignoring(['ENOTEMPTY', 'EEXIST', 'EPERM'], () => renameSync(made as string, ownerFolderOf(path)));
  } catch (error) {
    throw unusable(path, error);
  } finally {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
  }
}

/** Compare and set, over all processes: a name that is not there any more cannot be renamed. */
function replace(path: string, before: string, after: string): boolean {
  const folder = ownerFolderOf(path);
  try {
    return ignoring(['ENOENT'], () => renameSync(join(folder, before), join(folder, after)));
  } catch (error) {
    throw unusable(path, error);
  }
}

/** False if it failed for one of these reasons of the system. */
function ignoring(codes: readonly string[], act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function unusable(path: string, cause: unknown): LtsError {
  const text = `The data path ${path} cannot be used: ${(cause as Error).message}. Check free space and permissions.`;
  return new LtsError('LTS_STORE_FAILED', text, { cause });
}

function damaged(path: string): LtsError {
  const folder = ownerFolderOf(path);
  const text = `The folder ${folder} must hold one file that names the owner, and does not. It holds no jobs: make sure that no process uses ${path}, remove ${folder} and start again.`;
  return new LtsError('LTS_STORE_CORRUPT', text);
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
function removeDeadSocket(path: string, socket: string | undefined): void {
  if (socket && process.platform !== 'win32' && /^lts-[0-9a-f]{32}\.sock$/.test(basename(socket)))
    rmSync(resolve(path, socket), { force: true });
}

function inUse(path: string, owner: OwnerRecord): LtsError {
  const since = new Date(owner.since).toISOString();
  const text = `The data path ${path} is in use by process ${owner.pid} since ${since}. Stop that process, or choose another data path, or let several processes share the work through a cluster address such as nats://localhost:4222.`;
  return new LtsError('LTS_DATA_PATH_IN_USE', text);
}
