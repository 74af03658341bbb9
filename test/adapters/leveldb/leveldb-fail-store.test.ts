import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LevelDbFailStore } from '../../../src/adapters/leveldb/leveldb-fail-store.js';
import { currentFileOf, hasLevel, openLevel } from '../../../src/adapters/leveldb/open-level.js';
import type { LtsError } from '../../../src/errors.js';

let path: string;
let fatal: LtsError[];
let store: LevelDbFailStore;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lts-leveldb-'));
  fatal = [];
  store = new LevelDbFailStore({ path, onFatal: (error) => fatal.push(error) });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await store.close();
  rmSync(path, { recursive: true });
});

const result = (key: string, value = 'x') => ({ topic: 'results' as const, key, value, at: 1 });

it('says what to install where the library is missing, and what is wrong where it cannot be loaded', async () => {
  const missing = Object.assign(new Error("Cannot find package 'classic-level'"), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(openLevel(path, () => Promise.reject(missing))).rejects.toMatchObject({
    code: 'LTS_CONFIG_INVALID',
    message:
      'The FailStore leveldb needs the package classic-level, which is not installed. Run: npm install classic-level@3; or choose lmdb.',
  });
  await expect(openLevel(path, () => Promise.reject(new Error('No native build was found')))).rejects.toMatchObject({
    code: 'LTS_CONFIG_INVALID',
    message: expect.stringContaining('cannot be loaded here (No native build was found)'),
  });
});

it('writes what came together in few batches, each of them fsynced', async () => {
  const batch = vi.spyOn(ClassicLevel.prototype, 'batch');
  await store.open();
  await Promise.all(Array.from({ length: 500 }, (_, i) => store.put([result(`k${i}`)])));
  const calls = batch.mock.calls as unknown as [readonly unknown[], unknown][];
  expect(calls.length).toBeLessThanOrEqual(3);
  expect(calls.flatMap(([writes]) => writes)).toHaveLength(500);
  for (const [, options] of calls) expect(options).toEqual({ sync: true });
});

it('writes no more in one batch than LevelDB buffers', async () => {
  const batch = vi.spyOn(ClassicLevel.prototype, 'batch');
  await store.open();
  await Promise.all(Array.from({ length: 12 }, (_, i) => store.put([result(`k${i}`, 'x'.repeat(1024 ** 2))])));
  const calls = batch.mock.calls as unknown as [readonly unknown[], unknown][];
  expect(Math.max(...calls.map(([writes]) => writes.length))).toBe(4);
  expect(await store.count('results')).toBe(12);
});

it('after a failed write keeps nothing more and says so to its process', async () => {
  await store.open();
  await store.put([result('a')]);
  const failure = Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' });
  vi.spyOn(ClassicLevel.prototype, 'batch').mockReturnValueOnce(Promise.reject(failure) as never);
  await expect(store.put([result('b')])).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
  await expect(store.put([result('c')])).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
  expect(fatal).toHaveLength(1);
  expect((await store.peek('results', 9)).map(({ key }) => key)).toEqual(['a']);
});

it('quarantines an entry as it is replaced in the same batch', async () => {
  await store.open();
  await Promise.all([
    store.put([result('a', 'old')]),
    store.put([result('a/b', 'new')]),
    store.quarantine('results', 'a/b', 'refused'),
  ]);
  expect(await store.peek('results', 9)).toEqual([result('a', 'old')]);
  expect(await store.quarantined('results')).toEqual([{ ...result('a/b', 'new'), reason: 'refused' }]);
});

it('settles what was put before its close, and refuses use before open and after close', async () => {
  await expect(store.peek('results', 1)).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await store.open();
  const puts = Array.from({ length: 20 }, (_, i) => store.put([result(`k${i}`)]));
  await store.close();
  await Promise.all(puts);
  await expect(store.put([])).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
  await store.open();
  expect(await store.count('results')).toBe(20);
});

const fileNamed = (name: RegExp) => join(path, readdirSync(path).find((file) => name.test(file)) as string);

it.each([
  ['whose CURRENT is lost', 'LTS_STORE_CORRUPT', () => rmSync(currentFileOf(path))],
  ['whose list of files is damaged', 'LTS_STORE_CORRUPT', () => writeFileSync(fileNamed(/^MANIFEST/), 'x'.repeat(100))],
  ['whose list of files is lost', 'LTS_STORE_FAILED', () => rmSync(fileNamed(/^MANIFEST/))],
])('refuses a store %s, and leaves its entries where they are', async (_, code, damage) => {
  await store.open();
  await store.put([result('a')]);
  await store.close();
  const log = fileNamed(/\.log$/);
  damage();
  await expect(store.open()).rejects.toMatchObject({
    code,
    message: expect.stringContaining(path),
  });
  expect(readdirSync(path)).toContain(log.slice(path.length + 1));
});

it('is told from a folder that was taken and never used', async () => {
  mkdirSync(join(path, 'owner'));
  expect([hasLevel(path), hasLevel(join(path, 'missing'))]).toEqual([false, false]);
  await store.open();
  expect(hasLevel(path)).toBe(true);
});

it('refuses a store that is open elsewhere', async () => {
  await store.open();
  await expect(new LevelDbFailStore({ path }).open()).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
});
