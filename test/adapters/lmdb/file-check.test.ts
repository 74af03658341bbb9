import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataFileOf } from '../../../src/adapters/lmdb/environment.js';
import { checkDataFile } from '../../../src/adapters/lmdb/file-check.js';
import { PageWalk } from '../../../src/adapters/lmdb/page-walk.js';
import { PageFile, type Snapshot } from '../../../src/adapters/lmdb/pages.js';
import { jobCount, makeStore, Openers } from './damage.js';

const pageBytes = 4_096;
let folder: string;
let sound: Buffer;
let openers: Openers;
let samples = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lts-file-check-'));
  await makeStore(join(folder, 'sound'));
  sound = readFileSync(dataFileOf(join(folder, 'sound')));
  openers = new Openers(folder);
});

afterAll(async () => {
  await openers.close();
  rmSync(folder, { recursive: true });
});

const openBytes = (bytes: Buffer) => openers.open({ name: `sample${samples++}`, bytes });

/** The two honest outcomes: refused with the file and the next move, or everything is there. */
async function expectRefusedOrRight(bytes: Buffer, what: string): Promise<'refused' | 'right'> {
  const opened = await openBytes(bytes);
  if (opened.code !== undefined) {
    expect(opened.code, what).toBe('LTS_STORE_CORRUPT');
    expect(opened.message, what).toContain(`lts doctor ${dataFileOf(opened.path)}`);
    return 'refused';
  }
  expect(opened, what).toEqual({ path: opened.path, keys: jobCount, hasWritten: true });
  return 'right';
}

const refused = async (bytes: Buffer, what: string) =>
  expect(await expectRefusedOrRight(bytes, what), what).toBe('refused');

function overwritten(at: number, bytes: Buffer): Buffer {
  const copy = Buffer.from(sound);
  bytes.copy(copy, at);
  return copy;
}

/** A small generator with a fixed seed: the same damage in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

it('counts the records of a sound store, which then opens', async () => {
  expect(checkDataFile(dataFileOf(join(folder, 'sound')))).toEqual({ jobs: jobCount, index: jobCount });
  expect(await expectRefusedOrRight(sound, 'sound')).toBe('right');
});

it('takes a missing file for a new store and makes nothing', () => {
  expect(checkDataFile(join(folder, 'missing', 'data.mdb'))).toEqual({});
  expect(existsSync(join(folder, 'missing'))).toBe(false);
});

it('refuses a file cut off at any page, or is right where only free pages were lost', async () => {
  const pages = sound.length / pageBytes;
  let refusals = 0;
  for (let page = 1; page < pages; page += page < 4 || page > pages - 4 ? 1 : 9)
    if ((await expectRefusedOrRight(sound.subarray(0, page * pageBytes), `cut at page ${page}`)) === 'refused')
      refusals++;
  expect(refusals).toBeGreaterThan(10);
});

it('refuses a file cut off within a page', async () => {
  for (const bytes of [1, 100, 4_095, 4_097, 8_191, 8_193, sound.length >> 1])
    await refused(sound.subarray(0, bytes), `cut at ${bytes}`);
});

it('refuses a file without bytes instead of opening an empty queue', () => refused(Buffer.alloc(0), 'empty'));

it('refuses a file of zeros', () => refused(Buffer.alloc(sound.length), 'zeros'));

it('refuses a file that is something else', () => refused(Buffer.from('not a store '.repeat(3_000)), 'garbage'));

it('refuses headers followed by zeros', () => {
  const bytes = Buffer.alloc(sound.length);
  sound.copy(bytes, 0, 0, 2 * pageBytes);
  return refused(bytes, 'zeroed behind the headers');
});

it('refuses a folder in the place of the file', () => {
  mkdirSync(join(folder, 'a-folder', 'data.mdb'), { recursive: true });
  expect(() => checkDataFile(dataFileOf(join(folder, 'a-folder')))).toThrow('it is not a file');
});

it('refuses a store of another data version', () => {
  const bytes = overwritten(24 + 4, Buffer.from([9, 0, 0, 0]));
  return refused(bytes, 'version');
});

it('refuses a header that lost its last transactions', async () => {
  for (const page of [0, 1])
    await refused(overwritten(page * pageBytes + 24 + 128, Buffer.alloc(8)), `transaction of header ${page}`);
});

describe('with pages that are linked wrongly', () => {
  /** The newest state of the sound store, and the root page of its jobs. */
  function layout() {
    const file = new PageFile(dataFileOf(join(folder, 'sound')));
    const [snapshot] = file.snapshots() as [Snapshot];
    const jobs = new PageWalk(file, snapshot).tables().find(({ name }) => name === 'jobs');
    file.close();
    return { snapshot, jobsRoot: jobs?.tree.root ?? -1 };
  }
  const nodeAt = (page: number, i: number) => page * pageBytes + 24 + sound.readUInt16LE(page * pageBytes + 24 + 2 * i);
  const number = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  };

  it('refuses a page in use that is listed as free, which LMDB would overwrite', async () => {
    const { snapshot, jobsRoot } = layout();
    const list = nodeAt(snapshot.free.root, 0) + 8 + 8;
    let at = list + 8;
    while (sound.readBigInt64LE(at) <= 0n) at += 8;
    const opened = await openBytes(overwritten(at, number(jobsRoot)));
    expect(opened.message).toContain(`page ${jobsRoot} is listed as free and is in use`);
  });

  it('refuses a page with two parents', async () => {
    const { jobsRoot } = layout();
    const first = sound.subarray(nodeAt(jobsRoot, 0), nodeAt(jobsRoot, 0) + 6);
    const opened = await openBytes(overwritten(nodeAt(jobsRoot, 1), first));
    expect(opened.message).toContain('is in use twice');
  });

  it('refuses records that are out of order, which a search would miss', async () => {
    const bytes = Buffer.from(sound);
    for (let at = bytes.indexOf('job155{'); at !== -1; at = bytes.indexOf('job155{', at + 1)) bytes.write('job955', at);
    expect((await openBytes(bytes)).message).toContain('out of order');
  });
});

