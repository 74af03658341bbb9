/**
 * Without decorators: the three nodes as plain objects, runners as functions, and LTS's own way to submit. Run it with:
 *
 *   npx tsx examples/plain.ts
 */
import { defineProcessor, JobClient, JobTracker, TaskTracker } from 'light-task-scheduler';
import { z } from 'zod';

// No decorators: Node 24 runs such a file as it is, by stripping its types. The id, the usual options, the code.
const sync = defineProcessor(
  'orders.sync',
  { params: z.object({ shop: z.string(), pages: z.number().default(1) }), timeout: '30s' },
  async ({ shop, pages }, context) => {
    context.bizLogger.info(`shop ${shop}, ${pages} page(s)`);
    return { shop, synced: 12 * pages };
  },
);

// Nodes of one process and one place find each other.
const place = { jobQueue: 'memory', log: { debug() {}, info() {}, warn: console.warn, error: console.error } };
const jobTracker = await new JobTracker(place).start();
const taskTracker = await new TaskTracker({ ...place, processors: [sync] }).start();
const jobClient = await new JobClient({ ...place, nodeGroup: 'web' }).start();

// Typed by the definition: zod's default means that pages may be left out.
const { synced } = await jobClient.submitAndWait(sync, { shop: '1' });
console.log('typed  ', synced);

// LTS's way: a job, and a Response that says what became of the submission. It never throws for a bad job.
const job = { taskId: 'shop-2', processor: 'orders.sync', params: { shop: '2', pages: 2 } };
const response = await jobClient.submitJob(job);
console.log('plain  ', response.code, await jobClient.result(response.jobId));
const [bad] = await jobClient.submitJob([{ processor: 'orders.sync', priority: 0.5 }]);
console.log('refused', bad?.code, '-', bad?.msg);

// `await using` in place of `const` would do this at the end of the block.
await jobClient.stop();
console.log('stopped', await taskTracker.stop());
await jobTracker.stop();
