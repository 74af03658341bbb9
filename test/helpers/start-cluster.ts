/** A whole cluster in memory and in virtual time: one tracker, one client, and as many workers as a test wants. */
import { JsonCodec } from '../../src/adapters/json/json-codec.js';
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { MongoClock } from '../../src/adapters/mongo/mongo-clock.js';
import { RunnerTable, type RunnerTableOptions } from '../../src/boot/runner-table.js';
import { LtsError } from '../../src/errors.js';
import type { Job, JobRecord } from '../../src/job/job.js';
import type { JobLogLine } from '../../src/job/log-line.js';
import type { ClientSettings } from '../../src/job-client/client-ports.js';
import { JobClientRole } from '../../src/job-client/job-client.js';
import { JobTrackerRole } from '../../src/job-tracker/job-tracker.js';
import type { TrackerSettings } from '../../src/job-tracker/tracker-ports.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Leases } from '../../src/ports/leases.js';
import type { Log } from '../../src/ports/log.js';
import type { OldDataHandler } from '../../src/ports/old-data.js';
import type { Transport } from '../../src/ports/transport.js';
import { type StopReport, TaskTrackerRole } from '../../src/task-tracker/task-tracker.js';
import type { WorkerSettings } from '../../src/task-tracker/worker-ports.js';
import { NodeLife } from '../../src/testing/node-life.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { SeededIds } from '../../src/testing/seeded-ids.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Ground, memoryGround, openGround, shape } from './ground.js';

export interface LogEntry {
  readonly node: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

interface NodeOptions {
  readonly failStore?: MemoryFailStore;
  /** The transport that the role is given, made of its node's. */
  readonly through?: (node: TestNode) => Transport;
}
export type WorkerOptions = RunnerTableOptions & Partial<WorkerSettings> & NodeOptions;
export type ClientOptions = Partial<ClientSettings> & NodeOptions;

/** What one node is given; `life.end()` is kill -9. */
export class TestNode {
  /** Neither requests nor answers pass while it is cut off. */
  isCut = false;
  /** Replies to these message kinds are lost, after the request was handled; counted down. */
  readonly lostReplies = new Map<string, number>();
  /** What it publishes is lost. */
  isMute = false;
  readonly life: NodeLife;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly asked: string[] = [];

  constructor(
    readonly name: string,
    readonly cluster: TestCluster,
    /** How far its machine's wall clock is off. */
    offsetMs = 0,
  ) {
    this.life = new NodeLife(cluster.time, name);
    this.clock = new VirtualClock(this.life, { offsetMs, rate: 1 });
    this.transport = this.gated(cluster.network.transport());
  }

  /** Kill -9: its timers never fire, its awaits never return, nobody listens for it any more. */
  async kill(): Promise<void> {
    this.life.end();
    await this.transport.close();
  }

  private gated(inner: Transport): Transport {
    return {
      isForeign: inner.isForeign,
      request: (subject, message, options) => {
        this.asked.push(message.kind);
        if (!this.life.isAlive) return new Promise(() => undefined);
        if (this.isCut) return this.unanswered(options);
        const lost = this.lostReplies.get(message.kind) ?? 0;
        const answer = inner.request(subject, message, options);
        if (lost > 0) {
          this.lostReplies.set(message.kind, lost - 1);
          answer.catch(() => undefined);
          return this.unanswered(options);
        }
        return new Promise((resolve, reject) => {
          answer.then(
            (value) => this.life.isAlive && resolve(value),
            (error) => this.life.isAlive && reject(error),
          );
        });
      },
      publish: (subject, message) => {
        if (this.life.isAlive && !this.isCut && !this.isMute) inner.publish(subject, message);
      },
      subscribe: (subject, handler, options) =>
        inner.subscribe(
          subject,
          (message, context) =>
            this.isCut || !this.life.isAlive ? new Promise(() => undefined) : handler(message, context),
          options,
        ),
      isUp: () => !this.isCut && inner.isUp(),
      close: () => inner.close(),
    };
  }

