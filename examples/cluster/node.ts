/**
 * One node of a cluster. Start as many workers and clients as you like, on this machine or on others. Run it with:
 *
 *   npx tsx examples/cluster/node.ts tracker nats://127.0.0.1:4222 ./data/tracker
 *   npx tsx examples/cluster/node.ts worker  nats://127.0.0.1:4222 ./data/worker-1
 *   npx tsx examples/cluster/node.ts client  nats://127.0.0.1:4222 ./data/client
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobContext, LtsApplication, Processor } from 'light-task-scheduler';

@Processor('report')
export class Report {
  async run({ job, attempt }: JobContext) {
    await sleep(100);
    return `page ${job.getParam('page')} by process ${process.pid}, attempt ${attempt}`;
  }
}

const [role = 'tracker', registryAddress = 'nats://127.0.0.1:4222', dataPath = './data'] = process.argv.slice(2);

// The one line that makes a cluster of it is the registry address; without it this is an embedded application.
const settings = {
  'lts.registry-address': registryAddress,
  'lts.cluster-name': 'example',
  'lts.data-path': dataPath,
  'lts.tasktracker.work-threads': 4,
  'lts.log.level': 'warn',
};
const roles = { tracker: { jobTracker: {} }, worker: { taskTracker: {} }, client: { jobClient: {} } }[role];
if (!roles) throw new Error(`${role}: write tracker, worker or client.`);

const app = await LtsApplication.run(roles, { processors: [Report], settings });
console.log(`${role} runs in process ${process.pid}`);

if (role === 'client') {
  const pages = Array.from({ length: 40 }, (_, page) => page + 1);
  // Nobody waits in vain: what no tracker answers is kept here and sent later.
  const handles = await Promise.all(pages.map((page) => app.jobClient.submit(Report, { page })));
  for (const handle of handles) console.log(await handle.result({ timeout: '1m' }));
  console.log(`all ${handles.length} pages are done`);
  await app.stop();
}
