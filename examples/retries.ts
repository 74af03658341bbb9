/**
 * Retries: a run that cannot do its work asks to come again, throws, or gives up. Run it with:
 *
 *   npx tsx examples/retries.ts
 */
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  type JobContext,
  LtsApplication,
  LtsError,
  Processor,
  Result,
} from 'light-task-scheduler';

@Processor('mail')
class Mail {
  async run({ job, attempt, bizLogger }: JobContext) {
    bizLogger.info(`attempt ${attempt}`);
    const { fault } = job.params;
    // EXECUTE_LATER: the server is busy, so come again; here the runner chooses when.
    if (fault === 'busy' && attempt < 3) return Result.later('the server is busy', { delay: '100ms' });
    // EXECUTE_EXCEPTION: whatever is thrown is retried too, and its stack stands in the job's log.
    if (fault === 'crash') throw new Error('the connection broke');
    // EXECUTE_FAILED: no retry would help.
    if (fault === 'address') return Result.failed('there is no such address');
    return { sentAt: attempt };
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

await using app = await LtsApplication.run(Application, {
  processors: [Mail],
  settings: { 'lts.jobtracker.configs.job.queue': 'memory', 'lts.log.level': 'warn' },
});

// Unless a job says otherwise, 10 retries, 30 seconds apart. Exponential back-off doubles the interval, with jitter, up to a cap.
const options = { maxRetryTimes: 2, retryInterval: '200ms', backoff: 'exponential', retryIntervalMax: '5m' } as const;

for (const fault of ['none', 'busy', 'crash', 'address']) {
  const job = await app.jobClient.submit(Mail, { fault }, options);
  try {
    console.log(fault, '->', await job.result());
  } catch (error) {
    if (!LtsError.is(error, 'LTS_JOB_FAILED')) throw error;
    const { status } = (await job.get()) ?? {};
    console.log(fault, '->', status?.reason, `after ${status?.attempt} attempts:`, status?.message?.split('\n')[0]);
  }
}
