/** One node of a test cluster: it can be stopped, killed at any moment, and started again under its name. */
import type { Chance } from '../../ports/chance.js';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';
import type { Log } from '../../ports/log.js';
import type { Transport } from '../../ports/transport.js';
import { NodeLife } from '../node-life.js';
import { SeededIds } from '../seeded-ids.js';
import type { World } from './world.js';

/** What every role is given; it ends with the life of its node. */
export interface NodePorts {
  readonly life: NodeLife;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
  readonly log: Log;
  readonly transport: Transport;
}

export interface Role {
  start(): Promise<unknown>;
  stop(): Promise<unknown>;
}

export class TestNode<R extends Role = Role> {
  private lives = 0;
  private living: { readonly life: NodeLife; readonly role: R } | undefined;

  constructor(
    private readonly world: World,
    readonly name: string,
    private readonly build: (ports: NodePorts) => R,
  ) {}

  get isAlive(): boolean {
    return this.living !== undefined;
  }

  /** The role of the present life. */
  get role(): R | undefined {
    return this.living?.role;
  }

  /** Resolves when the node is at work. While it is alive this does nothing. */
  async start(): Promise<void> {
    if (this.living) return;
    const life = new NodeLife(this.world.time, `${this.name}.${++this.lives}`);
    const role = this.build(this.portsOf(life));
    this.living = { life, role };
    this.world.trace.note(life.name, 'starts');
    await this.world.keeper.during(role.start());
  }

  /** In order: a worker finishes what it runs within 25 s of virtual time and hands back the rest. */
  async stop(): Promise<void> {
    const { living } = this;
    if (!living) return;
    await this.world.keeper.during(living.role.stop());
    this.kill();
  }

  /** As kill -9: at this instant, in the middle of whatever it does. What its handlers still do reaches nobody. */
  kill(): void {
    if (!this.living) return;
    this.world.trace.note(this.living.life.name, 'ends');
    this.living.life.end();
    this.living = undefined;
  }

  async restart(): Promise<void> {
    this.kill();
    await this.start();
  }

  private portsOf(life: NodeLife): NodePorts {
    const { world } = this;
    const clock = world.clockOf(life);
    const chance = world.chance.split(life.name);
    return {
      life,
      clock,
      chance: chance.split('chance'),
      ids: new SeededIds(clock, chance.split('ids')),
      log: world.logOf(life),
      transport: world.network.transport(this.name, life),
    };
  }
}
