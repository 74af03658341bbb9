/** What a user can do at a client, whatever the client is made of. */
import type { Job, JobRecord } from '../../src/job/job.js';
import type { JobEdit } from '../../src/protocol/messages.js';

interface Controlled {
  readonly receipt?: string | undefined;
  readonly job?: JobRecord | undefined;
}

export interface User {
  submit(
    job: Job,
  ): Promise<{ readonly code: string; readonly jobId?: string | undefined; readonly msg?: string | undefined }>;
  cancel(jobId: string): Promise<Controlled>;
  suspend(jobId: string): Promise<Controlled>;
  resume(jobId: string): Promise<Controlled>;
  trigger(jobId: string, requestId: string): Promise<Controlled>;
  edit(jobId: string, edit: JobEdit): Promise<Controlled>;
  get(jobId: string): Promise<Controlled>;
}
