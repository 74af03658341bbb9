/** One simulated process: its machine's clock and its disk outlive it, its memory does not. */
import type { Chance } from '../../src/ports/chance.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Ids } from '../../src/ports/ids.js';
import type { Log } from '../../src/ports/log.js';
import type { Transport } from '../../src/ports/transport.js';
import { NodeLife } from '../../src/testing/node-life.js';
import type { SeededChance } from '../../src/testing/seeded-chance.js';
import { SeededIds } from '../../src/testing/seeded-ids.js';
import type { SimulatedNetwork } from '../../src/testing/simulated-network.js';
import { type ClockError, VirtualClock } from '../../src/testing/virtual-clock.js';
import type { VirtualTime } from '../../src/testing/virtual-time.js';
import type { Incident, Ledger } from './ledger.js';
import type { Role } from './swarm.js';

/** What every role is given. */
export interface NodePorts {
  readonly life: NodeLife;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
  readonly log: Log;
  readonly transport: Transport;
}

export interface Running {
  start(): Promise<unknown>;
  stop(deadlineMs: number): Promise<unknown>;
}

/** The world as a process meets it. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly chance: SeededChance;
  readonly network: SimulatedNetwork;
  readonly ledger: Ledger;
  note(who: string, what: string): void;
  logged(life: NodeLife, level: string, line: { readonly fields: object; readonly text: string }): void;
  incident(kind: Incident['kind'], node: string): Incident;
  died(process: SimulatedProcess, life: NodeLife): void;
  outageMs(): number;
}

/** Who sleeps longer than that finds that others have gone on without it. */
const leaseMs = 30_000;

export interface ProcessOptions {
  readonly role: Role;
  readonly name: string;
  readonly clockError: ClockError;
  /** Builds the role object for a new life; must not start it. */
  readonly build: (ports: NodePorts) => Running;
}

export class SimulatedProcess {
  life: NodeLife | undefined;
  /** When its present life had started; before that it watches over nothing. */
  startedAt = Number.POSITIVE_INFINITY;
  private lives = 0;
  private running: Running | undefined;
  private down: Incident | undefined;
  private isStopping = false;

  constructor(
    private readonly world: Surroundings,
    readonly options: ProcessOptions,
  ) {}

  get name(): string {
    return this.options.name;
  }

  get role(): Role {
    return this.options.role;
  }

  get isAlive(): boolean {
    return this.life?.isAlive ?? false;
  }

  wallMs(): number {
    return new VirtualClock(this.world.time, this.options.clockError).wallMs();
  }

  start(): void {
    if (this.isAlive) return;
    this.isStopping = false;
    if (this.down) this.down.to = this.world.time.nowMs;
    this.down = undefined;
    const life = new NodeLife(this.world.time, `${this.name}.${++this.lives}`);
    this.life = life;
    this.world.note(life.name, 'starts');
    this.startedAt = Number.POSITIVE_INFINITY;
    this.running = this.options.build(this.portsOf(life));
    this.running.start().then(
      () => {
        if (life.isAlive) this.startedAt = this.world.time.nowMs;
      },
      (error: unknown) => {
        this.world.note(life.name, `start failed: ${String(error)}`);
        if (life.isAlive) this.crash();
      },
    );
  }

  /** The process is gone at this instant; it comes again by itself after an outage. */
  crash(): void {
    const { life } = this;
    if (!life?.isAlive) return;
    this.world.ledger.count(`${this.role}-crashes`);
    this.world.note(life.name, 'crashes');
    this.down = this.world.incident('crash', this.name);
    life.end();
    this.world.died(this, life);
    this.world.time.schedule(this.world.outageMs(), () => this.start());
  }

  /** SIGTERM: whatever the role does in its time, and a new start after an outage. */
  stop(): void {
    const { life, running } = this;
    if (!life?.isAlive || life.isFrozen || !running || this.isStopping) return;
    this.isStopping = true;
    this.world.ledger.count(`${this.role}-stops`);
    this.world.note(life.name, 'stops');
    const incident = this.world.incident('stop', this.name);
    void running.stop(5_000).then(() => {
      if (!life.isAlive) return;
      incident.to = this.world.time.nowMs;
      life.end();
      this.world.died(this, life);
      this.world.time.schedule(this.world.outageMs(), () => this.start());
    });
  }

  /** SIGSTOP, and SIGCONT after `ms`. */
  freeze(ms: number): void {
    const { life } = this;
    if (!life?.isAlive || life.isFrozen) return;
    this.world.ledger.count('freezes');
    this.world.note(life.name, 'is frozen');
    const incident = this.world.incident('freeze', this.name);
    life.freeze();
    this.world.time.schedule(ms, () => {
      // A calm world has woken it before.
      incident.to = Math.min(incident.to, this.world.time.nowMs);
      if (life.isFrozen && ms > leaseMs) this.world.ledger.count(`zombies-${this.role}`);
      this.world.note(life.name, 'thaws');
      life.thaw();
    });
  }

  private portsOf(life: NodeLife): NodePorts {
    const clock = new VirtualClock(life, this.options.clockError);
    const chance = this.world.chance.split(life.name);
    const note = (level: string) => (fields: object, text: string) => this.world.logged(life, level, { fields, text });
    return {
      life,
      clock,
      chance: chance.split('chance'),
      ids: new SeededIds(clock, chance.split('ids')),
      log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
      transport: this.world.network.transport(this.name, life),
    };
  }
}
