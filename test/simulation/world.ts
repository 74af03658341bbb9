/** One simulated cluster: nodes, network, stores and everything that goes wrong, driven by one seed. */
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { MemoryJobLogger } from '../../src/adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../../src/adapters/memory/memory-job-queue.js';
import { MemoryLeases } from '../../src/adapters/memory/memory-leases.js';
import type { JobTrackerRole } from '../../src/job-tracker/job-tracker.js';
import type { JobQueue } from '../../src/ports/job-queue.js';
import type { Leases } from '../../src/ports/leases.js';
import type { TaskTrackerRole } from '../../src/task-tracker/task-tracker.js';
import { calmNetwork, calmStore, type StoreFaults } from '../../src/testing/faults.js';
import type { NodeLife } from '../../src/testing/node-life.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { SimulatedNetwork } from '../../src/testing/simulated-network.js';
import { simulatedPort } from '../../src/testing/simulated-port.js';
import { Trace } from '../../src/testing/trace.js';
import { type ClockError, worldBeganAt } from '../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../src/testing/virtual-time.js';
import { Checker } from './checker.js';
import { type Incident, Ledger } from './ledger.js';
import { type NodePorts, type Running, SimulatedProcess } from './process.js';
import { SimulatedRegistry } from './registry.js';
import { countedLeases, watchedQueue } from './store-watch.js';
import type { Plan, Role } from './swarm.js';
import type { User } from './user.js';

type StoreName = 'queue' | 'failStore' | 'logger' | 'leases' | 'time';

/** Makes the role object of a process; called once with the process, then for each of its lives. */
export type Build = (world: World, process: SimulatedProcess) => (ports: NodePorts) => Running;

export interface Builders {
  readonly tracker: Build;
  readonly worker: (index: number) => Build;
  readonly client: Build;
}

/** A bug to be planted around the ports, or into the built role. */
export interface Plant {
  readonly name: string;
  /** What its discovery says; other violations may be another bug's. */
  readonly seenAs: readonly string[];
  /** Changes to what the seed drew, so that the bug gets its chance. */
  readonly plan?: (drawn: Plan) => Partial<Plan>;
  /** A worse queue around the real one. */
  readonly queue?: undefined | ((inner: JobQueue, world: World, ports: NodePorts) => JobQueue);
  readonly leases?: undefined | ((inner: Leases) => Leases);
  /** Replaces methods of the built role. */
  readonly tracker?: undefined | ((role: JobTrackerRole, world: World, ports: NodePorts) => void);
  readonly worker?: undefined | ((role: TaskTrackerRole) => void);
  /** Violations with these texts would be too easy a find. */
  readonly ignored?: readonly string[];
}

export interface WorldOptions {
  readonly builders: Builders;
  readonly print?: ((line: string) => void) | undefined;
  readonly plant?: Plant | undefined;
  readonly ignored?: readonly string[] | undefined;
  /** One crash, at the n-th call or answer of a role's nodes, before the world is calm. */
  readonly crashAt?: { readonly role: Role; readonly nth: number } | undefined;
}

export class World {
  readonly time = new VirtualTime();
  readonly ledger: Ledger;
  readonly checker: Checker;
  readonly chance: SeededChance;
  readonly network: SimulatedNetwork;
  readonly trace: Trace;
  readonly queue: JobQueue;
  readonly logger = new MemoryJobLogger();
  readonly failStores = new Map<string, MemoryFailStore>();
  /** Shared by several trackers. */
  readonly leases: Leases;
  readonly registry: SimulatedRegistry;
  readonly trackers: readonly SimulatedProcess[];
  readonly workers: readonly SimulatedProcess[];
  readonly clients: readonly SimulatedProcess[];
  /** The user's side of each client, while it is up. */
  readonly users = new Map<string, User>();
  readonly plant: Plant | undefined;
  readonly faultChance: SeededChance;
  isCalm = false;
  /** Nodes that do not reach the store, whether any reaches its leases, and by how much its clock was set. */
  readonly sharedStore = { cuts: new Set<string>(), areLeasesDown: false, offsetMs: 0 };
  private readonly points = { isFatal: (life: NodeLife, point: string) => this.isFatal(life, point) };

