/** Group commit: what shares a batch, what bounds it, and who hears of its failure. */
import { describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { Batcher, type BatcherOptions } from '../../src/kit/batcher.js';
import { Deferred } from '../../src/kit/deferred.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A batcher whose batches stay in flight until the test answers them. */
function held(options: Partial<BatcherOptions<number, string>> = {}) {
  const flights: { items: number[]; answer: Deferred<readonly string[] | undefined> }[] = [];
  const batcher = new Batcher<number, string>({
    name: 'numbers',
    batchItemsMax: 100,
    queuedItemsMax: 1_000,
    endOfTurn: turn,
    send: (items) => {
      const flight = { items, answer: new Deferred<readonly string[] | undefined>() };
      flights.push(flight);
      return flight.answer.promise;
    },
    ...options,
  });
  const land = (n: number) => flights[n]?.answer.resolve(flights[n].items.map((item) => `a${item}`));
  const batches = () => flights.map(({ items }) => items);
  return { batcher, flights, land, batches };
}

describe('Batcher', () => {
  it('items of one turn share a batch, and each caller gets its own answer', async () => {
    const { batcher, batches, land } = held();
    const answers = Promise.all([1, 2, 3].map((item) => batcher.add(item)));
    expect(batcher.isBusy).toBe(true);
    await turn();
    expect(batches()).toEqual([[1, 2, 3]]);
    land(0);
    await expect(answers).resolves.toEqual(['a1', 'a2', 'a3']);
    expect(batcher.isBusy).toBe(false);
  });

  it('what arrives while a batch is in flight forms the next one', async () => {
    const { batcher, batches, land } = held();
    const first = batcher.add(1);
    await turn();
    const later = Promise.all([batcher.add(2), batcher.add(3)]);
    await turn();
    expect(batches()).toEqual([[1]]);
    land(0);
    await first;
    await turn();
    expect(batches()).toEqual([[1], [2, 3]]);
    land(1);
    await expect(later).resolves.toEqual(['a2', 'a3']);
  });

  it('never more flights than allowed', async () => {
    const { batcher, flights, land } = held({ batchItemsMax: 1, flightsMax: 3 });
    const all = Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item)));
    for (let i = 0; i < 10; i++) await turn();
    expect(flights).toHaveLength(3);
    for (let n = 0; n < 5; n++) {
      land(n);
      for (let i = 0; i < 5; i++) await turn();
    }
    await expect(all).resolves.toHaveLength(5);
  });

  it('a batch closes at the count and at the size, but holds one item however large', async () => {
    const byCount = held({ batchItemsMax: 2 });
    const bySize = held({ batchSizeMax: 10, sizeOf: (item) => item });
    for (const item of [1, 2, 3]) void byCount.batcher.add(item);
    for (const item of [4, 6, 99, 1]) void bySize.batcher.add(item);
    for (let n = 0; n < 4; n++) {
      await turn();
      byCount.land(n);
      bySize.land(n);
      await turn();
    }
    expect(byCount.batches()).toEqual([[1, 2], [3]]);
    expect(bySize.batches()).toEqual([[4, 6], [99], [1]]);
  });

  it('a failure settles the items of its batch only', async () => {
    const { batcher, flights, land } = held({ batchItemsMax: 1 });
    const first = batcher.add(1);
    const second = batcher.add(2);
    await turn();
    flights[0]?.answer.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await turn();
    land(1);
    await expect(second).resolves.toBe('a2');
    expect(batcher.isBusy).toBe(false);
  });

  it('a full queue refuses with LTS_BUSY and takes again when it has room', async () => {
    const { batcher, land } = held({ queuedItemsMax: 2 });
    const kept = Promise.all([batcher.add(1), batcher.add(2)]);
    const refused = await batcher.add(3).catch((error: unknown) => error);
    expect(LtsError.is(refused, 'LTS_BUSY')).toBe(true);
    expect((refused as Error).message).toBe('numbers: 2 items are waiting, which is the bound. Try again in a second.');
    await turn();
    const fourth = batcher.add(4);
    land(0);
    await kept;
    await turn();
    land(1);
    await expect(fourth).resolves.toBe('a4');
  });

  it('no answers at all settle everybody', async () => {
    const { batcher, flights } = held();
    const both = Promise.all([batcher.add(1), batcher.add(2)]);
    await turn();
    flights[0]?.answer.resolve(undefined);
    await expect(both).resolves.toEqual([undefined, undefined]);
  });
});
