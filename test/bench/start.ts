/** What the embedded shape costs from the start of its process to the end of its first job. */
import { JobClient, JobTracker, TaskTracker } from '../../src/index.js';

export interface StartCost {
  /** CPU of the whole process, Node's own start included. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** To be run in a new process, from compiled sources, on an empty data path. */
export async function measureStart(dataPath: string): Promise<StartCost> {
  const place = { dataPath, log: { debug() {}, info() {}, warn: console.error, error: console.error } };
  const tracker = await new JobTracker(place).start();
  const worker = await new TaskTracker({ ...place, jobRunner: () => 'done' }).start();
  const client = await new JobClient(place).start();
  const { jobId } = await client.submitJob({});
  await client.result(jobId);
  const { user, system } = process.cpuUsage();
  const wallMs = performance.now();
  await worker.stop();
  await client.stop();
  await tracker.stop();
  return { cpuMs: (user + system) / 1_000, wallMs };
}
