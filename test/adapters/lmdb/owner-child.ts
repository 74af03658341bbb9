/** A process that wants the data path of its argument: says when it is ready, waits for the instant that it is told, tells what it got, stays. */
import { DataPathOwner } from '../../../src/adapters/lmdb/owner.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';

const clock = new SystemClock();
const path = process.argv[2] as string;

async function take(): Promise<void> {
  try {
    await DataPathOwner.take({ path, clock, ids: new SystemIds(clock) });
    process.send?.({ text: 'owner' });
  } catch (error) {
    process.send?.({ text: (error as Error).message, code: (error as { code?: string }).code });
  }
}

process.on('message', (startAt: number) => {
  // A timer would spread the rivals over milliseconds; the race lasts some hundred microseconds.
  while (Date.now() < startAt);
  void take();
});
process.send?.({ text: 'ready' });
