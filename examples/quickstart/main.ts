/**
 * The usage guide's example, from the submit to the feedback, in one process. Run it with:
 *
 *   npm start          (that is: npx tsx examples/quickstart/main.ts)
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  LtsApplication,
  LtsJobClient,
} from 'light-task-scheduler';

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

// `await using` stops the application at the end of the file; a server would leave it running until SIGTERM.
await using app = await LtsApplication.run(Application, { config: join(import.meta.dirname, 'lts.properties') });

const [response] = await LtsJobClient.getInstance()
  .bizId('cws1804') // business id
  .bizType('tntOrder') // business type; the taskId is 'tntOrder:cws1804', so a second submit is a duplicate while this one is open
  .processor('springBean') // bean id of the class that runs it
  .setParam('shop', '1111111')
  .nodeGroup('tnt_back') // who runs it; of several, each gets a job and a response of its own
  .submit();
if (!response?.success) throw new Error(response?.msg);
console.log('submitted', { code: response.code, taskId: response.taskId, jobId: response.jobId });

for await (const event of app.jobClient.events(response.jobId, { timeout: '30s' })) {
  if (event.kind === 'log') console.log('log      ', event.line.level, event.line.text);
  if (event.kind === 'state') console.log('state    ', event.job.status.state);
}
const job = await app.jobClient.getJob(response.jobId);
console.log('result   ', job?.status.state, '-', job?.status.message);

// The feedback comes beside the result and is acknowledged when the handler returned; this program ends, so it waits for that.
while ((await app.jobClient.getJob(response.jobId))?.status.feedbackAt) await sleep(20);
