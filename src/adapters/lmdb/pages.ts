/**
 * Reads LMDB's data file (data version 2, 64 bit, little endian) page by page with plain reads. Nothing is mapped into memory,
 * so a damaged file shows itself as `Damage`, where LMDB itself would be killed by SIGBUS or SIGSEGV. Layout: `mdb.c` of the
 * `lmdb` package, structs MDB_page_header, MDB_meta, MDB_db, MDB_node, MDB_ovpage.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/** A page, or the whole file, that cannot be what LMDB wrote. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

/** A B-tree of the file: a named table, the table of tables, or the list of free pages. */
export interface Tree {
  /** -1 when the tree is empty. */
  readonly root: number;
  readonly depth: number;
  readonly flags: number;
  readonly pages: number;
  readonly entries: number;
}

/** One consistent state of the file. */
export interface Snapshot {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly free: Tree;
  readonly main: Tree;
}

interface Meta extends Snapshot {
  /** Committed, but perhaps not yet on the disk when the machine failed. */
  readonly isUnsynced: boolean;
  readonly bootId: number;
}

export const headerBytes = 24;
export const pageFlags = { branch: 1, leaf: 2, overflow: 4, meta: 8, fixed: 32 } as const;
export const treeFlags = { reverseKey: 2, duplicates: 4, integerKey: 8 } as const;
const metaBytes = 168;
const magic = 0xbeefc0de;
const dataVersion = 2;
const unsyncedFlag = 0x1000;
const usualPageSizes = [4_096, 8_192, 16_384, 32_768, 65_536];

/** An open data file. Close it. */
export class PageFile {
  private readonly file: number;
  readonly sizeBytes: number;

  constructor(readonly path: string) {
    this.file = openSync(path, 'r');
    this.sizeBytes = fstatSync(this.file).size;
  }

  close(): void {
    closeSync(this.file);
  }

  /** Bytes of the file, all of them. */
  read(at: number, bytes: number): Buffer {
    if (at + bytes > this.sizeBytes)
      throw new Damage(`it ends at byte ${this.sizeBytes}, but byte ${at + bytes} is in use`);
    const buffer = Buffer.allocUnsafe(bytes);
    if (this.tryRead(buffer, at) !== bytes) throw new Damage(`it cannot be read at byte ${at}`);
    return buffer;
  }

  private tryRead(buffer: Buffer, at: number): number {
    try {
      return readSync(this.file, buffer, 0, buffer.length, at);
    } catch (error) {
      // A disk that lost a sector.
      throw new Damage(`it cannot be read at byte ${at}: ${(error as Error).message}`);
    }
  }

  /** The states that the file offers, best first: what LMDB will choose when it opens the file comes first. */
  snapshots(): Snapshot[] {
    const first = this.meta(0);
    const second = this.meta(first.pageSize);
    if (second.pageSize !== first.pageSize) throw new Damage('its two headers disagree about the page size');
    const [newer, older] = first.transaction >= second.transaction ? [first, second] : [second, first];
    const flushed = newer.isUnsynced ? this.flushedMeta(first) : undefined;
    if (!flushed) requireNeighbours(newer, older);
    // After a crash of the machine LMDB goes back to what it knows to be on the disk; after a crash of the process it need not.
    return flushed && newer.bootId !== thisBootId() ? [flushed, newer, older] : [newer, older];
  }

  /** Whatever states can still be found behind damaged headers, newest first; for a doctor, never for opening the file. */
  readableSnapshots(): Snapshot[] {
    const second = usualPageSizes.map((pageSize) => this.tryMeta(pageSize)).find((meta) => meta !== undefined);
    const found = [this.tryMeta(0), second].filter((meta) => meta !== undefined);
    return found.sort((a, b) => b.transaction - a.transaction);
  }

  private tryMeta(at: number): Meta | undefined {
    try {
      return this.meta(at);
    } catch (error) {
      if (error instanceof Damage) return undefined;
      throw error;
    }
  }

  private meta(at: number): Meta {
    const page = this.read(at, headerBytes + metaBytes);
    const hasMark = (page.readUInt16LE(18) & pageFlags.meta) !== 0 && page.readUInt32LE(headerBytes) === magic;
    if (!hasMark) throw new Damage(`the header at byte ${at} is not that of a store`);
    const version = page.readUInt32LE(headerBytes + 4) & 0xffff;
    if (version !== dataVersion) throw new Damage(`it has data version ${version}; this program reads ${dataVersion}`);
    return parseMeta(page.subarray(headerBytes));
  }

  /** Kept in the second half of the first page; has no mark of its own. */
  private flushedMeta(first: Meta): Meta | undefined {
    const meta = parseMeta(this.read(headerBytes + first.pageSize / 2, metaBytes), first.pageSize);
    return meta.transaction > 0 ? meta : undefined;
  }
}

function parseMeta(bytes: Buffer, knownPageSize?: number): Meta {
  const pageSize = knownPageSize ?? bytes.readUInt32LE(24);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0)
    throw new Damage(`its page size is ${pageSize}`);
  return {
    pageSize,
    free: parseTree(bytes.subarray(24)),
    main: parseTree(bytes.subarray(72)),
    lastPage: number64(bytes, 120),
    transaction: number64(bytes, 128),
    isUnsynced: (bytes.readUInt16LE(28) & unsyncedFlag) !== 0,
    bootId: bytes.readUInt32LE(136),
  };
}

/** Transactions write the two headers by turns, so their numbers are neighbours. */
function requireNeighbours(newer: Meta, older: Meta): void {
  if (newer.transaction - older.transaction > 1)
    throw new Damage(
      `its headers name the transactions ${older.transaction} and ${newer.transaction}, which do not follow each other`,
    );
}

/** A stored MDB_db, 48 bytes. */
export function parseTree(bytes: Buffer): Tree {
  const isEmpty = bytes.readUInt32LE(40) === 0xffffffff && bytes.readUInt32LE(44) === 0xffffffff;
  return {
    flags: bytes.readUInt16LE(4),
    depth: bytes.readUInt16LE(6),
    pages: number64(bytes, 8) + number64(bytes, 16) + number64(bytes, 24),
    entries: number64(bytes, 32),
    root: isEmpty ? -1 : number64(bytes, 40),
  };
}

/** Page and transaction numbers stay far below 2^53. */
export function number64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** The first half of the boot id, as LMDB stores it; other systems than Linux answer 0, which means: perhaps another boot. */
function thisBootId(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8), 16);
  } catch {
    return 0;
  }
}
