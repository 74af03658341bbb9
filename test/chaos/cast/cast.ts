/** The cast of one scenario: servers on free ports and nodes as real processes, each behind proxies of its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MongoServer, startMongoServer, whyNoRestarts } from '../../servers/mongo-server.js';
import { NatsServer } from '../../servers/nats-server.js';
import { Journal, Journals } from '../journal.js';
import { Actor } from './actor.js';
import type { Role } from './node.js';
import { LinkProxy } from './proxy.js';

export type Shape = 'nats-lmdb' | 'nats-mongo';

export interface CastPlan {
  readonly shape: Shape;
  readonly workers: number;
  readonly clients: number;
  /** Of shape nats-mongo; nats-lmdb has one. */
  readonly trackers: number;
  /** Pause between a client's submits. */
  readonly everyMs: number;
  /** Where nodes are compiled to. */
  readonly program: string;
}

export class Cast {
  readonly actors = new Map<string, Actor>();
  readonly links = new Map<string, LinkProxy>();
  readonly journal: Journal;
  readonly journals: Journals;
  /** Pause between submits of clients that start from now on. */
  everyMs: number;
  private mongo: MongoServer | undefined;
  /** Two scenarios at once may both stop a server. */
  private readonly downServers = new Set<'nats' | 'store'>();

  private constructor(
    readonly plan: CastPlan,
    /** Journals, logs and the nodes' data. */
    readonly folder: string,
    private readonly nats: NatsServer,
  ) {
    this.journal = new Journal(folder, 'supervisor');
    this.journals = new Journals(folder);
    process.on('exit', this.remove);
    this.everyMs = plan.everyMs;
  }

  /** All nodes stand. What was started before a failure is ended. */
  static async start(plan: CastPlan): Promise<Cast> {
    const folder = mkdtempSync(join(tmpdir(), 'lts-chaos-'));
    const cast = new Cast(plan, folder, await NatsServer.start());
    try {
      await cast.startStore();
      for (const role of ['tracker', 'worker', 'client'] as const) await cast.add(role);
      await cast.startAll('tracker');
      await cast.startAll('worker', 'client');
      return cast;
    } catch (error) {
      await cast.end();
      throw error;
    }
  }

  /** Straight to the server. */
  get natsUrl(): string {
    return this.nats.url;
  }

  named(name: string): Actor {
    const actor = this.actors.get(name);
    if (!actor) throw new Error(`no ${name} in this cast: ${[...this.actors.keys()].join(', ')}`);
    return actor;
  }

  of(role: Role): Actor[] {
    return [...this.actors.values()].filter(({ parts }) => parts.role === role);
  }

  link(name: string): LinkProxy {
    const link = this.links.get(name);
    if (!link) throw new Error(`no link ${name} in this cast: ${[...this.links.keys()].join(', ')}`);
    return link;
  }

  /** SIGSTOP: its sockets stay open and say nothing. */
  freezeNats(): void {
    this.journal.write({ kind: 'fault', fault: 'freeze', who: 'nats', life: 0 });
    this.nats.pause();
  }

  thawNats(): void {
    this.journal.write({ kind: 'healed', fault: 'freeze', who: 'nats', life: 0 });
    if (!this.downServers.has('nats')) this.nats.resume();
  }

  async stopServer(server: 'nats' | 'store'): Promise<void> {
    if (this.downServers.has(server)) return;
    this.downServers.add(server);
    this.journal.write({ kind: 'fault', fault: 'kill', who: server, life: 0 });
    if (server === 'nats') return this.nats.kill();
    for (const link of this.storeLinks()) link.cut();
    if (whyNoRestarts === undefined) await this.mongo?.stop();
  }

  async startServer(server: 'nats' | 'store'): Promise<void> {
    if (!this.downServers.delete(server)) return;
    if (server === 'nats') await this.nats.run();
    else await this.restartStore();
    this.journal.write({ kind: 'healed', fault: 'kill', who: server, life: 0 });
  }

  /** Ends every process and socket; the folder stays. */
  async end(): Promise<void> {
    await Promise.all([...this.actors.values()].map((actor) => actor.retire()));
    await Promise.all([...this.links.values()].map((link) => link.stop()));
    await this.nats.stop();
    await this.mongo?.stop();
    this.journal.close();
    process.off('exit', this.remove);
  }

  /** Also called when a run is broken off: nothing stays of it. */
  readonly remove = (): void => rmSync(this.folder, { recursive: true, force: true });

  private storeLinks(): LinkProxy[] {
    return [...this.links].filter(([name]) => name.endsWith('/store')).map(([, link]) => link);
  }

  private async startStore(): Promise<void> {
    if (this.plan.shape !== 'nats-mongo') return;
    this.mongo = await startMongoServer({ file: join(this.folder, 'mongo') });
  }

  private async restartStore(): Promise<void> {
    if (whyNoRestarts === undefined) await this.startStore();
    for (const link of this.storeLinks()) {
      if (this.mongo) link.target = this.mongo.host;
      link.mend();
    }
  }

  private async add(role: Role): Promise<void> {
    const { workers, clients, trackers, shape } = this.plan;
    const counts = { worker: workers, client: clients, tracker: shape === 'nats-lmdb' ? 1 : trackers };
    for (let i = 1; i <= counts[role]; i++) await this.addActor(role, `${role}-${i}`);
  }

  private async addActor(role: Role, name: string): Promise<void> {
    const { folder, journal } = this;
    const link = await this.newLink(name, `127.0.0.1:${this.nats.port}`);
    const storeLink =
      this.mongo && role === 'tracker' ? await this.newLink(`${name}/store`, this.mongo.host) : undefined;
    const options = { ...this.placeOf(name, link), ...(storeLink && storeOptions(storeLink)) };
    const { program } = this.plan;
    const everyMs = () => (role === 'client' ? this.everyMs : 0);
    this.actors.set(name, new Actor({ name, role, program, folder, journal, link, options, everyMs }));
  }

  private placeOf(name: string, link: LinkProxy, dataPath = join(this.folder, 'data', name)) {
    mkdirSync(dataPath, { recursive: true });
    return { clusterName: 'chaos', registryAddress: `nats://127.0.0.1:${link.port}`, dataPath, identity: name };
  }

  /** The same identity elsewhere. */
  twinOptions({ name, parts }: Actor): object {
    return { ...parts.options, ...this.placeOf(name, parts.link, join(this.folder, 'data', `${name}-twin`)) };
  }

  private async newLink(name: string, target: string): Promise<LinkProxy> {
    const link = new LinkProxy(target, () => this.journal.write({ kind: 'contact', who: name }));
    await link.start();
    this.links.set(name, link);
    return link;
  }

  private async startAll(...roles: Role[]): Promise<void> {
    await Promise.all(roles.flatMap((role) => this.of(role)).map((actor) => actor.start()));
  }
}

const storeOptions = (link: LinkProxy) => ({
  jobQueue: 'mongo',
  mongo: { addresses: `mongodb://127.0.0.1:${link.port}/?directConnection=true`, database: 'chaos' },
});
