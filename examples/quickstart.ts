/** One process, nothing installed: submit a job, see it run, read its log and its result, hear the feedback. */
import { JobClient, type JobContext, JobTracker, Result, TaskTracker } from 'light-task-scheduler';

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };
const place = { dataPath: process.env.LTS_DATA_PATH ?? './data', log: quiet };

const heard = new Set<string>();
await using jobTracker = new JobTracker(place);
await using taskTracker = new TaskTracker({
  ...place,
  nodeGroup: 'tnt_back',
  processors: {
    syncOrders(context: JobContext) {
      context.bizLogger.info(`syncing shop ${context.job.getParam('shop')}, attempt ${context.attempt}`);
      // The first attempt asks to come again; by default 30 seconds later, here after 200 ms.
      if (context.retryTimes === 0) return Result.later('the shop is busy', { delay: '200ms' });
      return { synced: 12 };
    },
  },
});
await using client = new JobClient({
  ...place,
  nodeGroup: 'web',
  jobCompletedHandler: (results) => {
    for (const { jobId, taskId, success, value } of results) {
      heard.add(jobId);
      console.log('feedback ', { taskId, success, value });
    }
  },
});
await jobTracker.start();
await taskTracker.start();
await client.start();

const response = await client.submitJob({
  taskId: `tntOrder:cws1804-${Date.now()}`,
  nodeGroup: 'tnt_back',
  processor: 'syncOrders',
  params: { shop: '1111111' },
});
console.log('submitted', { code: response.code, jobId: response.jobId });

for await (const event of client.events(response.jobId, { timeout: '30s' })) {
  if (event.kind === 'state') console.log('state    ', event.job.status.state, event.job.status.message ?? '');
}
console.log('result   ', await client.result(response.jobId));
for (const line of (await client.readLog(response.jobId)).lines)
  console.log('log      ', line.level, line.type, line.text);
for (let waits = 0; waits < 100 && !heard.has(response.jobId); waits++)
  await new Promise((resolve) => setTimeout(resolve, 20));
