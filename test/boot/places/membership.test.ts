/** What a master change listener hears of its group. */
import { expect, it } from 'vitest';
import { MemoryRegistry } from '../../../src/adapters/memory/memory-registry.js';
import { Membership } from '../../../src/boot/places/membership.js';
import { clock } from '../../../src/boot/system-ports.js';
import type { NodeInfo } from '../../../src/ports/registry.js';

const tracker = (identity: string, startedAt: number): NodeInfo => ({
  ...{ type: 'JOB_TRACKER', identity, startedAt },
  nodeGroup: 'g',
});

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await clock.endOfTurn();
}

it('a listener that hangs or throws hears of every later master', async () => {
  const registry = new MemoryRegistry();
  const [first, second] = [registry.node(), registry.node()];
  await first.join(tracker('t1', 1));
  await second.join(tracker('t2', 2));
  const heard: string[] = [];
  const errors: unknown[] = [];
  const masterChangeListener = (master: NodeInfo, isMaster: boolean) => {
    heard.push(`${master.identity} ${isMaster}`);
    if (master.identity === 't2') throw new Error('broken');
    return new Promise(() => {});
  };
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void errors.push(fields) };
  const place = { registry: registry.node(), log, giveUp: () => {} };
  const membership = new Membership(place, tracker('own', 3), { masterChangeListener });
  await membership.join();
  await settled();
  await first.leave('t1');
  await settled();
  await second.leave('t2');
  await settled();
  expect(heard).toEqual(['t1 false', 't2 false', 'own true']);
  expect(errors).toEqual([{ error: new Error('broken') }]);
  await membership.leave();
});
