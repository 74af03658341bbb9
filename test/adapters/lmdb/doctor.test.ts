import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DoctorProgress, examine, salvage } from '../../../src/adapters/lmdb/doctor.js';
import { dataFileOf, LmdbEnvironment } from '../../../src/adapters/lmdb/environment.js';
import { checkDataFile } from '../../../src/adapters/lmdb/file-check.js';
import { jobStore } from '../../../src/adapters/lmdb/jobs/job-store-kind.js';
import { verifyIndexes } from '../../../src/adapters/lmdb/jobs/verify-indexes.js';
import { LmdbJobQueue } from '../../../src/adapters/lmdb/lmdb-job-queue.js';
import { aRecord, aSchedule, records } from '../../helpers/records.js';
import { jobCount, makeStore } from './damage.js';

const pageBytes = 4_096;
let folder: string;
let sound: Buffer;
let path: string;
let samples = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lts-doctor-test-'));
  await makeStore(join(folder, 'sound'));
  sound = readFileSync(dataFileOf(join(folder, 'sound')));
});

beforeEach(() => {
  path = join(folder, `sample${samples++}`);
  mkdirSync(path);
});

afterAll(() => rmSync(folder, { recursive: true }));

const write = (bytes: Buffer) => writeFileSync(dataFileOf(path), bytes);

/** Leaf pages, in use or not, whose records contain `text`. */
function leavesWith(text: string): number[] {
  const pages = Array.from({ length: sound.length / pageBytes }, (_, page) => page).slice(2);
  return pages.filter((page) => {
    const bytes = sound.subarray(page * pageBytes, (page + 1) * pageBytes);
    return bytes.readUInt16LE(18) === 2 && bytes.includes(text);
  });
}

function zeroed(page: number): Buffer {
  const bytes = Buffer.from(sound);
  bytes.fill(0, page * pageBytes, (page + 1) * pageBytes);
  return bytes;
}

async function keysOf(store: string): Promise<string[]> {
  const environment = await LmdbEnvironment.open({ path: store });
  const keys = environment
    .table('jobs')
    .entries()
    .map(({ key }) => String(key));
  await environment.close();
  return keys;
}

it('tells now and then how far it is with a large table', async () => {
  const environment = await LmdbEnvironment.open({ path });
  const table = environment.table('large');
  for (let start = 0; start < 45_000; start += 15_000)
    await environment.commit(() => {
      for (let i = start; i < start + 15_000; i++) table.put(`key${i}`, 'x');
    });
  await environment.close();
  const told: DoctorProgress[] = [];
  await examine(path, { onProgress: (progress) => told.push(progress) });
  expect(told).toEqual([
    { table: 'large', records: 20_000, recordsExpected: 45_000 },
    { table: 'large', records: 40_000, recordsExpected: 45_000 },
  ]);
});

it('finds nothing wrong with a sound store, named by its folder or its file', async () => {
  write(sound);
  const report = await examine(path);
  expect(report).toMatchObject({ isSound: true, problems: [], file: dataFileOf(path) });
  expect(report.tables).toEqual([
    { name: 'index', records: jobCount, recordsExpected: jobCount, undecodable: 0 },
    { name: 'jobs', records: jobCount, recordsExpected: jobCount, undecodable: 0 },
  ]);
  expect(await examine(dataFileOf(path))).toEqual(report);
});

it('copies a sound store whole', async () => {
  write(sound);
  await salvage(path, join(path, 'copy'));
  expect(checkDataFile(dataFileOf(join(path, 'copy')))).toEqual({ jobs: jobCount, index: jobCount });
  expect(await keysOf(join(path, 'copy'))).toEqual(await keysOf(join(folder, 'sound')));
});

it('salvages everything but the records of a lost page, and says how many are missing', async () => {
  // A page that really is in use: only such a one makes the check refuse.
  const page = leavesWith('"i":123,').find((candidate) => {
    write(zeroed(candidate));
    return isRefused();
  });
  expect(page).toBeDefined();
  const report = await salvage(path, join(path, 'copy'));
  const jobs = report.tables.find(({ name }) => name === 'jobs');
  expect(report.isSound).toBe(false);
  expect(jobs?.records).toBeGreaterThan(jobCount - 60);
  expect(jobs?.records).toBeLessThan(jobCount);
  expect(report.problems.join('\n')).toContain(`page ${page} is not what its parent says`);
  expect(await keysOf(join(path, 'copy'))).toHaveLength(jobs?.records ?? 0);
});

function isRefused(): boolean {
  try {
    checkDataFile(dataFileOf(path));
    return false;
  } catch {
    return true;
  }
}

it('counts records that make no sense and leaves them out of the copy', async () => {
  const bytes = Buffer.from(sound);
  for (let at = bytes.indexOf('{"i":77,'); at !== -1; at = bytes.indexOf('{"i":77,', at + 1))
    bytes.write('{"i"#77,', at);
  write(bytes);
  expect(isRefused()).toBe(false);
  const report = await salvage(path, join(path, 'copy'));
  expect(report.tables.find(({ name }) => name === 'jobs')).toMatchObject({ records: jobCount - 1, undecodable: 1 });
  expect(await keysOf(join(path, 'copy'))).not.toContain('job77');
});

it('still reads a store that lost one of its headers', async () => {
  for (const page of [0, 1]) {
    write(zeroed(page));
    const report = await examine(path);
    expect(report.isSound).toBe(false);
    expect(report.tables.map(({ name }) => name)).toEqual(['index', 'jobs']);
  }
});

it('reports garbage, zeros and an empty file without tables', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(50_000), Buffer.from('garbage '.repeat(9_000))]) {
    write(bytes);
    expect(await examine(path)).toMatchObject({ isSound: false, tables: [] });
  }
});

