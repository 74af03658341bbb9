import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataFileOf } from '../../../src/adapters/lmdb/environment.js';
import { LmdbFailStore } from '../../../src/adapters/lmdb/lmdb-fail-store.js';

let path: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lts-fail-store-kill-'));
});

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(path, { recursive: true });
});

/** Lets a process put entries and kills it; answers the keys whose put had resolved. */
async function keysOfKilledProcess(prefix: string, batches: number): Promise<string[]> {
  const writer = fork(fileURLToPath(new URL('./fail-store-child.ts', import.meta.url)), [path, prefix], {
    execArgv: ['--import', 'tsx'],
  });
  child = writer;
  const keys: string[] = [];
  const enough = new Promise<void>((resolve) => {
    writer.on('message', (batch: string[]) => {
      keys.push(...batch);
      if (keys.length >= batches * 10) resolve();
    });
  });
  const exited = once(writer, 'exit');
  await enough;
  writer.kill('SIGKILL');
  await exited;
  return keys;
}

it('keeps every entry whose put resolved, in order, when its process is killed again and again', async () => {
  const known: string[] = [];
  for (const [round, prefix] of ['a', 'b', 'c', 'd'].entries()) {
    known.push(...(await keysOfKilledProcess(prefix, 5 + 9 * round)));
    const store = new LmdbFailStore({ path });
    await store.open();
    const kept = (await store.peek('submissions', 100_000)).map(({ key }) => key);
    expect(kept).toEqual(expect.arrayContaining(known));
    expect(kept).toEqual([...kept].sort());
    expect(await store.count('submissions')).toBe(kept.length);
    await store.close();
  }
}, 30_000);

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
