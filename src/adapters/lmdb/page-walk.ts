/** Walks the B-trees of an LMDB data file and holds every page, node and key against the rules of the format. */
import {
  Damage,
  headerBytes,
  number64,
  type PageFile,
  pageFlags,
  parseTree,
  type Snapshot,
  type Tree,
  treeFlags,
} from './pages.js';

/** One record of a tree. The value of a named table's entry is its tree. */
export interface Node {
  readonly key: Buffer;
  readonly isTree: boolean;
  /** Read on demand; throws Damage. */
  value(): Buffer;
}

const nodeBytes = 8;
const nodeFlags = { big: 1, tree: 2, duplicates: 4 } as const;

export class PageWalk {
  /** 1 for a page that a tree uses. */
  private readonly used: Uint8Array;
  private readonly pageSize: number;

  /** Without `onDamage` the first damage is thrown; with it, what lies below a damaged page is passed over. */
  constructor(
    private readonly file: PageFile,
    private readonly snapshot: Snapshot,
    private readonly onDamage?: (damage: Damage) => void,
  ) {
    this.pageSize = snapshot.pageSize;
    this.used = new Uint8Array(Math.min(snapshot.lastPage, Math.ceil(file.sizeBytes / this.pageSize)) + 1);
  }

  /** The named tables. */
  tables(): { readonly name: string; readonly tree: Tree }[] {
    const found: { name: string; tree: Tree }[] = [];
    for (const node of this.nodes(this.snapshot.main))
      if (node.isTree) found.push({ name: tableName(node.key), tree: parseTree(node.value()) });
    return found;
  }

  /** Every record in key order. A walk passes each page once: a second walk needs a `PageWalk` of its own. */
  *nodes(tree: Tree): Generator<Node> {
    let entries = 0;
    let lastKey: Buffer | undefined;
    const isOrdered = (tree.flags & (treeFlags.reverseKey | treeFlags.integerKey)) === 0;
    for (const page of this.leaves(tree.root, tree.depth)) {
      for (const node of this.nodesOf(page)) {
        entries++;
        if (isOrdered && lastKey && lastKey.compare(node.key) >= 0)
          this.report(new Damage('its keys are out of order'));
        lastKey = node.key;
        yield node;
      }
    }
    if (entries !== tree.entries && (tree.flags & treeFlags.duplicates) === 0)
      this.report(new Damage(`a table should hold ${tree.entries} records and holds ${entries}`));
  }

  /** Throws Damage when a page is listed as free and in use: LMDB would overwrite it. Call it after all trees were walked. */
  checkFreePages(): void {
    for (const node of this.nodes(this.snapshot.free)) this.checkFreeList(node.value());
  }

  /** A count, then page numbers; a negative number says how many pages follow from the next number on; 0 is a gap. */
  private checkFreeList(list: Buffer): void {
    const count = number64(list, 0);
    if ((count + 1) * 8 > list.length) throw new Damage('its list of free pages is cut off');
    for (let i = 1, length = 1; i <= count; i++) {
      const entry = Number(list.readBigInt64LE(i * 8));
      if (entry < 0) length = -entry;
      if (entry > 0) {
        this.checkFree(entry, length);
        length = 1;
      }
    }
  }

  private checkFree(first: number, length: number): void {
    if (first < 2 || first + length - 1 > this.snapshot.lastPage)
      throw new Damage(`it lists page ${first} as free, which it does not have`);
    const end = Math.min(first + length, this.used.length);
    for (let page = first; page < end; page++)
      if (this.used[page]) throw new Damage(`page ${page} is listed as free and is in use`);
  }

  private *leaves(page: number, levels: number): Generator<Buffer> {
    if (page === -1) return;
    let bytes: Buffer;
    let children: number[] | undefined;
    try {
      bytes = this.treePage(page, levels === 1 ? pageFlags.leaf : pageFlags.branch);
      if (levels > 1) children = this.children(bytes);
    } catch (error) {
      this.report(error);
      return;
    }
    if (!children) yield bytes;
    else for (const child of children) yield* this.leaves(child, levels - 1);
  }

  private treePage(page: number, kind: number): Buffer {
    this.use(page);
    const bytes = this.file.read(page * this.pageSize, this.pageSize);
    const flags = bytes.readUInt16LE(18);
    if (number64(bytes, 0) !== page || (flags & 0xf) !== kind)
      throw new Damage(`page ${page} is not what its parent says`);
    if ((flags & pageFlags.fixed) === 0) this.checkNodes(bytes, page);
    return bytes;
  }

