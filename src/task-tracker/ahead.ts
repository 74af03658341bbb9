/** Jobs that were received and wait for a slot, in the order of their coming; none of them waits long. */
import type { JobRecord } from '../job/job.js';

interface Waiting {
  readonly job: JobRecord;
  readonly sinceMono: number;
}

export class Ahead {
  /** By jobId and runId; a Map keeps the order and takes from anywhere. */
  private readonly waiting = new Map<string, Waiting>();

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  add(job: JobRecord, sinceMono: number): void {
    this.waiting.set(keyOf(job.jobId, job.status.runId), { job, sinceMono });
  }

  /** The one that came first. */
  next(): JobRecord | undefined {
    for (const [key, { job }] of this.waiting) {
      this.waiting.delete(key);
      return job;
    }
    return undefined;
  }

  take(jobId: string, runId: string): JobRecord[] {
    const key = keyOf(jobId, runId);
    const found = this.waiting.get(key);
    this.waiting.delete(key);
    return found ? [found.job] : [];
  }

  /** Those that came before this instant. */
  takeOlder(beforeMono: number): JobRecord[] {
    const older: JobRecord[] = [];
    for (const [key, { job, sinceMono }] of this.waiting) {
      if (sinceMono >= beforeMono) break;
      this.waiting.delete(key);
      older.push(job);
    }
    return older;
  }
}

const keyOf = (jobId: string, runId: string | undefined): string => `${runId}/${jobId}`;
