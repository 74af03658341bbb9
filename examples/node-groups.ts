/**
 * Node groups: jobs go to a group of TaskTrackers, and one submit may go to several groups. Run it with:
 *
 *   npx tsx examples/node-groups.ts
 */
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  JobCompletedHandler,
  type JobContext,
  type JobResult,
  LtsApplication,
  LtsJobClient,
  Processor,
} from 'light-task-scheduler';

// A processor that names its group runs there only; a typed submit goes there without saying so.
@Processor({ nodeGroup: 'billing' })
class Invoice {
  run({ nodeGroup }: JobContext) {
    return `invoice written in ${nodeGroup}`;
  }
}

// A processor that names none runs in every group of this application.
@Processor()
class ClearCache {
  run({ nodeGroup }: JobContext) {
    return `cache of ${nodeGroup} cleared`;
  }
}

// Feedback goes to the group that submitted, whichever of its nodes is alive.
@JobCompletedHandler()
class Feedback implements JobCompletedHandler {
  static readonly heard: JobResult[] = [];

  onComplete(results: JobResult[]): void {
    Feedback.heard.push(...results);
    if (Feedback.heard.length === 3) allHeard();
  }
}

let allHeard = () => {};
const heardAll = new Promise<void>((resolve) => {
  allHeard = resolve;
});

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient({ nodeGroup: 'web' })
class Application {}

// In one process here; in a cluster each group runs in processes of its own, with the same lines.
await using app = await LtsApplication.run(Application, {
  processors: [Invoice, ClearCache, Feedback],
  settings: {
    'lts.tasktracker.node-group': 'shop, billing',
    'lts.jobtracker.configs.job.queue': 'memory',
    'lts.log.level': 'warn',
  },
});
for (const { type, nodeGroup } of app.health().nodes) console.log('node', type, nodeGroup ?? '');

console.log(await app.jobClient.submitAndWait(Invoice));

const responses = await LtsJobClient.getInstance().processor('clearCache').nodeGroup('shop', 'billing').submit();
console.log('one response for each group:', responses.map(({ code }) => code).join(', '));

await heardAll;
for (const { nodeGroup, value } of Feedback.heard) console.log(`web heard from ${nodeGroup}: ${value}`);
