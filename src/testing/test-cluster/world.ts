/** What the nodes of a test cluster live in: one time, one network, one store, one seed. */
import { MemoryJobLogger } from '../../adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../../adapters/memory/memory-job-queue.js';
import type { Clock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import { type NetworkFaults, networkFaultsOf } from '../faults.js';
import type { NodeLife } from '../node-life.js';
import { SeededChance } from '../seeded-chance.js';
import { SimulatedNetwork } from '../simulated-network.js';
import { never } from '../simulated-port.js';
import { Trace } from '../trace.js';
import { VirtualClock, worldBeganAt } from '../virtual-clock.js';
import { VirtualTime } from '../virtual-time.js';
import { OpenRuns } from './open-runs.js';
import { TimeKeeper } from './time-keeper.js';
import { WatchedJobs } from './watched-jobs.js';

export interface WorldOptions {
  readonly seed: number;
  readonly faults: NetworkFaults;
  /** What the wall clocks show at the beginning, in ms since 1970. */
  readonly startAt: number;
  readonly realWaitMs: number;
  readonly log: Log;
  readonly print?: ((line: string) => void) | undefined;
}

/** Nodes of a test cluster die when the test says so, never by themselves. */
const points = { isFatal: () => false };

export class World {
  readonly time = new VirtualTime();
  readonly runs: OpenRuns;
  readonly keeper: TimeKeeper;
  readonly chance: SeededChance;
  readonly trace: Trace;
  readonly network: SimulatedNetwork;
  readonly jobs = new WatchedJobs(new MemoryJobQueue());
  readonly logger = new MemoryJobLogger();
  private readonly clock: Clock;
  private isCalm = false;

  constructor(private readonly options: WorldOptions) {
    const { realWaitMs, log } = options;
    const warn = (run: string) =>
      log.warn(
        { run, realWaitMs },
        `the handler of ${run} awaits something else than virtual time; time goes on without it`,
      );
    this.runs = new OpenRuns({ realWaitMs, onGivenUp: warn });
    this.keeper = new TimeKeeper(this.time, this.runs);
    this.chance = new SeededChance(options.seed);
    this.trace = new Trace(this.time, options.print);
    this.clock = new VirtualClock(this.time, this.clockError());
    this.network = new SimulatedNetwork({
      world: this.time,
      chance: this.chance.split('network'),
      faults: () => (this.isCalm ? networkFaultsOf('none') : options.faults),
      points,
      trace: this.trace,
    });
  }

  /** The clock of a node during one life; without one, that of the world. */
  clockOf(life: NodeLife | undefined): Clock {
    return life ? new VirtualClock(life, this.clockError()) : this.clock;
  }

  /** From now on the network does nothing wrong any more. */
  calm(): void {
    this.isCalm = true;
  }

  /** A store as one life of a node reaches it: it takes no time, and a dead node's calls are neither made nor answered. */
  store<Port extends object>(inner: Port, life: NodeLife): Port {
    return new Proxy(inner, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...values: unknown[]) => {
          const answer: unknown = life.isAlive ? await method.apply(target, values) : undefined;
          return life.isAlive ? answer : never();
        };
      },
    });
  }

  /** The log with the node's name in each line; a dead node logs nothing. */
  logOf(life: NodeLife): Log {
    const { log } = this.options;
    const line = (level: keyof Log) => (fields: object, text: string) => {
      if (life.isAlive) log[level]({ node: life.name, ...fields }, text);
    };
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  private clockError() {
    return { offsetMs: this.options.startAt - worldBeganAt, rate: 1 };
  }
}
