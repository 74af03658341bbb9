/**
 * Jobs that run again and again: by cron expression, every so often, or some time after the last run ended. Run it with:
 *
 *   npx tsx examples/cron-and-repeat.ts
 */
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  type JobContext,
  LtsApplication,
  LtsJobClient,
  Processor,
  preview,
} from 'light-task-scheduler';

const seen = new Map<string, number>();

@Processor()
class Report {
  run({ job, repeatedCount }: JobContext): void {
    const { name } = job.params;
    console.log(`${name}: run ${repeatedCount}`);
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (enough()) ended();
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

let ended = () => {};
const end = new Promise<void>((resolve) => {
  ended = resolve;
});
const enough = () =>
  seen.get('every 200 ms') === 3 && ['by cron', 'after a pause'].every((name) => (seen.get(name) ?? 0) >= 2);

await using app = await LtsApplication.run(Application, {
  processors: [Report],
  settings: { 'lts.jobtracker.configs.job.queue': 'memory', 'lts.log.level': 'warn' },
});
const report = LtsJobClient.getInstance().processor(Report);

// Quartz expressions (6 or 7 fields) and unix ones (5). What is due while no tracker lives is made good once, by default.
await report.taskId('cron').setParam('name', 'by cron').cron('*/1 * * * * ?', { timeZone: 'Europe/Berlin' }).submit();
// Three runs in all; -1 would be endless. The next one waits for the end of the one before, unless relyOnPrevCycle(false) is said.
await report.setParam('name', 'every 200 ms').repeat({ interval: '200ms', count: 3 }).submit();
// Counted from the end of the last run.
await report.taskId('pause').setParam('name', 'after a pause').fixedDelay('300ms').submit();

await end;
// A schedule is one job with a taskId: it is found, suspended, resumed, changed and cancelled by it.
await app.jobClient.cancelJob('cron', 'lts');
await app.jobClient.cancelJob('pause', 'lts');

// In the night of the clock change, 02:30 does not exist in Berlin: it fires at 03:00.
const before = Date.parse('2027-03-27T12:00:00Z');
for (const at of preview('0 30 2 * * ?', 'Europe/Berlin', { count: 3, afterMs: before })) {
  console.log('the clock change:', new Date(at).toLocaleString('en-GB', { timeZone: 'Europe/Berlin' }));
}
