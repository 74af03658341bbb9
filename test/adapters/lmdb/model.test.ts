/** Random verbs on the model and on LMDB, with close and reopen in between, give equal answers and leave sound indexes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { verifyIndexes } from '../../../src/adapters/lmdb/jobs/verify-indexes.js';
import { MemoryJobQueue } from '../../../src/adapters/memory/memory-job-queue.js';
import { plainAnswer, type Step, steps } from '../../conformance/random-verbs.js';
import { TempStore } from './temp-store.js';

async function runSteps(steps: readonly Step[]): Promise<void> {
  const model = new MemoryJobQueue();
  const store = await TempStore.open();
  try {
    for (const { name, verb } of steps) {
      if (name === 'reopen') {
        await model.open();
        await store.reopen();
      }
      expect(plainAnswer(await verb(store.queue)), name).toEqual(plainAnswer(await verb(model)));
      expect(verifyIndexes(store.environment), name).toEqual([]);
    }
  } finally {
    await store.end();
  }
}

it('LMDB answers every sequence of verbs as the model does', { timeout: 120_000 }, async () => {
  const numRuns = Number(process.env.LTS_MODEL_RUNS ?? 60);
  const seed = process.env.LTS_SEED ? { seed: Number(process.env.LTS_SEED) } : {};
  await fc.assert(fc.asyncProperty(steps, runSteps), { numRuns, ...seed });
});
