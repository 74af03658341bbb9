/** Starts a test cluster: world -> beans -> JobTracker -> JobClient -> TaskTrackers. */
import type { Beans } from '../../boot/beans/beans.js';
import { type ClientRole, JobClient } from '../../boot/job-client.js';
import { setApplicationClient } from '../../boot/submitting/application-client.js';
import { LtsError } from '../../errors.js';
import type { JobResult } from '../../job/result.js';
import type { FollowOptions, JobEvent } from '../../job-client/follow.js';
import type { JobClientRole } from '../../job-client/job-client.js';
import { Chance } from '../../ports/chance.js';
import { Clock } from '../../ports/clock.js';
import { Ids } from '../../ports/ids.js';
import { Log } from '../../ports/log.js';
import type { TaskTrackerRole } from '../../task-tracker/task-tracker.js';
import { SeededIds } from '../seeded-ids.js';
import { HandlerClock } from './open-runs.js';
import { type ClusterPlan, groupsOf, planOf, type TestClusterOptions } from './options.js';
import { openTestBeans } from './test-beans.js';
import { TestCluster } from './test-cluster.js';
import type { TestNode } from './test-node.js';
import { clientNode, trackerNode, workerNode } from './test-nodes.js';
import { World } from './world.js';

const feedbackMax = 10_000;

/**
 * Starts a cluster in memory and in virtual time, with the real roles and the processors given; nothing outlives it but what the
 * handlers themselves began. `LtsJobClient.getInstance()` is a client of the cluster that was started last. Throws LTS_CONFIG_INVALID for a bad option, LTS_PROCESSOR_INVALID for a processor that cannot be used.
 */
export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const plan = planOf(options);
  const world = new World(plan);
  const clock = new HandlerClock(world.runs, (life) => world.clockOf(life));
  const jobClient = new JobClient(
    { contractOf: (processor) => beans.contracts().get(processor) },
    passingRole(world, () => client),
  );
  const beans: Beans = await openTestBeans(options, [
    { token: Clock, value: clock },
    { token: JobClient, value: jobClient },
    { token: Log, value: plan.log },
    { token: Chance, value: world.chance.split('beans') },
    { token: Ids, value: new SeededIds(clock, world.chance.split('ids of beans')) },
  ]);
  const groups = groupsOf(options, beans);
  const feedback = new Feedback(beans);
  const client = clientNode(world, { defaultNodeGroup: groups[0], onComplete: (results) => feedback.take(results) });
  const tracker = trackerNode(world, plan);
  const workers = workersOf(world, { plan, groups, beans });
  for (const node of [tracker, client, ...workers]) await node.start();
  const { results } = feedback;
  const cluster = new TestCluster({
    world,
    beans,
    tracker,
    workers,
    groups,
    client,
    jobClient,
    clock,
    feedback: results,
  });
  await cluster.advance(0);
  setApplicationClient(jobClient);
  return cluster;
}

interface WorkersRequest {
  readonly plan: ClusterPlan;
  readonly groups: readonly string[];
  readonly beans: Beans;
}

function workersOf(world: World, { plan, groups, beans }: WorkersRequest): TestNode<TaskTrackerRole>[] {
  const places = groups.flatMap((nodeGroup) => Array.from({ length: plan.workers }, () => nodeGroup));
  return places.map((nodeGroup, i) =>
    workerNode(world, `worker-${i + 1}`, { ...plan, nodeGroup, runners: beans.forGroup(nodeGroup) }),
  );
}

/** What completed handlers are told: kept for the test, and passed on to the user's handler. */
class Feedback {
  readonly results: JobResult[] = [];

  constructor(private readonly beans: Beans) {}

  async take(results: JobResult[]): Promise<void> {
    this.results.push(...results);
    this.results.splice(0, this.results.length - feedbackMax);
    await this.beans.completedHandler?.onComplete(results);
  }
}

/** The role of a client node; time passes while anybody waits for its answers. */
function passingRole({ keeper }: World, node: () => TestNode<JobClientRole>): ClientRole {
  const role = (): JobClientRole => {
    const { role } = node();
    if (role) return role;
    throw new LtsError('LTS_NOT_STARTED', 'The test cluster was stopped. Use its client before.');
  };
  return {
    submit: (job, options) => keeper.during(role().submit(job, options)),
    result: (jobId, options) => keeper.during(role().result(jobId, options)),
    ask: (kind, body, signal) => keeper.during(role().ask(kind, body, signal)),
    async *events(jobId: string, options?: FollowOptions): AsyncGenerator<JobEvent, void, void> {
      const events = role().events(jobId, options);
      try {
        for (;;) {
          const next = await keeper.during(events.next());
          if (next.done) return;
          yield next.value;
        }
      } finally {
        await keeper.during(events.return());
      }
    },
  };
}