it('asks the kind of store what makes sense and what should match, on a copy', async () => {
  write(sound);
  const report = await examine(path, {
    faultOf: (table, value) => (table === 'jobs' && value.includes('"i":5,') ? 'it is a five' : undefined),
    verify: (environment) => {
      const missing = environment.table('index').keys().length - environment.table('jobs').keys().length;
      return missing === 0 ? [] : [`${missing} index entries lead nowhere`];
    },
  });
  expect(report.problems).toEqual([
    'table jobs: a record makes no sense: it is a five',
    '1 index entries lead nowhere',
  ]);
});

it('bounds the list of problems and still counts them all', async () => {
  write(sound);
  const report = await examine(path, { faultOf: () => 'refused' });
  expect(report.problems).toHaveLength(100);
  expect(report.problemsInAll).toBe(2 * jobCount);
});

it('never changes the examined folder', async () => {
  const damaged = sound.subarray(0, sound.length >> 1);
  write(damaged);
  await examine(path);
  expect(readdirSync(path)).toEqual(['data.mdb']);
  expect(readFileSync(dataFileOf(path)).equals(damaged)).toBe(true);
});

it('does not write into a store that exists', async () => {
  write(sound);
  await expect(salvage(path, path)).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
  expect(readFileSync(dataFileOf(path)).equals(sound)).toBe(true);
});

it('says when there is no store', async () => {
  await expect(examine(path)).rejects.toMatchObject({
    code: 'LTS_STORE_FAILED',
    message: expect.stringContaining(path),
  });
});

describe('of a JobTracker', () => {
  const withTask = (jobId: string, taskId: string) => aRecord({ jobId, taskId, params: `"${'x'.repeat(200)}"` });
  const stored = [
    ...Array.from({ length: 300 }, (_, i) => withTask(`J${1_000 + i}`, `task${i}`)),
    ...records(40, { state: 'succeeded', endedAt: 2_000 }, 'E'),
    ...records(3, { state: 'executing', attempt: 1, runId: 'r1', session: 's1', claimedAt: 1_000 }, 'R'),
    aSchedule({ jobId: 'S1', taskId: 'every-minute', aliases: ['S0'] }),
  ];

  async function withQueue<T>(
    store: string,
    use: (queue: LmdbJobQueue, environment: LmdbEnvironment) => Promise<T>,
  ): Promise<T> {
    const environment = await LmdbEnvironment.open({ path: store });
    const queue = new LmdbJobQueue(environment);
    await queue.open();
    try {
      return await use(queue, environment);
    } finally {
      await queue.close();
      await environment.close();
    }
  }

  beforeEach(() => withQueue(path, async (queue) => void (await queue.add(stored))));

  /** The first page, beginning at the end of the file, whose loss is a loss of bodies. */
  async function loseBodies(): Promise<number> {
    const bytes = readFileSync(dataFileOf(path));
    for (let page = bytes.length / pageBytes - 1; page > 2; page--) {
      const damaged = Buffer.from(bytes);
      damaged.fill(0, page * pageBytes, (page + 1) * pageBytes);
      write(damaged);
      const bodies = (await examine(path)).tables.find(({ name }) => name === 'bodies');
      if (bodies && bodies.records > 0 && bodies.records < bodies.recordsExpected)
        return bodies.recordsExpected - bodies.records;
    }
    throw new Error('no page of bodies was found');
  }

  it('is found sound', async () => {
    expect(await examine(path, jobStore)).toMatchObject({ isSound: true, problems: [] });
  });

  it('is salvaged with all that follows from the records', async () => {
    const report = await salvage(path, join(path, 'copy'), jobStore);
    expect(report).toMatchObject({ isSound: true, problems: [] });
    const counts = await withQueue(path, (queue) => queue.count());
    await withQueue(join(path, 'copy'), async (queue, environment) => {
      expect(verifyIndexes(environment)).toEqual([]);
      expect(await queue.get(stored.map(({ jobId }) => jobId))).toEqual(stored);
      expect((await queue.get(['S0']))[0]?.jobId).toBe('S1');
      expect(await queue.count()).toEqual(counts);
      expect(await queue.runsOf('s1')).toHaveLength(3);
    });
  });

  it('names the mismatches after a loss, and the salvaged store has none', async () => {
    const lost = await loseBodies();
    expect(lost).toBeGreaterThan(0);
    const report = await salvage(path, join(path, 'copy'), jobStore);
    expect(report.isSound).toBe(false);
    expect(report.problems.join('\n')).toMatch(/bodies, but \d+ statuses/);
    expect(readdirSync(join(path, 'copy')).sort()).toEqual(['data.mdb', 'lock.mdb']);
    await withQueue(join(path, 'copy'), async (queue, environment) => {
      expect(verifyIndexes(environment)).toEqual([]);
      const found = (await queue.get(stored.map(({ jobId }) => jobId))).filter((record) => record !== undefined);
      expect(found.length).toBeGreaterThanOrEqual(stored.length - lost);
      expect(found.length).toBeLessThan(stored.length);
    });
  });

  it('puts a job that lost its status into the quarantine of the salvaged store', async () => {
    await withQueue(path, async (_queue, environment) =>
      environment.commit(() => environment.table('statuses').remove('J1007')),
    );
    const report = await salvage(path, join(path, 'copy'), jobStore);
    expect(report.problems).toContain('job J1007 went to quarantine: its status is missing');
    await withQueue(join(path, 'copy'), async (_queue, environment) => {
      expect(environment.table('quarantine').get('J1007')).toContain('its status is missing');
      expect(verifyIndexes(environment)).toEqual([]);
    });
  });
});
