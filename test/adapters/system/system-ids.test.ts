import { expect, it } from 'vitest';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import type { Clock } from '../../../src/ports/clock.js';

function idsAt(time: { ms: number }): SystemIds {
  const clock: Clock = { wallMs: () => time.ms, monoMs: () => 0, sleep: async () => {}, endOfTurn: async () => {} };
  return new SystemIds(clock);
}

/** The time of an id, read back by the definition of Crockford's base 32. */
function timeOf(id: string): number {
  return [...id.slice(0, 10)].reduce((ms, digit) => ms * 32 + '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(digit), 0);
}

it('makes ids of 26 characters that tell their time', () => {
  for (const ms of [0, 1, 31, 32, 1_700_000_000_000, 2 ** 30 - 1, 2 ** 30, 2 ** 40 + 12_345, 2 ** 48 - 1]) {
    const id = idsAt({ ms }).jobId();
    expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(timeOf(id)).toBe(ms);
  }
});

it('rises strictly within one millisecond, over many of them, and while the clock goes back', () => {
  const time = { ms: 1_700_000_000_000 };
  const ids = idsAt(time);
  let before = '';
  for (let i = 0; i < 300_000; i++) {
    if (i % 50_000 === 0) time.ms += [1, -5_000, 1, 3, -1, 7_000][i / 50_000] ?? 0;
    const id = ids.jobId();
    if (id <= before) throw new Error(`${id} does not follow ${before}`);
    before = id;
  }
  expect(before).toHaveLength(26);
});

it('never makes the ids of another process in the same millisecond', () => {
  const time = { ms: 1_700_000_000_000 };
  const made = new Set<string>();
  for (let process = 0; process < 200; process++) {
    const ids = idsAt(time);
    for (let i = 0; i < 200; i++) made.add(ids.jobId());
  }
  expect(made.size).toBe(200 * 200);
});

it('makes 128 random bits as hex, also beyond its pool of random bytes', () => {
  const ids = new SystemIds(new SystemClock());
  const made = Array.from({ length: 5_000 }, () => ids.random());
  expect(new Set(made).size).toBe(5_000);
  expect(made.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
});
