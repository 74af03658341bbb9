/**
 * Looks into a store that may be damaged, and copies what is readable into a fresh one. It reads pages by itself and never maps
 * the file, so no damage can kill it; the only thing that LMDB opens is the copy.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { LtsError } from '../../errors.js';
import { dataFileOf, LmdbEnvironment } from './environment.js';
import { PageWalk } from './page-walk.js';
import { Damage, PageFile, type Snapshot } from './pages.js';

export interface TableReport {
  readonly name: string;
  /** Records that can be read. */
  readonly records: number;
  /** Records as the table counts them itself; more than `records + undecodable` means that some cannot be reached. */
  readonly recordsExpected: number;
  /** Records that are there but make no sense. */
  readonly undecodable: number;
}

export interface DoctorReport {
  readonly file: string;
  /** True when nothing at all is wrong. */
  readonly isSound: boolean;
  /** What is wrong, in words; the first 100 findings. */
  readonly problems: readonly string[];
  readonly problemsInAll: number;
  readonly tables: readonly TableReport[];
}

/** How far the reading of one table is. */
export interface DoctorProgress {
  readonly table: string;
  readonly records: number;
  readonly recordsExpected: number;
}

/** What the doctor can be told about one kind of store. */
export interface StoreKind {
  /** Called now and then while a large table is read. */
  readonly onProgress?: ((progress: DoctorProgress) => void) | undefined;
  /** Why a record makes no sense, or undefined. Default: text that is no UTF-8, or begins like JSON and is not. */
  readonly faultOf?: (table: string, value: string) => string | undefined;
  /** Compares tables with each other, on a copy; what does not match, in words. */
  readonly verify?: (environment: LmdbEnvironment) => readonly string[];
  /** Fills the empty store `to` from a copy of the damaged one, so that what follows from records is right again. */
  readonly rebuild?: (from: LmdbEnvironment, to: LmdbEnvironment) => Promise<readonly string[]>;
}

interface Entry {
  readonly table: string;
  readonly key: Buffer;
  readonly value: Buffer;
}

const problemsMax = 100;
const entriesPerCommit = 5_000;
const recordsPerProgress = 20_000;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reports what is readable in a store. `path` is the data file or its folder. Nobody may write to the store meanwhile. Never
 * changes the file. With `verify`, needs room for a copy in the temporary folder.
 */
export async function examine(path: string, kind: StoreKind = {}): Promise<DoctorReport> {
  const examination = new Examination(path, kind);
  if (!kind.verify) return examination.walk(() => {});
  const scratch = mkdtempSync(join(tmpdir(), 'lts-doctor-'));
  try {
    await examination.copyTo(scratch);
    await examination.verify(scratch);
    return examination.report();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Brings every readable record into a fresh store in the folder `target`, and reports like `examine`. With `rebuild`, needs
 * twice the room there for a while. Throws LTS_STORE_FAILED when `target` is not empty or cannot be written.
 */
export async function salvage(path: string, target: string, kind: StoreKind = {}): Promise<DoctorReport> {
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new LtsError('LTS_STORE_FAILED', `${target} is not empty. Name a new folder for the salvaged store.`);
  }
  const examination = new Examination(path, kind);
  const copy = kind.rebuild ? join(target, 'as-found') : target;
  await examination.copyTo(copy);
  await examination.verify(copy);
  if (copy !== target) {
    await examination.rebuild(copy, target);
    rmSync(copy, { recursive: true });
  }
  return examination.report();
}

class Examination {
  private readonly file: string;
  private readonly problems: string[] = [];
  private problemsInAll = 0;
  private readonly tables: TableReport[] = [];

  constructor(
    path: string,
    private readonly kind: StoreKind,
  ) {
    this.file = fileIn(path);
  }

  report(): DoctorReport {
    const { file, problems, problemsInAll, tables } = this;
    return { file, isSound: problemsInAll === 0, problems, problemsInAll, tables };
  }

  /** Passes every readable record on. */
  walk(visit: (entry: Entry) => void): DoctorReport {
    const pages = new PageFile(this.file);
    try {
      const snapshot = this.chooseSnapshot(pages);
      if (snapshot) this.walkSnapshot(pages, snapshot, visit);
    } finally {
      pages.close();
    }
    return this.report();
  }

  /** Into a fresh store, table by table. */
  async copyTo(folder: string): Promise<void> {
    const copy = openCopy(folder);
    try {
      const writer = new CopyWriter(copy);
      this.walk((entry) => writer.add(entry));
      writer.flush();
    } finally {
      await copy.close();
    }
  }

  async verify(copy: string): Promise<void> {
    const { verify } = this.kind;
    if (verify) await withStore(copy, async (environment) => this.noteAll(verify(environment)));
  }

  async rebuild(copy: string, target: string): Promise<void> {
    const { rebuild } = this.kind;
    if (!rebuild) return;
    await withStore(copy, (from) => withStore(target, async (to) => this.noteAll(await rebuild(from, to))));
  }

  private noteAll(problems: readonly string[]): void {
    for (const problem of problems) this.note(problem);
  }

  private note(problem: string): void {
    this.problemsInAll++;
    if (this.problems.length < problemsMax) this.problems.push(problem);
  }

  private chooseSnapshot(pages: PageFile): Snapshot | undefined {
    const offered = this.offeredSnapshots(pages);
    const readable = offered.find((snapshot) => canListTables(pages, snapshot));
    if (!readable && offered.length > 0) this.note('the list of tables cannot be read');
    if (readable && readable !== offered[0])
      this.note(`the newest state cannot be read; this is the state of transaction ${readable.transaction}`);
    return readable ?? offered[0];
  }

  private offeredSnapshots(pages: PageFile): Snapshot[] {
    try {
      return pages.snapshots();
    } catch (error) {
      this.note(messageOf(error));
      return pages.readableSnapshots();
    }
  }

  private walkSnapshot(pages: PageFile, snapshot: Snapshot, visit: (entry: Entry) => void): void {
    const walk = new PageWalk(pages, snapshot, (damage) => this.note(damage.message));
    for (const { name, tree } of walk.tables()) {
      let records = 0;
      let undecodable = 0;
      for (const node of walk.nodes(tree)) {
        const value = this.valueOf(name, node);
        if (value) visit({ table: name, key: node.key, value });
        if (value) records++;
        else undecodable++;
        if ((records + undecodable) % recordsPerProgress === 0)
          this.kind.onProgress?.({ table: name, records, recordsExpected: tree.entries });
      }
      this.tables.push({ name, records, recordsExpected: tree.entries, undecodable });
    }
    this.attempt(() => walk.checkFreePages());
  }

  private valueOf(table: string, node: { value(): Buffer }): Buffer | undefined {
    return this.attempt(() => {
      const value = node.value();
      const fault = (this.kind.faultOf ?? textFault)(table, utf8Text(value));
      if (fault !== undefined) throw new Damage(`table ${table}: a record makes no sense: ${fault}`);
      return value;
    });
  }

  private attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.note(messageOf(error));
      return undefined;
    }
  }
}

