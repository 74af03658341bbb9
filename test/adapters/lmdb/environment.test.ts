/** Group commit: shared transactions, refusals that hit one caller only, abandoned transactions, bounds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LmdbEnvironment } from '../../../src/adapters/lmdb/environment.js';
import type { LmdbTable } from '../../../src/adapters/lmdb/table.js';
import { LtsError } from '../../../src/errors.js';

let path: string;
let environment: LmdbEnvironment;
let table: LmdbTable;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'lts-environment-'));
  environment = await LmdbEnvironment.open({ path, queuedOperationsMax: 100 });
  table = environment.table('t');
});
afterEach(async () => {
  await environment.close();
  await rm(path, { recursive: true });
});

const statuses = (outcomes: PromiseSettledResult<unknown>[]): string[] => outcomes.map((outcome) => outcome.status);

describe('commit', () => {
  it('runs what arrived meanwhile in one transaction, in order, and counts', async () => {
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => environment.commit(() => table.put(`k${order.push(i)}`, '1'))),
    );
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(environment.counters).toEqual({ commits: 1, puts: 50, deletes: 0, gets: 0 });
  });

  it('is read back at once, also after reopening', async () => {
    await environment.commit(() => table.put('k', 'v'));
    expect([table.get('k'), table.size]).toEqual(['v', 1]);
    await environment.close();
    environment = await LmdbEnvironment.open({ path });
    expect(environment.table('t').get('k')).toBe('v');
  });

  it('shows no write of a transaction in flight to readers outside', async () => {
    let inside: string | undefined;
    const written = environment.commit(() => {
      table.put('k', 'v');
      inside = table.get('k');
    });
    expect(table.get('k')).toBeUndefined();
    await written;
    expect([inside, table.get('k')]).toEqual(['v', 'v']);
  });

  it('rejects only the operation that throws before it writes', async () => {
    const refusal = new LtsError('LTS_STATE_CONFLICT', 'no');
    const outcomes = await Promise.allSettled([
      environment.commit(() => table.put('a', '1')),
      environment.commit(() => {
        throw refusal;
      }),
      environment.commit(() => table.put('b', '1')),
    ]);
    expect(statuses(outcomes)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: refusal });
    expect(table.keys()).toEqual(['a', 'b']);
  });

  it('abandons the whole transaction when one throws half-way, and goes on with the next', async () => {
    let reloads = 0;
    environment.join({ flush: () => {}, reload: () => reloads++ });
    const outcomes = await Promise.allSettled([
      environment.commit(() => table.put('a', '1')),
      environment.commit(() => {
        table.put('b', '1');
        throw new LtsError('LTS_JOB_INVALID', 'half-way');
      }),
      environment.commit(() => table.put('c', '1')),
    ]);
    expect(statuses(outcomes)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(outcomes[0]).toMatchObject({ reason: { code: 'LTS_STORE_FAILED' } });
    expect([reloads, table.keys()]).toEqual([1, ['c']]);
  });

  it('lets what is staged be written last, and abandons when that fails', async () => {
    const leave = environment.join({ flush: () => table.put('staged', '1'), reload: () => {} });
    await environment.commit(() => table.put('a', '1'));
    leave();
    const leaveBroken = environment.join({
      flush: () => {
        throw new Error('broken');
      },
      reload: () => {},
    });
    await expect(environment.commit(() => table.put('b', '1'))).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
    leaveBroken();
    expect(table.keys()).toEqual(['a', 'staged']);
  });

  it('refuses when too many operations wait', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 130 }, () => environment.commit(() => 1)));
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(rejected).toHaveLength(30);
    expect(rejected[0]).toMatchObject({ reason: { code: 'LTS_BUSY', isRetryable: true } });
    expect(await environment.commit(() => 2)).toBe(2);
  });

  it('settles what is queued before it closes, and refuses what comes later', async () => {
    const last = environment.commit(() => table.put('k', 'v'));
    const closed = environment.close();
    await expect(environment.commit(() => 1)).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
    await Promise.all([last, closed]);
  });
});

describe('a table', () => {
  it('is written inside a commit only', () => {
    expect(() => table.put('k', 'v')).toThrow('written outside a commit');
  });

  it('keeps any text, and keys in order', async () => {
    const texts = { empty: '{}', script: 'grüß 你好 👍', long: 'ü'.repeat(300_000) };
    await environment.commit(() => {
      for (const [key, text] of Object.entries(texts)) table.put([key, 1], text);
      for (const part of ['', 'a', 'a\u0000', 'ab', -1, 3.5, 1e12]) table.put(['order', part, 'x'], '1');
    });
    for (const [key, text] of Object.entries(texts)) expect(table.get([key, 1])).toBe(text);
    const order = table.keys({ start: ['order'], end: ['order', '\u{10ffff}'] });
    expect(order.map((key) => (key as unknown[])[1])).toEqual([-1, 3.5, 1e12, '', 'a', 'a\u0000', 'ab']);
  });

  it('puts a new key once', async () => {
    expect(await environment.commit(() => [table.putNew('k', '1'), table.putNew('k', '2'), table.remove('x')])).toEqual(
      [true, false, false],
    );
    expect(table.get('k')).toBe('1');
  });
});
