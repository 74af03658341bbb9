/** A context for runners that are called without a worker. */
import { JobContext, RunningJob } from '../../../src/job/context.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export function madeUpContext(params: Record<string, unknown> = {}): JobContext {
  return new JobContext({
    job: new RunningJob('J1', undefined, params, 100),
    nodeGroup: 'lts',
    runId: 'R1',
    attempt: 1,
    retryTimes: 0,
    slot: undefined,
    scheduledFor: new Date(0),
    bizLogger: () => silent,
    signal: () => new AbortController().signal,
    reportProgress: () => {},
  });
}
