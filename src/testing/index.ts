/** The testing door: a cluster and a single run for tests of processors, and the parts of the simulator. */
export type { Binding } from '../boot/beans/bean-container.js';
export {
  type CrashFaults,
  calmNetwork,
  calmStore,
  type FaultLevel,
  type NetworkFaults,
  type Range,
  type StoreFaults,
} from './faults.js';
export {
  JobRunnerTester,
  type JobRunnerTesterOptions,
  type RunnerUnderTest,
  type TestedRun,
  type TestedRunReport,
} from './job-runner-tester.js';
export { NodeLife } from './node-life.js';
export { SeededChance } from './seeded-chance.js';
export { SeededIds } from './seeded-ids.js';
export { type NetworkCounts, type NetworkOptions, SimulatedNetwork } from './simulated-network.js';
export { type CrashPoints, type PortOptions, simulatedPort } from './simulated-port.js';
export type { TestClusterOptions } from './test-cluster/options.js';
export { testCluster } from './test-cluster/start.js';
export type { TestCluster } from './test-cluster/test-cluster.js';
export type { TestJob } from './test-cluster/test-job.js';
export type { TestNode } from './test-cluster/test-node.js';
export { Trace } from './trace.js';
export { type ClockError, VirtualClock, worldBeganAt } from './virtual-clock.js';
export { type Scheduler, VirtualTime } from './virtual-time.js';
