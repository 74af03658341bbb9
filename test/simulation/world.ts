/** One simulated cluster: nodes, network, stores and everything that goes wrong, driven by one seed. */
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { MemoryJobLogger } from '../../src/adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../../src/adapters/memory/memory-job-queue.js';
import type { JobTrackerRole } from '../../src/job-tracker/job-tracker.js';
import type { JobQueue } from '../../src/ports/job-queue.js';
import type { TaskTrackerRole } from '../../src/task-tracker/task-tracker.js';
import { calmNetwork, calmStore, type StoreFaults } from '../../src/testing/faults.js';
import type { NodeLife } from '../../src/testing/node-life.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { SimulatedNetwork } from '../../src/testing/simulated-network.js';
import { simulatedPort } from '../../src/testing/simulated-port.js';
import { Trace } from '../../src/testing/trace.js';
import type { ClockError } from '../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../src/testing/virtual-time.js';
import { Checker } from './checker.js';
import { type Incident, Ledger } from './ledger.js';
import { type NodePorts, type Running, SimulatedProcess } from './process.js';
import { watchedQueue } from './store-watch.js';
import type { IncidentKind, Plan, Role } from './swarm.js';
import type { User } from './user.js';

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
  readonly tracker: SimulatedProcess;
  readonly workers: readonly SimulatedProcess[];
  readonly clients: readonly SimulatedProcess[];
  /** The user's side of each client, while it is up. */
  readonly users = new Map<string, User>();
  readonly plant: Plant | undefined;
  private readonly faultChance: SeededChance;
  private isCalm = false;
  private readonly points = { isFatal: (life: NodeLife, point: string) => this.isFatal(life, point) };

  constructor(
    readonly plan: Plan,
    private readonly options: WorldOptions,
  ) {
    this.plant = options.plant;
    this.ledger = new Ledger([...(options.ignored ?? []), ...(options.plant?.ignored ?? [])]);
    this.ledger.isStoreSound = plan.jobStore.refuseRate === 0 && plan.jobStore.slowRate === 0;
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
    this.tracker = this.process('tracker', 'tracker', options.builders.tracker);
    this.workers = plan.workers.map((_, i) => this.process('worker', `worker${i}`, options.builders.worker(i)));
    this.clients = Array.from({ length: plan.clients }, (_, i) =>
      this.process('client', `client${i}`, options.builders.client),
    );
  }

  get processes(): readonly SimulatedProcess[] {
    return [this.tracker, ...this.workers, ...this.clients];
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

  /** The latest and the earliest that the tracker's wall clock showed lately: a store call may be that long on its way. */
  wallRange(): { readonly latest: number; readonly earliest: number } {
    const since = this.time.nowMs - 25_000;
    const jumps = this.ledger.incidents
      .filter(({ node, from }) => node === this.tracker.name && from > since)
      .map(({ jumpMs = 0 }) => jumpMs);
    const now = this.tracker.wallMs();
    const back = jumps.reduce((sum, ms) => sum - Math.min(0, ms), 0);
    const forth = jumps.reduce((sum, ms) => sum + Math.max(0, ms), 0);
    return { latest: now + back, earliest: now - forth };
  }

  died(process: SimulatedProcess, life: NodeLife): void {
    this.users.delete(process.name);
    this.checker.died(life.name);
  }

  /** A store as one life of a node sees it. */
  store<Port extends object>(inner: Port, name: 'queue' | 'failStore' | 'logger', ports: NodePorts): Port {
    const faults = name === 'failStore' ? this.plan.failStore : this.plan.jobStore;
    return simulatedPort(inner, {
      name,
      life: ports.life,
      chance: this.chance.split(`${ports.life.name}/${name}`),
      faults: (): StoreFaults => (this.isCalm ? calmStore : faults),
      points: this.points,
      trace: this.trace,
      isOrdered: !this.plan.isStoreUnordered,
      onRefused: () => this.ledger.count('store-refusals'),
    });
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
      rate: wallOffsetMs === 0 ? 1 : chance.pick([1, 0.999, 1.001]),
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
    switch (kind) {
      case 'tracker-crash':
        return this.tracker.crash();
      case 'worker-crash':
        return worker.crash();
      case 'client-crash':
        return client.crash();
      case 'tracker-freeze':
        return this.tracker.freeze(this.outageMs());
      case 'worker-freeze':
        return worker.freeze(this.outageMs());
      case 'tracker-disconnect':
        return this.disconnect(this.tracker);
      case 'worker-disconnect':
        return this.disconnect(worker);
      case 'client-disconnect':
        return this.disconnect(client);
      case 'cut':
        return this.cut(this.faultChance.pick([...this.workers, ...this.clients]));
      case 'wall-jump':
        return this.jump(this.faultChance.pick([this.tracker, this.tracker, worker]));
      case 'tracker-stop':
        return this.tracker.stop();
      case 'worker-stop':
        return worker.stop();
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

  /** One direction between a node and the tracker. */
  private cut({ name }: SimulatedProcess): void {
    const isInbound = this.faultChance.isLucky(0.5);
    const [from, to] = isInbound ? [this.tracker.name, name] : [name, this.tracker.name];
    this.note(name, `is cut: ${from} to ${to}`);
    const incident = this.incident('cut', name);
    this.network.cut(from, to);
    this.time.schedule(this.outageMs(), () => {
      this.network.heal(from, to);
      incident.to = Math.min(incident.to, this.time.nowMs);
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
