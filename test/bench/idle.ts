/** What a cluster without work costs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Stretch } from './measure.js';
import { startNodes } from './nodes.js';

export interface IdleCost {
  readonly seconds: number;
  readonly keyOps: number;
  readonly commits: number;
  readonly messages: number;
  /** Of one processor. */
  readonly cpuPercent: number;
}

/** The looks into the store with which a start ends are over by then. */
const settledAfterMs = 2_000;

/** Real waits: what an idle process does by itself is what is measured. */
export async function measureIdle(dataPath: string, seconds: number): Promise<IdleCost> {
  const { watch, startWorker, stop } = await startNodes(dataPath);
  const worker = await startWorker(64);
  await sleep(settledAfterMs);
  const stretch = new Stretch(watch);
  await sleep(seconds * 1_000);
  const { cpuMicros, wallMs, keyOps, commits, messages } = stretch.end();
  await worker.stop();
  await stop();
  return { seconds, keyOps, commits, messages, cpuPercent: cpuMicros / wallMs / 10 };
}
