/** Which jobs are there, for what goes with its job. */
import { isJobId } from '../../job/validate.js';
import type { JobQueue } from '../../ports/job-queue.js';

/** Those of the jobIds that a record has as its own; one read of the store for all of them. */
export async function storedAmong(queue: JobQueue, jobIds: readonly string[]): Promise<ReadonlySet<string>> {
  const asked = jobIds.filter(isJobId);
  const found = asked.length === 0 ? [] : await queue.get(asked);
  return new Set(found.flatMap((record) => record?.jobId ?? []));
}
