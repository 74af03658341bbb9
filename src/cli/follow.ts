/** Follows one job until it ended, Ctrl-C, the end of its time, or the end of the application. */
import { LtsError } from '../errors.js';
import type { JobEvent } from '../job-client/follow.js';
import { exitCodes, WaitEnded } from './exit-codes.js';
import type { Jobs } from './tracker.js';

/**
 * The events of a job. Throws WaitEnded on Ctrl-C or SIGTERM and when `within` is over, LTS_NO_TRACKER when the application is
 * gone; the job itself goes on.
 */
export async function* follow(
  jobs: Jobs,
  { jobId, within }: { jobId: string; within: string },
): AsyncGenerator<JobEvent, void, void> {
  const interruption = new AbortController();
  const onSignal = () => interruption.abort(jobId);
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const signal = AbortSignal.any([interruption.signal, jobs.lost]);
    yield* jobs.client.events(jobId, { timeout: within, signal });
  } catch (error) {
    if (LtsError.is(error, 'LTS_TIMEOUT')) throw new WaitEnded(exitCodes.notNow, error.message);
    if (!LtsError.is(error, 'LTS_ABORTED')) throw error;
    if (interruption.signal.aborted) throw new WaitEnded(exitCodes.interrupted, `Interrupted; job ${jobId} goes on.`);
    const text = `The application on ${jobs.dataPath} (process ${jobs.pid}) ended; job ${jobId} goes on when it is started again.`;
    throw new LtsError('LTS_NO_TRACKER', text, { cause: error });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
