import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LevelDbFailStore } from '../../src/adapters/leveldb/leveldb-fail-store.js';
import { LmdbFailStore } from '../../src/adapters/lmdb/lmdb-fail-store.js';
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { failStoreSuite } from './fail-store.suite.js';

failStoreSuite('memory', () => ({
  create: (bounds) => new MemoryFailStore(bounds),
  cleanUp: async () => {},
}));

const onDisk = { lmdb: LmdbFailStore, leveldb: LevelDbFailStore };

for (const [name, Store] of Object.entries(onDisk)) {
  failStoreSuite(name, () => {
    const path = mkdtempSync(join(tmpdir(), 'lts-fail-store-'));
    let bounds: { entriesMax?: number; bytesMax?: number } = {};
    const open = () => new Store({ path, ...bounds });
    return {
      create: (given = {}) => {
        bounds = given;
        return open();
      },
      reopen: open,
      cleanUp: async () => rmSync(path, { recursive: true }),
    };
  });
}
