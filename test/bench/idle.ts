/** What a cluster without work costs. */
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

/** A real wait: what an idle process does by itself is what is measured. */
export async function measureIdle(dataPath: string, seconds: number): Promise<IdleCost> {
  const { watch, startWorker, stop } = await startNodes(dataPath);
  const worker = await startWorker(64);
  const stretch = new Stretch(watch);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const { cpuMicros, wallMs, keyOps, commits, messages } = stretch.end();
  await worker.stop();
  await stop();
  return { seconds, keyOps, commits, messages, cpuPercent: cpuMicros / wallMs / 10 };
}
