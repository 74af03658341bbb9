/**
 * One application process with all three roles on a data path; the parent kills it and starts it again.
 * It writes a line for each thing that the parent must know: accepted, started, told, and the end states as JSON.
 */
import { JobClient, JobTracker, TaskTracker } from '../../src/index.js';

const [dataPath = '', plan = '', life = '0'] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(`${text}\n`);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const silent = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (_: object, text: string) => say(`error ${text}`),
};
const place = { dataPath, log: silent };

const tracker = await new JobTracker(place).start();
const client = await new JobClient({
  ...place,
  jobCompletedHandler: (results) => results.forEach(({ jobId, state }) => say(`told ${jobId} ${state}`)),
}).start();
const worker = await new TaskTracker({
  ...place,
  processors: {
    // Long enough to be beside the poison the first two times, then quick.
    innocent: async ({ attempt }) => wait(attempt <= 2 ? 2_000 : 5),
    poison: async () => {
      await wait(200);
      process.kill(process.pid, 'SIGKILL');
      await wait(60_000);
    },
    plain: async ({ job }) => {
      say(`started ${job.jobId}`);
      await wait(20);
      return job.jobId;
    },
  },
}).start();

const plans: Record<string, () => { jobId: string; processor: string }[]> = {
  poison: () => [
    { jobId: 'poison', processor: 'poison' },
    ...Array.from({ length: 63 }, (_, i) => ({ jobId: `innocent${i}`, processor: 'innocent' })),
  ],
  kill: () =>
    life === 'last' ? [] : Array.from({ length: 120 }, (_, i) => ({ jobId: `job-${life}-${i}`, processor: 'plain' })),
};

say('ready');
for (const job of plans[plan]?.() ?? []) {
  void client.submitJob(job).then(({ code, jobId }) => code === 'accepted' && say(`accepted ${jobId}`));
  if (plan === 'kill') await wait(2);
}
for (;;) {
  const { records, cursor } = await client.listJobs({ limit: 1_000 });
  const states = Object.fromEntries(records.map(({ jobId, status }) => [jobId, status]));
  if (cursor === undefined && records.length > 0 && records.every(({ status }) => status.endedAt !== undefined)) {
    say(`end ${JSON.stringify(states)}`);
    break;
  }
  await wait(50);
}
await worker.stop();
await client.stop();
await tracker.stop();
