/** The job store of a test cluster together with what it holds, to be read at any moment without time passing. */
import type { JobRecord } from '../../job/job.js';
import type { AddOutcome, ClaimOutcome, JobQueue } from '../../ports/job-queue.js';

export class WatchedJobs {
  private readonly records = new Map<string, JobRecord>();
  readonly queue: JobQueue;

  constructor(inner: JobQueue) {
    this.queue = this.watched(inner);
  }

  /** As stored now; also found by the jobId of a submission that replaced the job. */
  get(jobId: string): JobRecord | undefined {
    return this.records.get(jobId) ?? this.all().find(({ status }) => status.aliases?.includes(jobId));
  }

  /** In the order in which they were stored. */
  all(): JobRecord[] {
    return [...this.records.values()];
  }

  private watched(inner: JobQueue): JobQueue {
    const looks: Record<string, (answer: never) => void> = {
      add: (outcomes: readonly AddOutcome[]) =>
        this.keep(outcomes.filter(({ kind }) => kind === 'added').map(({ record }) => record)),
      claim: ({ claimed, expired }: ClaimOutcome) => this.keep([...claimed, ...expired]),
      update: (records: readonly (JobRecord | undefined)[]) =>
        this.keep(records.filter((record) => record !== undefined)),
      purge: (jobIds: readonly string[]) => {
        for (const jobId of jobIds) this.records.delete(jobId);
      },
    };
    return new Proxy(inner, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...values: unknown[]) => {
          const answer: unknown = await method.apply(target, values);
          looks[String(name)]?.(answer as never);
          return answer;
        };
      },
    });
  }

  private keep(records: readonly JobRecord[]): void {
    for (const record of records) this.records.set(record.jobId, record);
  }
}
