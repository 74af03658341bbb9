/** Bugs that the simulator must find; planted from outside, so product code has no switches for them. */
import type { JobTrackerRole } from '../../src/job-tracker/job-tracker.js';
import type { JobQueue } from '../../src/ports/job-queue.js';
import type { NodePorts } from './process.js';
import type { Plan } from './swarm.js';
import type { World } from './world.js';

export interface Plant {
  readonly name: string;
  /** Changes to what the seed drew, so that the bug has its chance. */
  readonly plan?: (drawn: Plan) => Partial<Plan>;
  /** A worse queue around the real one. */
  /** Replaces parts of the role after it was built. */
  readonly tracker?: (role: JobTrackerRole, world: World, ports: NodePorts) => void;
  readonly queue?: (inner: JobQueue, world: World, ports: NodePorts) => JobQueue;
}

export const plants: readonly Plant[] = [];
