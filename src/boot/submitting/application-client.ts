/** The application's client: what LtsJobClient.getInstance() submits through. */
import { LtsError } from '../../errors.js';
import type { FollowOptions } from '../../job-client/follow.js';
import type { SubmitOptions } from '../../job-client/submit.js';
import type { Draft } from './draft.js';
import type { Response } from './response.js';

/** What the fluent builder needs: a JobClient has it. */
export interface BuilderClient {
  submitDrafts(drafts: readonly Draft[], options?: SubmitOptions): Promise<Response[]>;
  result(jobId: string, options?: FollowOptions): Promise<unknown>;
}

let current: BuilderClient | undefined;

/** Of an application whose client has started; the newest counts. */
export function setApplicationClient(client: BuilderClient): void {
  current = client;
}

/** Of an application that stops; another's client stays. */
export function clearApplicationClient(client: BuilderClient): void {
  if (current === client) current = undefined;
}

/** Throws LTS_NOT_STARTED before an application with a JobClient has started. */
export function applicationClient(): BuilderClient {
  if (current) return current;
  const text =
    'No application with a JobClient runs in this process. Await LtsApplication.run first, or use new LtsJobClient(jobClient).';
  throw new LtsError('LTS_NOT_STARTED', text);
}
