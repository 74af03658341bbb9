import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DataPathOwner } from '../../../src/adapters/lmdb/owner.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs')>();
  return { ...original, statfsSync: vi.fn(original.statfsSync) };
});

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lts-network-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const clock = new SystemClock();
const take = () => DataPathOwner.take({ path, clock, ids: new SystemIds(clock) });

it.runIf(process.platform === 'linux').each([
  ['NFS', 0x6969],
  ['CIFS', 0xff534d42],
  // Some kernels give the type as a signed number.
  ['SMB2', 0xfe534d42 - 2 ** 32],
])('refuses a data path on %s in so many words and leaves nothing there', async (name, type) => {
  vi.mocked(statfsSync).mockReturnValueOnce({ type } as ReturnType<typeof statfsSync>);
  await expect(take()).rejects.toMatchObject({
    code: 'LTS_CONFIG_INVALID',
    message: expect.stringContaining(`network file system (${name})`),
  });
  expect(readdirSync(path)).toEqual([]);
});

it('takes a local disk', async () => {
  await (await take()).release();
});