  private use(page: number): void {
    if (page < 2 || page > this.snapshot.lastPage)
      throw new Damage(`page ${page} is in use, but the file should have pages 2 to ${this.snapshot.lastPage}`);
    if ((page + 1) * this.pageSize > this.file.sizeBytes)
      throw new Damage(`it ends at byte ${this.file.sizeBytes}, but page ${page} is in use`);
    if (this.used[page]) throw new Damage(`page ${page} is in use twice`);
    this.used[page] = 1;
  }

  private checkNodes(bytes: Buffer, page: number): void {
    const isLeaf = (bytes.readUInt16LE(18) & pageFlags.leaf) !== 0;
    const lower = bytes.readUInt16LE(20);
    const upper = bytes.readUInt16LE(22);
    let isSound = lower <= upper && upper + headerBytes <= this.pageSize && lower % 2 === 0 && lower > 0;
    for (let i = 0; isSound && i < lower / 2; i++) {
      const at = nodeAt(bytes, i);
      isSound =
        at >= upper + headerBytes && at + nodeBytes <= this.pageSize && nodeEnd(bytes, at, isLeaf) <= this.pageSize;
    }
    if (!isSound) throw new Damage(`the records of page ${page} do not fit into it`);
  }

  private children(bytes: Buffer): number[] {
    const count = bytes.readUInt16LE(20) / 2;
    // The number takes the place of a leaf node's size and flags: 48 bits.
    return Array.from({ length: count }, (_, i) => bytes.readUIntLE(nodeAt(bytes, i), 6));
  }

  private *nodesOf(bytes: Buffer): Generator<Node> {
    // Fixed-size duplicates have no nodes; no table of ours has duplicates.
    if ((bytes.readUInt16LE(18) & pageFlags.fixed) !== 0) return;
    const count = bytes.readUInt16LE(20) / 2;
    for (let i = 0; i < count; i++) {
      try {
        yield this.node(bytes, nodeAt(bytes, i));
      } catch (error) {
        this.report(error);
      }
    }
  }

  private node(bytes: Buffer, at: number): Node {
    const flags = bytes.readUInt16LE(at + 4);
    const keyEnd = at + nodeBytes + bytes.readUInt16LE(at + 6);
    const size = bytes.readUInt32LE(at);
    const key = bytes.subarray(at + nodeBytes, keyEnd);
    const isTree = (flags & (nodeFlags.tree | nodeFlags.duplicates)) === nodeFlags.tree;
    if ((flags & nodeFlags.big) === 0) return { key, isTree, value: () => bytes.subarray(keyEnd, keyEnd + size) };
    const first = number64(bytes, keyEnd);
    const pages = this.useOverflow(first, size);
    return { key, isTree: false, value: () => this.overflowValue(first, pages, size) };
  }

  /** A value too large for a page lies in pages of its own, in one piece behind one header. */
  private useOverflow(first: number, size: number): number {
    const pages = Math.floor((headerBytes - 1 + size) / this.pageSize) + 1;
    for (let page = first; page < first + pages; page++) this.use(page);
    return pages;
  }

  private overflowValue(first: number, pages: number, size: number): Buffer {
    const bytes = this.file.read(first * this.pageSize, pages * this.pageSize);
    const isSound =
      number64(bytes, 0) === first &&
      (bytes.readUInt16LE(18) & 0xf) === pageFlags.overflow &&
      bytes.readUInt32LE(20) === pages;
    if (!isSound) throw new Damage(`page ${first} is not what its parent says`);
    return bytes.subarray(headerBytes, headerBytes + size);
  }

  private report(error: unknown): void {
    if (!this.onDamage || !(error instanceof Damage)) throw error;
    this.onDamage(error);
  }
}

function nodeAt(bytes: Buffer, i: number): number {
  return bytes.readUInt16LE(headerBytes + 2 * i) + headerBytes;
}

function nodeEnd(bytes: Buffer, at: number, isLeaf: boolean): number {
  const keyEnd = at + nodeBytes + bytes.readUInt16LE(at + 6);
  if (!isLeaf) return keyEnd;
  const isBig = (bytes.readUInt16LE(at + 4) & nodeFlags.big) !== 0;
  return keyEnd + (isBig ? 24 : bytes.readUInt32LE(at));
}

/** LMDB's JavaScript binding ends the name with a zero byte. */
function tableName(key: Buffer): string {
  return key.toString('utf8').replace(/\0$/, '');
}