  private async unanswered({
    deadlineMs,
    signal,
  }: {
    deadlineMs: number;
    signal?: AbortSignal | undefined;
  }): Promise<never> {
    await this.clock.sleep(deadlineMs, signal);
    throw new LtsError(signal?.aborted ? 'LTS_ABORTED' : 'LTS_TIMEOUT', 'no answer came');
  }
}

export interface Worker {
  readonly node: TestNode;
  readonly role: TaskTrackerRole;
  readonly failStore: MemoryFailStore;
  stop(deadlineMs?: number): Promise<StopReport>;
  kill(): Promise<void>;
}

export interface Peer {
  readonly identity: string;
  readonly node: TestNode;
  readonly role: Pick<JobTrackerRole, 'start' | 'stop'>;
  kill(): Promise<void>;
}

export interface Client {
  readonly node: TestNode;
  readonly role: JobClientRole;
  readonly failStore: MemoryFailStore;
}

export class TestCluster {
  readonly time: Ground['time'];
  readonly clock: Ground['clock'];
  readonly network: Ground['network'];
  readonly queue: Ground['queue'];
  readonly logger: Ground['logger'];
  readonly codec = new JsonCodec();
  readonly log: LogEntry[] = [];
  tracker!: { node: TestNode; role: JobTrackerRole };
  client!: Client;
  /** Trackers that are up, where there are several, and the leases that they share. */
  peers: readonly Peer[] = [];
  readonly leases: Leases;
  /** By how much the wall clock of the next node is off. Trackers of a shared store go by the store's time all the same. */
  clockOffsetMs = 0;
  private readonly nodes: TestNode[] = [];
  /** Of the nodes that start from now on. */
  oldDataHandler: OldDataHandler | undefined;
  private readonly stops: (() => Promise<unknown>)[] = [];

  constructor(private readonly ground: Ground = memoryGround()) {
    const { time, clock, network, queue, logger } = ground;
    this.time = time;
    this.clock = clock;
    this.network = network;
    this.queue = queue;
    this.logger = logger;
    this.leases = ground.newLeases();
  }

  /** Stands on what this run of the tests is for. */
  static async open(): Promise<TestCluster> {
    return new TestCluster(await openGround());
  }

  async startTracker(settings: Partial<TrackerSettings> = {}): Promise<JobTrackerRole> {
    const node = this.node('tracker');
    const { queue, logger } = this;
    const peers = this.ground.isShared ? { isMaster: () => true, trackers: () => ['tracker'] } : undefined;
    const role = new JobTrackerRole(
      { queue, logger, leases: this.ground.newLeases(), peers, ...this.ports(node) },
      { cluster: 'test', timeZone: 'UTC', ...settings },
    );
    this.tracker = { node, role };
    await this.until(role.start());
    return role;
  }

  /** One of several trackers on the cluster's store; the first of those that are up is their master. */
  async startPeer(identity: string, settings: Partial<TrackerSettings> = {}): Promise<Peer> {
    const peer = this.makePeer(identity, settings);
    await this.until(peer.role.start());
    return peer;
  }

  /** All in the same instant. */
  async startPeers(...identities: string[]): Promise<void> {
    const peers = identities.map((identity) => this.makePeer(identity, {}));
    await this.until(Promise.all(peers.map(({ role }) => role.start())));
  }

  /** It is in the registry before it starts. */
  private makePeer(identity: string, settings: Partial<TrackerSettings>): Peer {
    const node = this.node(identity);
    // While it reaches nobody, nobody is gone.
    const seen = () => this.peers.filter((peer) => peer.node === node || node.isCut || !peer.node.isCut);
    const peers = {
      isMaster: () => !node.isCut && seen()[0]?.identity === identity,
      trackers: () => seen().map((peer) => peer.identity),
    };
    const { queue, logger, leases } = this;
    const own = this.ports(node);
    const clock = new MongoClock(async () => this.clock.wallMs(), node.clock, own.log);
    const ports = { queue, logger, leases, peers, ...own, clock };
    const role = new JobTrackerRole(ports, { cluster: 'test', timeZone: 'UTC', identity, ...settings });
    const leave = () => {
      this.peers = this.peers.filter((other) => other !== peer);
    };
    const peer: Peer = {
      identity,
      node,
      role: {
        start: async () => {
          await clock.start();
          await role.start();
        },
        stop: () => role.stop(),
      },
      kill: async () => {
        leave();
        await node.kill();
      },
    };
    this.peers = [...this.peers, peer];
    this.stops.push(async () => {
      leave();
      clock.stop();
      if (!node.life.isAlive) return;
      await this.until(role.stop());
      await node.transport.close();
    });
    return peer;
  }

  async stopTracker(): Promise<void> {
    await this.until(this.tracker.role.stop());
    await this.tracker.node.transport.close();
  }

  async startWorker({
    jobRunner,
    processors,
    failStore = new MemoryFailStore(),
    through = ({ transport }) => transport,
    ...settings
  }: WorkerOptions): Promise<Worker> {
    const node = this.node('worker');
    const runners = new RunnerTable({ jobRunner, processors });
    const role = new TaskTrackerRole(
      { ...this.ports(node), transport: through(node), failStore, codec: this.codec, runners },
      { cluster: 'test', identity: node.name, nodeGroup: 'lts', ...settings },
    );
    await this.until(role.start());
    const stop = async (deadlineMs?: number) => {
      const report = await this.until(role.stop(deadlineMs));
      await node.transport.close();
      return report;
    };
    this.stops.push(async () => node.life.isAlive && node.transport.isUp() && stop());
    return { node, role, failStore, stop, kill: () => node.kill() };
  }

