/** A process that keeps what it could not send is killed at any moment: what it was told to be kept is there, in order. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LevelDbFailStore } from '../../src/adapters/leveldb/leveldb-fail-store.js';
import { LmdbFailStore } from '../../src/adapters/lmdb/lmdb-fail-store.js';

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
async function keysOfKilledProcess(adapter: string, prefix: string, batches: number): Promise<string[]> {
  const writer = fork(fileURLToPath(new URL('./fail-store-child.ts', import.meta.url)), [adapter, path, prefix], {
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

it.each([
  ['lmdb', () => new LmdbFailStore({ path })],
  ['leveldb', () => new LevelDbFailStore({ path })],
] as const)(
  '%s keeps every entry whose put resolved, in order, when its process is killed again and again',
  async (adapter, make) => {
    const known: string[] = [];
    for (const [round, prefix] of ['a', 'b', 'c', 'd'].entries()) {
      known.push(...(await keysOfKilledProcess(adapter, prefix, 5 + 9 * round)));
      const store = make();
      await store.open();
      const kept = (await store.peek('submissions', 100_000)).map(({ key }) => key);
      expect(kept).toEqual(expect.arrayContaining(known));
      expect(kept).toEqual([...kept].sort());
      expect(await store.count('submissions')).toBe(kept.length);
      await store.close();
    }
  },
  30_000,
);
