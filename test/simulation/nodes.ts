/** Puts the real roles into simulated processes: every port they are given takes time, fails and may be their last. */
import { JsonCodec } from '../../src/adapters/json/json-codec.js';
import { MemoryLeases } from '../../src/adapters/memory/memory-leases.js';
import { MongoClock } from '../../src/adapters/mongo/mongo-clock.js';
import { JobClientRole } from '../../src/job-client/job-client.js';
import { JobTrackerRole } from '../../src/job-tracker/job-tracker.js';
import type { Message, RequestOptions, Transport } from '../../src/ports/transport.js';
import { TaskTrackerRole } from '../../src/task-tracker/task-tracker.js';
import { scriptedRunners } from './handlers.js';
import type { NodePorts, SimulatedProcess } from './process.js';
import { watchedLeases } from './store-watch.js';
import type { User } from './user.js';
import type { Build, Builders, World } from './world.js';

const cluster = 'sim';

/** Alone it has its leases in memory and goes by its own clock; together they share the store's leases and its time. */
const buildTracker: Build = (world, process) => (ports) => {
  const queue = world.plant?.queue?.(world.queue, world, ports) ?? world.queue;
  const trackerPorts = {
    ...ports,
    queue: world.store(queue, 'queue', ports),
    logger: world.store(world.logger, 'logger', ports),
    ...(world.isShared ? sharedPorts(world, process, ports) : { leases: new MemoryLeases() }),
  };
  const identity = process.name;
  const settings = { cluster, identity, keepEndedMs: world.plan.keepEndedMs, timeZone: 'UTC' };
  const role = new JobTrackerRole(trackerPorts, settings);
  world.plant?.tracker?.(role, world, { ...ports, clock: trackerPorts.clock });
  const { clock } = trackerPorts;
  if (!(clock instanceof MongoClock)) return role;
  return {
    start: async () => {
      await clock.start();
      await role.start();
    },
    stop: async () => {
      world.registry.leave(identity);
      await role.stop();
      clock.stop();
    },
  };
};

function sharedPorts(world: World, process: SimulatedProcess, ports: NodePorts) {
  const { name } = process;
  const time = world.store({ read: async () => world.wallMs() }, 'time', ports);
  const leases = world.store(world.plant?.leases?.(world.leases) ?? world.leases, 'leases', ports);
  return {
    leases: watchedLeases(leases, (session) =>
      world.checker.judged({ tracker: name, since: process.startedAt, session }),
    ),
    peers: world.registry.join(name, ports.life),
    clock: new MongoClock(() => time.read(), ports.clock, ports.log),
  };
}

const buildWorker =
  (index: number): Build =>
  (world, process) =>
  (ports) => {
    const plan = world.plan.workers[index] as World['plan']['workers'][number];
    const workerPorts = {
      ...ports,
      transport: tapped(world, ports),
      failStore: world.store(world.failStore(process.name), 'failStore', ports),
      runners: scriptedRunners(world, process, ports),
      codec: new JsonCodec(),
    };
    const role = new TaskTrackerRole(workerPorts, { cluster, identity: process.name, ...plan });
    world.plant?.worker?.(role);
    return role;
  };

const buildClient: Build = (world, process) => (ports) => {
  const clientPorts = {
    ...ports,
    failStore: world.store(world.failStore(process.name), 'failStore', ports),
    codec: new JsonCodec(),
  };
  const client = new JobClientRole(clientPorts, {
    cluster,
    identity: process.name,
    nodeGroup: 'users',
    useRetryClient: world.plan.useRetryClient,
    onComplete: (results) => {
      if (ports.life.isAlive) world.checker.feedback(results);
    },
  });
  const user: User = {
    submit: (job) => client.submit(job),
    cancel: (jobId) => client.ask('CancelJob', { jobId }),
    suspend: (jobId) => client.ask('SuspendJob', { jobId }),
    resume: (jobId) => client.ask('ResumeJob', { jobId }),
    trigger: (jobId, requestId) => client.ask('TriggerJob', { jobId, requestId }),
    edit: (jobId, edit) => client.ask('EditJob', { jobId, edit }),
    get: (jobId) => client.ask('GetJob', { jobId }),
  };
  return {
    start: async () => {
      await client.start();
      world.users.set(process.name, user);
    },
    stop: async () => {
      world.users.delete(process.name);
      await client.stop();
    },
  };
};

/** The checker hears what the worker asked and what it was answered. */
function tapped(world: World, { transport }: NodePorts): Transport {
  return new Proxy(transport, {
    get(target, name) {
      if (name !== 'request') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (subject: string, message: Message, options: RequestOptions) => {
        const sentAt = world.time.nowMs;
        const reply = await target.request(subject, message, options);
        world.checker.workerAnswered(message, reply, sentAt);
        return reply;
      };
    },
  });
}

export const realRoles: Builders = { tracker: buildTracker, worker: buildWorker, client: buildClient };
