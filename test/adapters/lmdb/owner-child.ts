/**
 * A process that wants the data path of its argument: says when it is ready, waits for the instant that it is told, tells what it got,
 * stays; or takes and frees the path for three seconds, `again and again`.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataPathOwner } from '../../../src/adapters/lmdb/owner.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';

const clock = new SystemClock();
const ids = new SystemIds(clock);
const [path = '', manner] = process.argv.slice(2);
const mark = join(path, 'held');

async function take(): Promise<void> {
  try {
    await DataPathOwner.take({ path, clock, ids });
    process.send?.({ text: 'owner' });
  } catch (error) {
    process.send?.({ text: (error as Error).message, code: (error as { code?: string }).code });
  }
}

/** Tells how often it had the path, and what was neither that nor a refusal. */
async function takeAgainAndAgain(untilMs: number): Promise<void> {
  const told = { times: 0, others: [] as string[] };
  while (Date.now() < untilMs) {
    try {
      const owner = await DataPathOwner.take({ path, clock, ids });
      // Throws while another one holds the path.
      closeSync(openSync(mark, 'wx'));
      await clock.sleep(Math.random() * 3);
      rmSync(mark);
      await owner.release();
      told.times++;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'LTS_DATA_PATH_IN_USE') told.others.push(message);
    }
  }
  process.send?.({ text: JSON.stringify(told) });
}

process.on('message', (startAt: number) => {
  // A timer would spread the rivals over milliseconds; the race lasts some hundred microseconds.
  while (Date.now() < startAt);
  void (manner === 'once' ? take() : takeAgainAndAgain(startAt + 3_000));
});
process.send?.({ text: 'ready' });