  async startClient({
    failStore = new MemoryFailStore(),
    through = ({ transport }) => transport,
    ...settings
  }: ClientOptions = {}): Promise<Client> {
    const node = this.node('client');
    const ports = { ...this.ports(node), transport: through(node), failStore, codec: this.codec };
    const role = new JobClientRole(ports, { cluster: 'test', identity: node.name, nodeGroup: 'web', ...settings });
    await this.until(role.start());
    this.stops.push(async () => this.until(role.stop()));
    return { node, role, failStore };
  }

  /** Submits a job that must be accepted; answers its jobId. */
  async submit(job: Job = {}, client: Client = this.client): Promise<string> {
    const outcome = await this.until(client.role.submit(job));
    if (outcome.code !== 'accepted') throw new Error(`${outcome.code}: ${outcome.msg}`);
    return outcome.jobId;
  }

  async submitAll(jobs: readonly Job[]): Promise<string[]> {
    return Promise.all(jobs.map((job) => this.submit(job)));
  }

  /** The record as it is stored. */
  async record(jobId: string): Promise<JobRecord> {
    const [record] = await this.queue.get([jobId]);
    if (!record) throw new Error(`no record ${jobId}`);
    return record;
  }

  async state(jobId: string): Promise<string> {
    const { state, reason } = (await this.record(jobId)).status;
    return reason === undefined ? state : `${state}/${reason}`;
  }

  /** Instances of a schedule, in the order of their slots. */
  async instances(scheduleId: string): Promise<JobRecord[]> {
    const { records } = await this.queue.list({ limit: 10_000, schedules: false });
    return records
      .filter(({ body }) => body.origin?.scheduleId === scheduleId)
      .sort((a, b) => (a.body.origin?.slot.at ?? 0) - (b.body.origin?.slot.at ?? 0));
  }

  async story(jobId: string): Promise<JobLogLine[]> {
    return (await this.logger.read(jobId, { limit: 1_000 })).lines;
  }

  advance(ms: number): Promise<void> {
    return this.time.advance(ms);
  }

  /** Lets time pass until the promise settles; fails when it has not within `withinMs` of virtual time. */
  async until<T>(promise: Promise<T>, withinMs = 600_000): Promise<T> {
    let isSettled = false;
    const noted = promise.finally(() => {
      isSettled = true;
    });
    noted.catch(() => undefined);
    await this.time.runWhile(() => !isSettled, this.time.nowMs + withinMs);
    if (!isSettled) throw new Error(`nothing settled within ${withinMs} ms of virtual time`);
    return noted;
  }

  /** Lets time pass until the condition holds, looking once a tick; a real store is looked at less often once it takes long. */
  async untilTrue(condition: () => boolean | Promise<boolean>, withinMs = 600_000): Promise<void> {
    const began = this.time.nowMs;
    const end = began + withinMs;
    while (!(await condition())) {
      if (this.time.nowMs >= end) throw new Error(`the condition did not hold within ${withinMs} ms of virtual time`);
      await this.time.advance(shape === 'memory' || this.time.nowMs - began < 1_000 ? 5 : 100);
    }
  }

  async untilEnded(jobId: string, withinMs = 3_600_000): Promise<JobRecord> {
    const isEnded = async () => (await this.record(jobId)).status.endedAt !== undefined;
    await this.untilTrue(isEnded, withinMs);
    return this.record(jobId);
  }

  async stop(): Promise<void> {
    for (const stop of this.stops.reverse()) await stop();
    if (this.tracker?.node.transport.isUp()) await this.stopTracker();
    await this.ground.close();
  }

  /** What lies between all nodes is gone, or there again. */
  cutAll(isCut: boolean): void {
    for (const node of this.nodes) node.isCut = isCut;
  }

  private node(kind: string): TestNode {
    const node = new TestNode(`${kind}-${this.nodes.length + 1}`, this, this.clockOffsetMs);
    this.nodes.push(node);
    return node;
  }

  private ports({ name, clock, transport }: TestNode) {
    const chance = new SeededChance(this.nodes.length);
    const note = (level: LogEntry['level']) => (fields: object, text: string) =>
      void this.log.push({ node: name, level, fields: fields as LogEntry['fields'], text });
    const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const { oldDataHandler } = this;
    return { clock, transport, chance, ids: new SeededIds(clock, chance.split('ids')), log, oldDataHandler };
  }
}

/** A tracker and a client are up; workers are the test's own. */
export async function startCluster(
  settings: { tracker?: Partial<TrackerSettings>; client?: ClientOptions } = {},
): Promise<TestCluster> {
  const cluster = await TestCluster.open();
  await cluster.startTracker(settings.tracker);
  cluster.client = await cluster.startClient(settings.client);
  return cluster;
}
