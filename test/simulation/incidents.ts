/** What befalls the nodes of a simulated cluster, the links between them and their store, until the world is calm. */
import type { Incident } from './ledger.js';
import type { SimulatedProcess } from './process.js';
import type { IncidentKind, WideKind } from './swarm.js';
import type { World } from './world.js';

/** By how much a clock is set. */
const jumpsMs: readonly number[] = [-60_000, -5_000, 5_000, 60_000, 3_600_000];

export class Incidents {
  constructor(private readonly world: World) {}

  start(): void {
    for (const [kind, everyMs] of Object.entries(this.world.plan.incidents)) this.repeat(kind as IncidentKind, everyMs);
  }

  private repeat(kind: IncidentKind, everyMs: number): void {
    const gapMs = -Math.log(1 - this.world.faultChance.next()) * everyMs;
    this.world.time.schedule(gapMs, () => {
      if (this.world.isCalm) return;
      this.happen(kind);
      this.repeat(kind, everyMs);
    });
  }

  private happen(kind: IncidentKind): void {
    const worker = this.world.faultChance.pick(this.world.workers);
    const client = this.world.faultChance.pick(this.world.clients);
    const tracker = this.world.faultChance.pick(this.world.trackers);
    switch (kind) {
      case 'tracker-crash':
        return tracker.crash();
      case 'worker-crash':
        return worker.crash();
      case 'client-crash':
        return client.crash();
      case 'tracker-freeze':
        return tracker.freeze(this.world.outageMs());
      case 'worker-freeze':
        return worker.freeze(this.world.outageMs());
      case 'tracker-disconnect':
        return this.disconnect(tracker);
      case 'worker-disconnect':
        return this.disconnect(worker);
      case 'client-disconnect':
        return this.disconnect(client);
      case 'cut':
        return this.cut(this.pair(), [this.world.faultChance.isLucky(0.5)]);
      case 'wall-jump':
        return this.jump(this.world.faultChance.pick([tracker, tracker, worker]));
      case 'tracker-stop':
        return tracker.stop();
      case 'worker-stop':
        return worker.stop();
      case 'partition':
        return this.cut(this.pair(), [true, false]);
      case 'store-cut':
        return this.cutStore(tracker);
      case 'registry-wipe':
        this.world.note('registry', 'is wiped');
        this.world.incident('registry-wipe', 'registry').to = this.world.time.nowMs;
        return this.world.registry.wipe();
      default:
        return this.happenToAll(kind, tracker);
    }
  }

  /** What befalls more than one node. */
  private happenToAll(kind: WideKind, tracker: SimulatedProcess): void {
    const outageMs = this.world.outageMs();
    switch (kind) {
      case 'clog':
        return this.clog(this.pair(), outageMs);
      case 'network-down':
        this.during(kind, 'network', outageMs);
        for (const process of this.world.processes) this.disconnect(process, outageMs);
        return;
      case 'trackers-crash':
        this.during(kind, tracker.name, 0);
        for (const process of this.world.trackers) process.crash();
        return;
      case 'store-down':
        this.during(kind, 'trackers', outageMs);
        for (const process of this.world.trackers) this.cutStore(process, outageMs);
        return;
      case 'leases-down':
        this.world.sharedStore.areLeasesDown = true;
        this.during(kind, 'trackers', outageMs, () => {
          this.world.sharedStore.areLeasesDown = false;
        });
        return;
      case 'store-clock-set':
        return this.setStoreClock();
    }
  }

  private during(kind: Incident['kind'], node: string, ms: number, end = () => {}): void {
    this.world.note(node, kind);
    const incident = this.world.incident(kind, node);
    this.world.time.schedule(ms, () => {
      incident.to = Math.min(incident.to, this.world.time.nowMs);
      this.world.note(node, `${kind} is over`);
      end();
    });
  }

  /** Both directions between two nodes hold what they were given. */
  private clog([tracker, other]: readonly [SimulatedProcess, SimulatedProcess], ms: number): void {
    const ways = [
      [tracker.name, other.name],
      [other.name, tracker.name],
    ] as const;
    for (const [from, to] of ways) this.world.network.clog(from, to);
    this.during('clog', other.name, ms, () => {
      for (const [from, to] of ways) this.world.network.unclog(from, to);
    });
  }

  private setStoreClock(): void {
    const ms = this.world.faultChance.pick(jumpsMs);
    this.world.sharedStore.offsetMs += ms;
    this.world.note('store', `its clock is set by ${ms} ms`);
    const incident = this.world.incident('store-clock-set', 'store');
    incident.to = this.world.time.nowMs;
    incident.jumpMs = ms;
  }

  private disconnect({ name }: SimulatedProcess, ms = this.world.outageMs()): void {
    if (!this.world.network.isConnected(name)) return;
    this.world.note(name, 'is disconnected');
    const incident = this.world.incident('disconnect', name);
    this.world.network.disconnect(name);
    this.world.time.schedule(ms, () => {
      this.world.network.reconnect(name);
      incident.to = Math.min(incident.to, this.world.time.nowMs);
      this.world.note(name, 'is connected');
    });
  }

  /** A tracker, and another node that may be a tracker too. */
  private pair(): readonly [tracker: SimulatedProcess, other: SimulatedProcess] {
    const tracker = this.world.faultChance.pick(this.world.trackers);
    return [tracker, this.world.faultChance.pick(this.world.processes.filter((process) => process !== tracker))];
  }

  /** One direction between two nodes, or both. */
  private cut([tracker, other]: readonly [SimulatedProcess, SimulatedProcess], inbound: readonly boolean[]): void {
    const incident = this.world.incident(inbound.length > 1 ? 'partition' : 'cut', other.name);
    const ways = inbound.map((isInbound) =>
      isInbound ? ([tracker.name, other.name] as const) : ([other.name, tracker.name] as const),
    );
    for (const [from, to] of ways) {
      this.world.note(other.name, `is cut: ${from} to ${to}`);
      this.world.network.cut(from, to);
    }
    this.world.time.schedule(this.world.outageMs(), () => {
      for (const [from, to] of ways) this.world.network.heal(from, to);
      incident.to = Math.min(incident.to, this.world.time.nowMs);
      this.world.note(other.name, `is healed: ${tracker.name}`);
    });
  }

  private cutStore({ name }: SimulatedProcess, ms = this.world.outageMs()): void {
    if (this.world.sharedStore.cuts.has(name)) return;
    this.world.note(name, 'is cut off from the store');
    const incident = this.world.incident('store-cut', name);
    this.world.sharedStore.cuts.add(name);
    this.world.time.schedule(ms, () => {
      this.world.sharedStore.cuts.delete(name);
      incident.to = Math.min(incident.to, this.world.time.nowMs);
      this.world.note(name, 'reaches the store');
    });
  }

  private jump(process: SimulatedProcess): void {
    const ms = this.world.faultChance.pick(jumpsMs);
    this.world.note(process.name, `wall clock jumps by ${ms} ms`);
    const incident = this.world.incident('wall-jump', process.name);
    incident.to = this.world.time.nowMs;
    incident.jumpMs = ms;
    process.options.clockError.offsetMs += ms;
  }
}
