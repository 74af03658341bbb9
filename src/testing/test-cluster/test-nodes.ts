/** The nodes of a test cluster: the real roles, on the ports of the virtual world. */
import { MemoryFailStore } from '../../adapters/memory/memory-fail-store.js';
import { MemoryLeases } from '../../adapters/memory/memory-leases.js';
import { codec } from '../../boot/system-ports.js';
import type { JobContext } from '../../job/context.js';
import type { JobResult } from '../../job/result.js';
import { JobClientRole } from '../../job-client/job-client.js';
import { JobTrackerRole } from '../../job-tracker/job-tracker.js';
import type { Runners } from '../../ports/runners.js';
import { TaskTrackerRole } from '../../task-tracker/task-tracker.js';
import type { NodeLife } from '../node-life.js';
import { type ClusterPlan, clusterName } from './options.js';
import { TestNode } from './test-node.js';
import type { World } from './world.js';

export function trackerNode(world: World, plan: ClusterPlan): TestNode<JobTrackerRole> {
  return new TestNode(world, 'tracker', (ports) => {
    const queue = world.store(world.jobs.queue, ports.life);
    const logger = world.store(world.logger, ports.life);
    return new JobTrackerRole({ ...ports, queue, logger, leases: new MemoryLeases() }, plan.tracker);
  });
}

export interface WorkerPlan extends ClusterPlan {
  readonly nodeGroup: string;
  readonly runners: Runners;
}

/** Its FailStore outlives it, as a disk does. */
export function workerNode(world: World, name: string, plan: WorkerPlan): TestNode<TaskTrackerRole> {
  const disk = new MemoryFailStore();
  const { nodeGroup, workThreads, bizLoggerLevel } = plan;
  return new TestNode(world, name, (ports) => {
    const failStore = world.store(disk, ports.life);
    const runners = watchedRunners(world, ports.life, plan.runners);
    const settings = { cluster: clusterName, identity: name, nodeGroup, workThreads, bizLoggerLevel };
    return new TaskTrackerRole({ ...ports, failStore, runners, codec }, settings);
  });
}

export interface ClientPlan {
  /** Of jobs that name none. */
  readonly defaultNodeGroup: string;
  readonly onComplete: (results: JobResult[]) => unknown;
}

export function clientNode(world: World, plan: ClientPlan): TestNode<JobClientRole> {
  const disk = new MemoryFailStore();
  return new TestNode(world, 'client', (ports) => {
    const failStore = world.store(disk, ports.life);
    const settings = { cluster: clusterName, identity: 'client', nodeGroup: 'test', ...plan };
    return new JobClientRole({ ...ports, failStore, codec }, settings);
  });
}

/** The same runners; time waits for their real work, and the history tells of their runs. */
function watchedRunners(world: World, life: NodeLife, runners: Runners): Runners {
  const run = async (context: JobContext, handler: () => unknown) => {
    const what = `attempt ${context.attempt} of ${context.job.jobId}`;
    world.trace.note(life.name, `runs ${what}`);
    try {
      return await world.runs.call(context, life, handler);
    } finally {
      world.trace.note(life.name, `is back from ${what}`);
    }
  };
  return {
    ids: () => runners.ids(),
    find: (processor) => {
      const runner = runners.find(processor);
      if (!runner) return undefined;
      const { id, description } = runner;
      return { id, description, run: (context) => run(context, () => runner.run(context)) };
    },
  };
}
