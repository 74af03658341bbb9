/** The testing door: virtual time, seeded chance, and ports that fail on purpose. */
export {
  type CrashFaults,
  calmNetwork,
  calmStore,
  type NetworkFaults,
  type Range,
  type StoreFaults,
} from './faults.js';
export { NodeLife } from './node-life.js';
export { SeededChance } from './seeded-chance.js';
export { SeededIds } from './seeded-ids.js';
export { type NetworkCounts, type NetworkOptions, SimulatedNetwork } from './simulated-network.js';
export { type CrashPoints, type PortOptions, simulatedPort } from './simulated-port.js';
export { Trace } from './trace.js';
export { type ClockError, VirtualClock, worldBeganAt } from './virtual-clock.js';
export { type Scheduler, VirtualTime } from './virtual-time.js';
