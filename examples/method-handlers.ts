/**
 * Method handlers: one class, several kinds of jobs, each method a runner of its own. Run it with:
 *
 *   npx tsx examples/method-handlers.ts
 */
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  type JobContext,
  JobHandler,
  JobRunner,
  LtsApplication,
  LtsJobClient,
  Processor,
} from 'light-task-scheduler';

// What the class says holds for all its jobs; a method, and then the one who submits, may say otherwise.
@Processor({ id: 'orders', maxRetryTimes: 3, timeout: '30s' })
class Orders {
  // Its bean id is 'orders.sync'.
  @JobHandler()
  async sync(params: { shop: string }, context: JobContext) {
    context.bizLogger.info(`attempt ${context.attempt}`);
    return { shop: params.shop, synced: 12 };
  }

  // Its bean id is 'orders.remove': the name is the method's unless it is given.
  @JobHandler({ name: 'remove', maxRetryTimes: 0, description: 'removes orders older than some days' })
  async removeOld({ days }: { days: number }) {
    return `orders older than ${days} days are gone`;
  }
}

// The one class that also gets the jobs which name no processor, like LTS's one runner of a TaskTracker.
@JobRunner('fallback')
class Fallback implements JobRunner {
  run({ job }: JobContext) {
    return `nobody in particular ran ${JSON.stringify(job.params)}`;
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

await using app = await LtsApplication.run(Application, {
  processors: [Orders, Fallback],
  settings: { 'lts.jobtracker.configs.job.queue': 'memory', 'lts.log.level': 'warn' },
});

// By class and method the compiler knows params and result; by bean id a submitter need not know the class at all.
const { synced } = await app.jobClient.submitAndWait(Orders, 'sync', { shop: '1' });
console.log('typed ', synced);
const byId = LtsJobClient.getInstance().processor('orders.remove').setParam('days', 30);
console.log('by id ', ...(await byId.submitAndWait()));
console.log('no id ', ...(await LtsJobClient.getInstance().setParam('shop', '2').submitAndWait()));

// Many at once: one handle for each, in the same order; the jobs travel in one message.
const handles = await app.jobClient.submitAll([
  [Orders, 'sync', { shop: '3' }],
  [Orders, 'removeOld', { days: 7 }, { priority: 1 }],
]);
const [third, old] = await Promise.all([handles[0].result(), handles[1].result()]);
console.log('many  ', third.shop, '|', old);
