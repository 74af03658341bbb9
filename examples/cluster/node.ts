/**
 * One node of a cluster. Start as many as you like, on this machine or on others; several trackers need one MongoDB. Run it with:
 *
 *   npx tsx examples/cluster/node.ts tracker --nats nats://127.0.0.1:4222 --data ./data/tracker-1 --mongo mongodb://127.0.0.1:27017
 *   npx tsx examples/cluster/node.ts worker  --nats nats://127.0.0.1:4222 --data ./data/worker-1
 *   npx tsx examples/cluster/node.ts client  --nats nats://127.0.0.1:4222 --data ./data/client --pages 40
 */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type JobContext, LtsApplication, MasterNodeListener, Processor } from 'light-task-scheduler';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nats: { type: 'string', default: 'nats://127.0.0.1:4222' },
    mongo: { type: 'string' },
    data: { type: 'string', default: './data' },
    pages: { type: 'string', default: '40' },
    log: { type: 'string', default: 'warn' },
    // A client that is started anew goes on with the jobs of this name.
    order: { type: 'string', default: `order-${process.pid}` },
  },
});
const [role = 'tracker'] = positionals;
const name = basename(values.data);

@Processor('report')
export class Report {
  async run({ job, attempt }: JobContext) {
    console.log(`${name} begins page ${job.getParam('page')}, attempt ${attempt}`);
    await sleep(500);
    console.log(`${name} ends page ${job.getParam('page')}`);
    return `page ${job.getParam('page')} by ${name}, attempt ${attempt}`;
  }
}

@MasterNodeListener({ nodeTypes: ['JOB_TRACKER'] })
export class Elections {
  change(_: unknown, isMaster: boolean) {
    if (isMaster) console.log(`${name} is the master of the trackers`);
  }
}

const settings = {
  // This line makes a cluster of what would be an embedded application without it ...
  'lts.registry-address': values.nats,
  // ... and these let it have several trackers.
  ...(values.mongo && { 'lts.jobtracker.configs.job.queue': 'mongo' }),
  ...(values.mongo && { 'lts.jobtracker.configs.mongo.addresses': values.mongo }),
  'lts.cluster-name': 'example',
  'lts.identity': name,
  'lts.data-path': values.data,
  'lts.tasktracker.work-threads': 4,
  'lts.log.level': values.log,
};
const roles = { tracker: { jobTracker: {} }, worker: { taskTracker: {} }, client: { jobClient: {} } }[role];
if (!roles) throw new Error(`${role}: write tracker, worker or client.`);

const processors = { tracker: [Elections], worker: [Report], client: [] }[role];
const app = await LtsApplication.run(roles, { processors, settings });
console.log(`${name} runs in process ${process.pid}`);

if (role === 'client') {
  const pages = Array.from({ length: Number(values.pages) }, (_, page) => page + 1);
  // Nobody waits in vain: what no tracker answers is kept here and sent later. The same jobId again is the same job.
  const jobs = pages.map((page) => ({
    jobId: `${values.order}-${page}`,
    processor: 'report',
    params: { page },
    delay: 75 * page, // a page comes due every 75 ms, as work comes in elsewhere
  }));
  await app.jobClient.submitJob(jobs);
  console.log(`${name} has submitted ${pages.length} pages`);
  for (const { jobId } of jobs) console.log(await app.jobClient.result(jobId, { timeout: '2m' }));
  console.log(`all ${pages.length} pages are done`);
  await app.stop();
}