/** The list of tables alone; the tables themselves may be damaged. */
function canListTables(pages: PageFile, snapshot: Snapshot): boolean {
  try {
    return new PageWalk(pages, snapshot).tables().length > 0 || snapshot.main.root === -1;
  } catch (error) {
    if (error instanceof Damage) return false;
    throw error;
  }
}

function fileIn(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  const file = stat?.isDirectory() ? dataFileOf(path) : path;
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw new LtsError('LTS_STORE_FAILED', `There is no store at ${path}. Name the folder of a store, or its data file.`);
}

/** Only what the walk itself may find is a finding; anything else is a defect of ours or of the disk. */
function messageOf(error: unknown): string {
  if (error instanceof Damage) return error.message;
  throw error;
}

function utf8Text(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Damage('a record is not UTF-8 text');
  }
}

function textFault(_table: string, text: string): string | undefined {
  if (text[0] !== '{' && text[0] !== '[') return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function withStore(path: string, use: (environment: LmdbEnvironment) => Promise<void>): Promise<void> {
  const environment = await LmdbEnvironment.open({ path });
  try {
    await use(environment);
  } finally {
    await environment.close();
  }
}

type Copy = RootDatabase<Buffer, Buffer>;

function openCopy(target: string): Copy {
  try {
    return open<Buffer, Buffer>({ path: target, noSubdir: false, maxDbs: 64, overlappingSync: false });
  } catch (cause) {
    throw new LtsError('LTS_STORE_FAILED', `The store ${target} cannot be written: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Keys and values go over as bytes, so nothing needs to understand them. */
class CopyWriter {
  private readonly tables = new Map<string, ReturnType<Copy['openDB']>>();
  private waiting: Entry[] = [];

  constructor(private readonly copy: Copy) {}

  add(entry: Entry): void {
    this.waiting.push(entry);
    if (this.waiting.length >= entriesPerCommit) this.flush();
  }

  flush(): void {
    for (const { table } of this.waiting) if (!this.tables.has(table)) this.tables.set(table, this.openTable(table));
    this.copy.transactionSync(() => {
      for (const { table, key, value } of this.waiting) this.tables.get(table)?.putSync(key, value);
    });
    this.waiting = [];
  }

  private openTable(name: string) {
    return this.copy.openDB<Buffer, Buffer>(name, { encoding: 'binary', keyEncoding: 'binary' });
  }
}
