/** One LMDB file with its tables, written through one group commit. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatabaseOptions, type Key, open, type RootDatabase } from 'lmdb';
import { LtsError } from '../../errors.js';
import { CommitError, GroupCommit, type Participant } from '../../kit/group-commit.js';
import { LmdbTable, type StoreCounters, textEncoder } from './table.js';

export interface LmdbEnvironmentOptions {
  /** The folder of the store; made when it is missing. Holds `data.mdb` and `lock.mdb`. */
  readonly path: string;
  /** Called once when a commit failed with an unknown outcome. The process is to end: nothing is acknowledged any more. */
  readonly onFatal?: ((error: LtsError) => void) | undefined;
  /** Most operations that may wait for a commit. Default 10,000. */
  readonly queuedOperationsMax?: number | undefined;
  /** Address space reserved for the file, in bytes; it grows by itself. Default 1 GiB. */
  readonly mapSize?: number | undefined;
}

/** Writes after which a transaction takes no further operation, so that one commit holds the event loop for tens of ms at most. */
const writesPerCommitMax = 20_000;
const tablesMax = 32;

/** The file inside a store folder. */
export const dataFileOf = (path: string): string => join(path, 'data.mdb');

export class LmdbEnvironment {
  readonly counters: StoreCounters = { commits: 0, puts: 0, deletes: 0, gets: 0 };
  private readonly tables = new Map<string, LmdbTable>();
  private readonly group: GroupCommit;
  private writing = false;
  private isClosed = false;

  private constructor(
    readonly path: string,
    private readonly root: RootDatabase<string, Key>,
    options: LmdbEnvironmentOptions,
  ) {
    this.group = new GroupCommit({
      transact: (body) => this.transact(body),
      writes: () => this.counters.puts + this.counters.deletes,
      queuedOperationsMax: options.queuedOperationsMax ?? 10_000,
      writesPerCommitMax,
      onFatal: options.onFatal ?? (() => {}),
    });
  }

  /** Opens or creates the store. The caller has checked the file and owns it. Throws LTS_STORE_FAILED, naming the folder. */
  static async open(options: LmdbEnvironmentOptions): Promise<LmdbEnvironment> {
    try {
      await mkdir(options.path, { recursive: true });
      return new LmdbEnvironment(options.path, openRoot(options), options);
    } catch (error) {
      const text = `The store in ${options.path} cannot be opened: ${(error as Error).message}. Check the folder's permissions and free space.`;
      throw new LtsError('LTS_STORE_FAILED', text, { cause: error });
    }
  }

  /** True while operations of a commit are running. */
  get isWriting(): boolean {
    return this.writing;
  }

  /** The table of this name, made when it is missing. Call it before the first commit: making one is a commit of its own. */
  table(name: string): LmdbTable {
    const known = this.tables.get(name);
    if (known) return known;
    const table = new LmdbTable(
      name,
      this.root.openDB<string, Key>(name, { encoder: textEncoder } as DatabaseOptions),
      this,
    );
    this.tables.set(name, table);
    return table;
  }

  /** Names in-memory state that follows the commits; answers the function by which it leaves again. */
  join(participant: Participant): () => void {
    return this.group.join(participant);
  }

  /**
   * Runs `operation` in the next transaction and resolves with its answer once that is fsynced. Operations run one after the
   * other in the order of their calls. Rejects with LTS_BUSY when too many wait, LTS_STORE_FAILED when nothing was kept.
   */
  commit<T>(operation: () => T): Promise<T> {
    return this.group.add(operation);
  }

  /** Resolves when everything queued so far is settled. */
  settled(): Promise<void> {
    return this.group.settled();
  }

  /** Settles what is queued, then closes the file. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.group.close(
      new LtsError('LTS_NOT_STARTED', `The store in ${this.path} is closed. Open it again before use.`),
    );
    await this.root.close();
  }

  private async transact(body: () => void): Promise<void> {
    let hasRun = false;
    try {
      // A child transaction: the plain one of lmdb keeps what an operation wrote before it threw.
      await this.root.childTransaction(() => {
        this.runWriting(body);
        hasRun = true;
      });
    } catch (error) {
      this.root.resetReadTxn();
      throw hasRun ? await commitErrorOf(error) : error;
    }
    this.counters.commits++;
  }

  private runWriting(body: () => void): void {
    this.writing = true;
    try {
      body();
    } finally {
      this.writing = false;
    }
  }
}

function openRoot(options: LmdbEnvironmentOptions): RootDatabase<string, Key> {
  return open<string, Key>({
    path: options.path,
    noSubdir: false,
    encoding: 'string',
    maxDbs: tablesMax,
    mapSize: options.mapSize ?? 1024 ** 3,
    // With overlapping sync a commit resolves before its fsync. Without it the write thread syncs first.
    overlappingSync: false,
  });
}

/**
 * What the operating system says when LMDB drops a transaction as a whole because there is no room. A write that was cut short
 * by a full disk is reported as an input/output error instead, and then ends the process.
 */
const refusals: readonly string[] = ['No space left', 'File too large', 'Disk quota exceeded'];

async function commitErrorOf(error: unknown): Promise<CommitError> {
  const cause = await reasonOf(error);
  return new CommitError(
    cause.message,
    refusals.some((text) => cause.message.includes(text)),
    cause,
  );
}

/** lmdb hands the reason over in a promise of its own, which rejects with it. */
async function reasonOf(error: unknown): Promise<Error> {
  try {
    await (error as { commitError?: Promise<unknown> }).commitError;
    return error as Error;
  } catch (reason) {
    return reason as Error;
  }
}