it('is refused or right with any page zeroed', async () => {
  for (let page = 0; page < sound.length / pageBytes; page += 3)
    await expectRefusedOrRight(overwritten(page * pageBytes, Buffer.alloc(pageBytes)), `page ${page} zeroed`);
});

describe('with bytes overwritten at random', () => {
  it.each([1, 2, 3, 4])('never kills the process and never loses a record in silence, seed %i', async (seed) => {
    const below = seeded(seed);
    for (let i = 0; i < 60; i++) {
      const noise = Buffer.from(Array.from({ length: 1 + below(64) }, () => below(256)));
      const at = below(sound.length - noise.length);
      await expectRefusedOrRight(overwritten(at, noise), `seed ${seed}, sample ${i}: ${noise.length} bytes at ${at}`);
    }
  });

  it('holds in the headers, too', async () => {
    const below = seeded(5);
    for (let i = 0; i < 60; i++) {
      const at = below(2) * pageBytes + below(200);
      await expectRefusedOrRight(overwritten(at, Buffer.from([below(256)])), `sample ${i}: a byte at ${at}`);
    }
  });
});

it('passes a store that is written with overlapping sync', async () => {
  const path = join(folder, 'overlapping.mdb');
  const root = open({ path, overlappingSync: true });
  const table = root.openDB<string, string>('jobs', { encoding: 'string' });
  for (let i = 0; i < 5; i++) {
    for (let k = 0; k < 300; k++) void table.put(`job${i} ${k}`, 'x'.repeat(200));
    await table.flushed;
    expect(checkDataFile(path)).toEqual({ jobs: 300 * (i + 1) });
  }
  await root.close();
  expect(checkDataFile(path)).toEqual({ jobs: 1_500 });
});

it('changes nothing', () => {
  const path = join(folder, 'untouched.mdb');
  const half = sound.subarray(0, sound.length >> 1);
  writeFileSync(path, half);
  expect(() => checkDataFile(path)).toThrow('lts doctor');
  expect(readFileSync(path).equals(half)).toBe(true);
  expect(existsSync(`${path}-lock`)).toBe(false);
});
