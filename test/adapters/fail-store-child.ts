/** Puts, replaces and removes entries for as long as it lives, and names every key whose put has resolved. */
import { LevelDbFailStore } from '../../src/adapters/leveldb/leveldb-fail-store.js';
import { LmdbFailStore } from '../../src/adapters/lmdb/lmdb-fail-store.js';

const [adapter = '', path = '', prefix = ''] = process.argv.slice(2);
const store = adapter === 'lmdb' ? new LmdbFailStore({ path }) : new LevelDbFailStore({ path });
await store.open();
for (let i = 0; ; i += 10) {
  const keys = Array.from({ length: 10 }, (_, k) => `${prefix}${String(i + k).padStart(6, '0')}`);
  const value = 'x'.repeat(i % 70 === 0 ? 9_000 : 100);
  // Beside them come and go results, so that pages are freed and used again.
  await Promise.all(
    keys.map((key) =>
      store.put([
        { topic: 'submissions', key, value, at: i },
        { topic: 'results', key, value, at: i },
      ]),
    ),
  );
  await store.remove('results', keys);
  process.send?.(keys);
}
