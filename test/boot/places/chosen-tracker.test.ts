/** A node's choice follows the registry from its start to its stop. */
import { expect, it, vi } from 'vitest';
import { MemoryFailStore } from '../../../src/adapters/memory/memory-fail-store.js';
import { MemoryRegistry } from '../../../src/adapters/memory/memory-registry.js';
import { MemoryNetwork } from '../../../src/adapters/memory/memory-transport.js';
import { choosing } from '../../../src/boot/places/chosen-tracker.js';
import type { NodePlace } from '../../../src/boot/places/node-place.js';
import { clock } from '../../../src/boot/system-ports.js';
import type { LoadBalance } from '../../../src/cluster/tracker-choice.js';
import { LtsError } from '../../../src/errors.js';
import type { NodeInfo } from '../../../src/ports/registry.js';
import { subjectsOf } from '../../../src/protocol/subjects.js';

const subjects = subjectsOf('c');
const node = (type: NodeInfo['type'], identity: string, startedAt: number): NodeInfo => ({
  ...{ type, identity, startedAt },
  nodeGroup: 'g',
});

function aWorld() {
  const network = new MemoryNetwork(clock);
  const registry = new MemoryRegistry();
  const warned: string[] = [];
  const leaves: string[] = [];
  const log = { debug() {}, info() {}, warn: (_: object, text: string) => void warned.push(text), error() {} };
  const place: NodePlace = {
    ...{ type: 'JOB_CLIENT', cluster: 'c', identity: 'client', startedAt: 0, log, registry },
    giveUp: () => {},
    transport: network.transport(),
    failStore: new MemoryFailStore(),
    openStores: () => Promise.reject(new Error('not asked')),
    ready: async () => {},
    leaveBy: () => {},
    leave: async () => void leaves.push('left'),
  };
  const startTracker = async (identity: string, startedAt: number) => {
    const transport = network.transport();
    transport.subscribe(subjects.tracker, async () => `${identity} as any`, { queue: 'tracker' });
    transport.subscribe(subjects.trackerOf(identity), async () => identity);
    await registry.join(node('JOB_TRACKER', identity, startedAt));
    return async () => {
      await registry.leave(identity);
      await transport.close();
    };
  };
  const ask = ({ transport }: NodePlace, deadlineMs = 1_000) =>
    transport.request(subjects.tracker, { kind: 'CountJobs', body: {} }, { deadlineMs });
  return { place, registry, startTracker, ask, warned, leaves };
}

it.each([{}, { loadBalance: 'random' }] as const)(
  'by %j nothing is looked up until a tracker hangs',
  async (options) => {
    const { place, registry, startTracker, ask } = aWorld();
    const list = vi.spyOn(registry, 'list');
    const watch = vi.spyOn(registry, 'watch');
    const chosen = await choosing(place, options);
    place.transport.subscribe(subjects.tracker, () => new Promise(() => undefined), { queue: 'tracker' });
    expect(list).not.toHaveBeenCalled();
    const silent = expect(ask(chosen, 20)).rejects.toMatchObject({ code: 'LTS_TIMEOUT' });
    await startTracker('t1', 1);
    await silent;
    await clock.endOfTurn();
    expect([await ask(chosen), await ask(chosen)]).toEqual(['t1', 't1']);
    expect(watch).not.toHaveBeenCalled();
  },
);

it('knows the trackers of the start, and those that come and go', async () => {
  const { place, startTracker, ask, leaves } = aWorld();
  const stopFirst = await startTracker('t1', 1);
  await startTracker('t2', 2);
  const chosen = await choosing(place, { loadBalance: 'master-slave' });
  expect(await ask(chosen)).toBe('t1');
  await startTracker('t0', 0);
  await clock.endOfTurn();
  expect(await ask(chosen)).toBe('t0');
  await stopFirst();
  expect(await ask(chosen)).toBe('t0');
  await chosen.leave();
  expect(leaves).toEqual(['left']);
  await startTracker('t-older', -1);
  await clock.endOfTurn();
  expect(await ask(chosen)).toBe('t0');
});

it.each(['round-robin', 'consistent-hash', 'master-slave'] satisfies LoadBalance[])(
  '%s: one that started before any tracker asks any, and then the first that comes',
  async (loadBalance) => {
    const { place, startTracker, ask } = aWorld();
    const chosen = await choosing(place, { loadBalance });
    await expect(ask(chosen)).rejects.toThrow(LtsError);
    await startTracker('t1', 1);
    await clock.endOfTurn();
    expect(await ask(chosen)).toBe('t1');
  },
);

it('a registry that does not answer is said once, and any tracker is asked', async () => {
  const { place, registry, startTracker, ask, warned } = aWorld();
  await startTracker('t1', 1);
  registry.list = () => Promise.reject(new LtsError('LTS_TIMEOUT', 'silent'));
  const chosen = await choosing(place, { loadBalance: 'consistent-hash' });
  expect(await ask(chosen)).toBe('t1 as any');
  expect(warned).toHaveLength(1);
});
