/** The application's client: what LtsJobClient.getInstance() submits through. */
import { LtsError } from '../../errors.js';
import type { FollowOptions } from '../../job-client/follow.js';
import type { Draft } from './draft.js';
import type { Submitted } from './job-handle.js';

/** What the fluent builder needs: a JobClient has it. */
export interface BuilderClient {
  submitDrafts(drafts: readonly Draft[]): Promise<Submitted[]>;
  result(jobId: string, options?: FollowOptions): Promise<unknown>;
}

const running: BuilderClient[] = [];

/** Of an application whose client has started; the newest counts. */
export function setApplicationClient(client: BuilderClient): void {
  running.push(client);
}

/** Of an application that stops; those of others stay. */
export function clearApplicationClient(client: BuilderClient): void {
  const index = running.indexOf(client);
  if (index >= 0) running.splice(index, 1);
}

/** Throws LTS_NOT_STARTED before an application with a JobClient has started. */
export function applicationClient(): BuilderClient {
  const newest = running.at(-1);
  if (newest) return newest;
  const text =
    'No application with a JobClient runs in this process. Await LtsApplication.run first, or use new LtsJobClient(jobClient).';
  throw new LtsError('LTS_NOT_STARTED', text);
}