  constructor(
    readonly plan: Plan,
    private readonly options: WorldOptions,
  ) {
    this.plant = options.plant;
    this.ledger = new Ledger([...(options.ignored ?? []), ...(options.plant?.ignored ?? [])]);
    this.ledger.isStoreSound =
      plan.jobStore.refuseRate === 0 && !plan.jobStore.unknownRate && plan.jobStore.slowRate === 0;
    this.ledger.areFailStoresQuick = plan.failStore.slowRate === 0;
    this.ledger.isNetworkSound = plan.network.dropRate === 0 && plan.network.slowRate === 0;
    this.chance = new SeededChance(plan.seed);
    this.faultChance = this.chance.split('faults');
    this.trace = new Trace(this.time, options.print);
    this.network = new SimulatedNetwork({
      world: this.time,
      chance: this.chance.split('network'),
      faults: () => (this.isCalm ? calmNetwork : plan.network),
      points: this.points,
      trace: this.trace,
    });
    this.checker = new Checker(this.ledger, this);
    this.queue = watchedQueue(new MemoryJobQueue(), (verb, after, jobId) => this.checker.stepped(verb, after, jobId));
    this.leases = countedLeases(new MemoryLeases(), (what) => this.ledger.count(what));
    this.registry = new SimulatedRegistry(plan.mastership, (name) => this.network.isConnected(name));
    this.trackers = Array.from({ length: plan.trackers }, (_, i) =>
      this.process('tracker', `tracker${i}`, options.builders.tracker),
    );
    this.workers = plan.workers.map((_, i) => this.process('worker', `worker${i}`, options.builders.worker(i)));
    this.clients = Array.from({ length: plan.clients }, (_, i) =>
      this.process('client', `client${i}`, options.builders.client),
    );
  }

  get processes(): readonly SimulatedProcess[] {
    return [...this.trackers, ...this.workers, ...this.clients];
  }

  start(): void {
    for (const process of this.processes) process.start();
    this.countPlan();
  }

  /** From now on nothing goes wrong any more, and everyone who is down comes back. */
  calm(): void {
    this.isCalm = true;
    this.note('world', 'is calm');
    this.network.healAll();
    this.sharedStore.cuts.clear();
    this.sharedStore.areLeasesDown = false;
    for (const incident of this.ledger.incidents) incident.to = Math.min(incident.to, this.time.nowMs);
    for (const process of this.processes) {
      process.life?.thaw();
      process.start();
    }
  }

  note(who: string, what: string): void {
    this.trace.note(who, what);
  }

  logged(life: NodeLife, level: string, { fields, text }: { fields: object; text: string }): void {
    if (!life.isAlive) return;
    if (level === 'error') this.ledger.count('errors-logged');
    const cause = 'error' in fields ? ` (${String(fields.error)})` : '';
    this.note(life.name, `log ${level}: ${text}${cause}`);
  }

  /** How long the next outage lasts; short once the world is calm. */
  outageMs(): number {
    if (this.isCalm) return 500;
    return this.faultChance.between(this.plan.outageMs.min, this.plan.outageMs.max);
  }

  incident(kind: Incident['kind'], node: string): Incident {
    const incident: Incident = { kind, node, from: this.time.nowMs, to: Number.POSITIVE_INFINITY };
    this.ledger.incidents.push(incident);
    this.ledger.count(`incidents-${kind}`);
    return incident;
  }

  /** Several trackers share their store, and go by its time. */
  get isShared(): boolean {
    return this.plan.trackers > 1;
  }

  /** By which the trackers go: the store's time, or the wall clock of the only one. */
  wallMs(): number {
    const [only] = this.trackers;
    return this.isShared || !only
      ? Math.floor(worldBeganAt + this.sharedStore.offsetMs + this.time.nowMs)
      : only.wallMs();
  }

  /** The latest and the earliest that the trackers' wall clocks showed lately: a store call may be that long on its way. */
  wallRange(): { readonly latest: number; readonly earliest: number } {
    // Whoever cannot reach the store goes on by the time that it has.
    const since = this.isShared ? 0 : this.time.nowMs - 25_000;
    const whose = this.isShared ? 'store' : this.trackers[0]?.name;
    const jumps = this.ledger.incidents
      .filter(({ node, from }) => node === whose && from > since)
      .map(({ jumpMs = 0 }) => jumpMs);
    const now = this.wallMs();
    const back = jumps.reduce((sum, ms) => sum - Math.min(0, ms), 0);
    const forth = jumps.reduce((sum, ms) => sum + Math.max(0, ms), 0);
    return { latest: now + back, earliest: now - forth };
  }

