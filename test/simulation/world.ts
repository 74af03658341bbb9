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
import type { IncidentKind, Plan, Role } from './swarm.js';
import type { User } from './user.js';

/** A shared store's time is known to its trackers with this error, the way of the answer included. */
const storeClockErrorMs = 100;

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
  private readonly faultChance: SeededChance;
  private isCalm = false;
  /** Nodes that do not reach the job store. */
  private readonly storeCuts = new Set<string>();
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
    for (const [kind, everyMs] of Object.entries(this.plan.incidents))
      this.repeatIncident(kind as IncidentKind, everyMs);
  }

  /** From now on nothing goes wrong any more, and everyone who is down comes back. */
  calm(): void {
    this.isCalm = true;
    this.note('world', 'is calm');
    this.network.healAll();
    this.storeCuts.clear();
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
    return this.isShared || !only ? Math.floor(worldBeganAt + this.time.nowMs) : only.wallMs();
  }

  /** The latest and the earliest that the trackers' wall clocks showed lately: a store call may be that long on its way. */
  wallRange(): { readonly latest: number; readonly earliest: number } {
    if (this.isShared)
      return { latest: this.wallMs() + storeClockErrorMs, earliest: this.wallMs() - storeClockErrorMs };
    const since = this.time.nowMs - 25_000;
    const jumps = this.ledger.incidents
      .filter(({ node, from }) => node === this.trackers[0]?.name && from > since)
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
      isCut: () => name !== 'failStore' && this.storeCuts.has(node),
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

  private repeatIncident(kind: IncidentKind, everyMs: number): void {
    const gapMs = -Math.log(1 - this.faultChance.next()) * everyMs;
    this.time.schedule(gapMs, () => {
      if (this.isCalm) return;
      this.happen(kind);
      this.repeatIncident(kind, everyMs);
    });
  }

  private happen(kind: IncidentKind): void {
    const worker = this.faultChance.pick(this.workers);
    const client = this.faultChance.pick(this.clients);
    const tracker = this.faultChance.pick(this.trackers);
    switch (kind) {
      case 'tracker-crash':
        return tracker.crash();
      case 'worker-crash':
        return worker.crash();
      case 'client-crash':
        return client.crash();
      case 'tracker-freeze':
        return tracker.freeze(this.outageMs());
      case 'worker-freeze':
        return worker.freeze(this.outageMs());
      case 'tracker-disconnect':
        return this.disconnect(tracker);
      case 'worker-disconnect':
        return this.disconnect(worker);
      case 'client-disconnect':
        return this.disconnect(client);
      case 'cut':
        return this.cut(this.pair(), [this.faultChance.isLucky(0.5)]);
      case 'wall-jump':
        return this.jump(this.faultChance.pick([tracker, tracker, worker]));
      case 'tracker-stop':
        return tracker.stop();
      case 'worker-stop':
        return worker.stop();
      case 'partition':
        return this.cut(this.pair(), [true, false]);
      case 'store-cut':
        return this.cutStore(tracker);
      case 'registry-wipe':
        this.note('registry', 'is wiped');
        this.incident('registry-wipe', 'registry').to = this.time.nowMs;
        return this.registry.wipe();
    }
  }

  private disconnect({ name }: SimulatedProcess): void {
    if (!this.network.isConnected(name)) return;
    this.note(name, 'is disconnected');
    const incident = this.incident('disconnect', name);
    this.network.disconnect(name);
    this.time.schedule(this.outageMs(), () => {
      this.network.reconnect(name);
      incident.to = Math.min(incident.to, this.time.nowMs);
      this.note(name, 'is connected');
    });
  }

  /** A tracker, and another node that may be a tracker too. */
  private pair(): readonly [tracker: SimulatedProcess, other: SimulatedProcess] {
    const tracker = this.faultChance.pick(this.trackers);
    return [tracker, this.faultChance.pick(this.processes.filter((process) => process !== tracker))];
  }

  /** One direction between two nodes, or both. */
  private cut([tracker, other]: readonly [SimulatedProcess, SimulatedProcess], inbound: readonly boolean[]): void {
    const incident = this.incident(inbound.length > 1 ? 'partition' : 'cut', other.name);
    const ways = inbound.map((isInbound) =>
      isInbound ? ([tracker.name, other.name] as const) : ([other.name, tracker.name] as const),
    );
    for (const [from, to] of ways) {
      this.note(other.name, `is cut: ${from} to ${to}`);
      this.network.cut(from, to);
    }
    this.time.schedule(this.outageMs(), () => {
      for (const [from, to] of ways) this.network.heal(from, to);
      incident.to = Math.min(incident.to, this.time.nowMs);
      this.note(other.name, `is healed: ${tracker.name}`);
    });
  }

  private cutStore({ name }: SimulatedProcess): void {
    if (this.storeCuts.has(name)) return;
    this.note(name, 'is cut off from the store');
    const incident = this.incident('store-cut', name);
    this.storeCuts.add(name);
    this.time.schedule(this.outageMs(), () => {
      this.storeCuts.delete(name);
      incident.to = Math.min(incident.to, this.time.nowMs);
      this.note(name, 'reaches the store');
    });
  }

  private jump(process: SimulatedProcess): void {
    const ms = this.faultChance.pick([-60_000, -5_000, 5_000, 60_000, 3_600_000]);
    this.note(process.name, `wall clock jumps by ${ms} ms`);
    const incident = this.incident('wall-jump', process.name);
    incident.to = this.time.nowMs;
    incident.jumpMs = ms;
    process.options.clockError.offsetMs += ms;
  }
}
