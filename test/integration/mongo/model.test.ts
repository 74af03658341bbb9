/** Random verbs on the model and on MongoDB, with a second tracker's pool in between, give equal answers. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryJobQueue } from '../../../src/adapters/memory/memory-job-queue.js';
import { plainAnswer, type Step, steps } from '../../conformance/random-verbs.js';
import { type MongoPlace, withMongo } from './mongo-place.js';

async function runSteps(place: MongoPlace, steps: readonly Step[]): Promise<void> {
  const model = new MemoryJobQueue();
  const pool = await place.queue();
  try {
    for (const { name, verb } of steps) {
      if (name === 'reopen') await Promise.all([model.open(), pool.queue.close().then(() => pool.queue.open())]);
      expect(plainAnswer(await verb(pool.queue)), name).toEqual(plainAnswer(await verb(model)));
    }
  } finally {
    await place.end(pool);
  }
}

withMongo('the model', (place) => {
  it('MongoDB answers every sequence of verbs as the model does', { timeout: 120_000 }, async () => {
    const numRuns = Number(process.env.LTS_MODEL_RUNS ?? 40);
    const seed = process.env.LTS_SEED ? { seed: Number(process.env.LTS_SEED) } : {};
    const property = fc.asyncProperty(steps, (some) => runSteps(place, some));
    await fc.assert(property, { numRuns, ...seed });
  });
});