  died(process: SimulatedProcess, life: NodeLife): void {
    this.users.delete(process.name);
    this.checker.died(life.name);
  }

  /** A store as one life of a node sees it. */
  store<Port extends object>(inner: Port, name: StoreName, ports: NodePorts): Port {
    const faults = this.faultsOf(name);
    const node = this.processOf(ports.life)?.name ?? ports.life.name.slice(0, ports.life.name.lastIndexOf('.'));
    return simulatedPort(inner, {
      name,
      life: ports.life,
      chance: this.chance.split(`${ports.life.name}/${name}`),
      faults: (): StoreFaults => (this.isCalm ? calmStore : faults),
      points: this.points,
      trace: this.trace,
      isOrdered: !this.plan.isStoreUnordered,
      onRefused: () => this.ledger.count('store-refusals'),
      onUnknown: () => this.ledger.count('store-unknown-outcomes'),
      onSlow: () => this.ledger.count('store-slow-calls'),
      isCut: () =>
        name !== 'failStore' &&
        (this.sharedStore.cuts.has(node) || (name === 'leases' && this.sharedStore.areLeasesDown)),
    });
  }

  private faultsOf(name: StoreName): StoreFaults {
    if (name === 'failStore') return this.plan.failStore;
    // Whoever asks the time measures how long the answer took, and takes no slow one for sure.
    return name === 'time' ? { ...this.plan.jobStore, slowRate: 0 } : this.plan.jobStore;
  }

  failStore(name: string): MemoryFailStore {
    const known = this.failStores.get(name);
    if (known) return known;
    const store = new MemoryFailStore();
    this.failStores.set(name, store);
    return store;
  }

  processOf(life: NodeLife): SimulatedProcess | undefined {
    return this.processes.find((process) => process.life === life);
  }

  private process(role: Role, name: string, build: Build): SimulatedProcess {
    const chance = this.chance.split(`${name}/clock`);
    const { wallOffsetMs } = this.plan;
    const clockError: ClockError = {
      offsetMs: wallOffsetMs === 0 ? 0 : chance.whole(-Math.abs(wallOffsetMs), Math.abs(wallOffsetMs)),
      rate: wallOffsetMs === 0 ? 1 : chance.pick(this.isShared ? [1, 0.9999, 1.0001] : [1, 0.999, 1.001]),
    };
    const process: SimulatedProcess = new SimulatedProcess(this, {
      role,
      name,
      clockError,
      build: (ports) => build(this, process)(ports),
    });
    return process;
  }

  private isFatal(life: NodeLife, point: string): boolean {
    const process = this.processOf(life);
    if (!process) return true;
    if (this.isCalm) return false;
    if (!this.isDoomed(process.role, point)) return false;
    this.ledger.count(point.endsWith(':before') ? 'crashes-before-a-call' : 'crashes-after-a-call');
    this.ledger.count(`crashes-at-${point.slice(0, point.indexOf('.'))}`);
    this.note(life.name, `dies at ${point}`);
    process.crash();
    return true;
  }

  private isDoomed(role: Role, point: string): boolean {
    this.ledger.count(`crash-points-${role}`);
    const { crashAt } = this.options;
    if (crashAt) return crashAt.role === role && this.ledger.counts[`crash-points-${role}`] === crashAt.nth;
    const rates = this.plan.crashes[role];
    return this.faultChance.isLucky(point.endsWith(':before') ? rates.beforeRate : rates.afterRate);
  }

  /** What a seed drew that is no event. */
  private countPlan(): void {
    if (!this.isShared) return;
    this.ledger.count(`mastership-${this.plan.mastership}`);
    const walls = this.trackers.map((tracker) => tracker.wallMs());
    if (Math.max(...walls) - Math.min(...walls) >= 3_600_000) this.ledger.count('clocks-an-hour-apart');
  }
}
