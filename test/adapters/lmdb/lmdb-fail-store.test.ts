import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataFileOf } from '../../../src/adapters/lmdb/environment.js';
import { LmdbFailStore } from '../../../src/adapters/lmdb/lmdb-fail-store.js';

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lts-fail-store-'));
});

afterEach(() => {
  rmSync(path, { recursive: true });
});

it('refuses a damaged file', async () => {
  const store = new LmdbFailStore({ path });
  await store.open();
  await store.put([{ topic: 'results', key: 'a', value: 'x', at: 1 }]);
  await store.close();
  truncateSync(dataFileOf(path), 9_000);
  await expect(store.open()).rejects.toMatchObject({ code: 'LTS_STORE_CORRUPT' });
});

it('refuses use before open and after close', async () => {
  const store = new LmdbFailStore({ path });
  await expect(store.peek('results', 1)).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await store.open();
  await store.close();
  await expect(store.put([])).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
});

it('refuses a key that is too long and keeps nothing of the put', async () => {
  const store = new LmdbFailStore({ path });
  await store.open();
  const entries = ['short', 'k'.repeat(1_001)].map((key) => ({ topic: 'results' as const, key, value: 'x', at: 1 }));
  await expect(store.put(entries)).rejects.toMatchObject({ code: 'LTS_PAYLOAD_TOO_LARGE' });
  await store.put([{ topic: 'results', key: '😀'.repeat(250), value: 'x', at: 1 }]);
  await store.quarantine('results', '😀'.repeat(250), 'refused');
  expect(await store.count('results')).toBe(0);
  expect(await store.quarantined('results')).toHaveLength(1);
  await store.close();
});
