import { expect, it } from 'vitest';
import { MemoryRegistry } from '../../../src/adapters/memory/memory-registry.js';
import type { NodeInfo } from '../../../src/ports/registry.js';

const tracker = (identity: string, startedAt: number): NodeInfo => ({
  type: 'JOB_TRACKER',
  nodeGroup: 'g',
  identity,
  startedAt,
});

it('makes the oldest member the master, and among equally old ones the first by name', async () => {
  const registry = new MemoryRegistry();
  for (const node of [tracker('d', 3), tracker('c', 2), tracker('b', 2), tracker('a', 9)]) await registry.join(node);
  const masters: (string | undefined)[] = [];
  for (
    let master = await registry.master('JOB_TRACKER', 'g');
    master;
    master = await registry.master('JOB_TRACKER', 'g')
  ) {
    masters.push(master.identity);
    await registry.leave(master.identity);
  }
  expect(masters).toEqual(['b', 'c', 'd', 'a']);
});

it('tells a node that joined again as come and gone', async () => {
  const registry = new MemoryRegistry();
  await registry.join(tracker('a', 1));
  const changes: unknown[] = [];
  const end = registry.watch((change) => changes.push(change));
  await registry.join(tracker('a', 2));
  await Promise.resolve();
  expect(changes).toEqual([{ added: [tracker('a', 2)], removed: [tracker('a', 1)] }]);
  end();
});
