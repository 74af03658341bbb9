/** Deliveries that a client has received and whose completed handler has not ended yet: JobsTold ends the wait for it. */
import { within } from '../cluster/within.js';
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import { Deferred } from '../kit/deferred.js';
import type { Clock } from '../ports/clock.js';

export interface Flight {
  /** Jobs of it that no client has told yet, as they were sent. */
  readonly untold: Map<string, JobRecord>;
  readonly over: Deferred<void>;
}

export class Flights {
  /** A job is in one flight at a time. */
  private readonly byJob = new Map<string, Flight>();
  private isStopped = false;

  constructor(private readonly clock: Clock) {}

  /** What is told from now on counts, also what is told before `send` has returned. */
  async during<T>(records: readonly JobRecord[], send: (flight: Flight) => Promise<T>): Promise<T> {
    const untold = new Map(records.map((record) => [record.jobId, record]));
    const flight = { untold, over: new Deferred<void>() };
    for (const { jobId } of records) this.byJob.set(jobId, flight);
    try {
      return await send(flight);
    } finally {
      for (const { jobId } of records) this.byJob.delete(jobId);
    }
  }

  /** As it was sent; undefined when nobody here waits for it to be told. */
  sent(jobId: string): JobRecord | undefined {
    return this.byJob.get(jobId)?.untold.get(jobId);
  }

  told(jobIds: readonly string[]): void {
    for (const jobId of jobIds) {
      const flight = this.byJob.get(jobId);
      if (flight?.untold.delete(jobId) && flight.untold.size === 0) flight.over.resolve();
    }
  }

  /** Resolves once all jobs of the flight are told; else throws LTS_TIMEOUT after `ms`, or at the stop. */
  async landing({ untold, over }: Flight, ms: number): Promise<void> {
    if (!this.isStopped) await within(this.clock, ms, over.promise);
    if (untold.size === 0) return;
    throw new LtsError(
      'LTS_TIMEOUT',
      `${untold.size} results were received, but not told to a completed handler in time.`,
    );
  }

  /** Nobody waits any more. */
  stop(): void {
    this.isStopped = true;
    for (const { over } of this.byJob.values()) over.resolve();
  }
}
