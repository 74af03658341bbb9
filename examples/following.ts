/**
 * Following a job: its states, progress and log lines as they come; stopping it; and asking why it does not run. Run it with:
 *
 *   npx tsx examples/following.ts
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  type JobContext,
  LtsApplication,
  LtsError,
  Processor,
} from 'light-task-scheduler';

@Processor()
class Export {
  async run({ job, signal, bizLogger, progress }: JobContext<{ pages: number }>) {
    for (let page = 1; page <= job.params.pages; page++) {
      // The signal fires when the run should stop: cancelled, timeout, lease-lost or shutdown. Whoever takes a signal gets it.
      await sleep(50, undefined, { signal });
      bizLogger.info(`page ${page}`);
      progress((100 * page) / job.params.pages, `page ${page}`);
    }
    return { pages: job.params.pages };
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

await using app = await LtsApplication.run(Application, {
  processors: [Export],
  settings: { 'lts.jobtracker.configs.job.queue': 'memory', 'lts.log.level': 'warn' },
});

const short = await app.jobClient.submit(Export, { pages: 3 });
for await (const event of short.events()) {
  if (event.kind === 'state') console.log('state   ', event.job.status.state);
  if (event.kind === 'progress') console.log('progress', `${Math.round(event.percent)} %`, event.text);
  if (event.kind === 'log') console.log('log     ', event.line.text);
}
console.log('result  ', await short.result());

const long = await app.jobClient.submit(Export, { pages: 1_000 });
for await (const event of long.events()) if (event.kind === 'progress') break;
// The receipt says what was reached: the run was told, it acknowledged, or the job had ended before.
console.log('cancel  ', (await long.cancel()).receipt);
try {
  // Every wait has a deadline (here 10 seconds, else 5 minutes) and takes an AbortSignal.
  await long.result({ timeout: '10s' });
} catch (error) {
  if (!LtsError.is(error, 'LTS_JOB_FAILED')) throw error;
  console.log('ended   ', (await long.get())?.status.state);
}

// A job that does not run has one primary reason, with the numbers behind it.
const later = await app.jobClient.submit(Export, { pages: 1 }, { delay: '1h' });
const { code, text } = await later.explain();
console.log('explain ', code, '-', text);
