/**
 * One node's connection to NATS: made within a deadline, kept for ever. Down: redialled after waits of at most 200 ms in
 * the first seconds, of 1 to 3 s later, all jittered.
 */
import {
  type NatsConnection as Client,
  type ConnectionOptions,
  connect,
  DebugEvents,
  Events,
  type NatsError,
  type Status,
} from 'nats';
import { LtsError } from '../../errors.js';
import { Deferred } from '../../kit/deferred.js';
import { Outage } from '../../kit/outage.js';
import type { Chance } from '../../ports/chance.js';
import type { Clock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import { inTime } from './in-time.js';
import { codeOf, connectError, isLasting, wasInterrupted } from './nats-errors.js';
import { connectionOptions, type NatsSettings, shownServers } from './nats-settings.js';
import { isOpenToAll } from './open-server.js';

export interface NatsParts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

/** What the server refused to this node's user. */
export interface Refusal {
  readonly operation: 'publish' | 'subscription';
  readonly subject: string;
}

export interface NatsListener {
  reconnected?(): void;
  refused?(refusal: Refusal): void;
}

const eagerForMs = 5_000;
const goodbyeMsMax = 2_000;
/** A connection that was reset is there again sooner. */
const quietMs = 1_000;
const listenersMax = 1_000;

export class NatsConnection {
  private isConnected = true;
  private isClosing = false;
  private readonly listeners = new Set<NatsListener>();
  private readonly ending = new Deferred<LtsError | undefined>();
  private readonly outage: Outage;
  private leavesByMono = Number.POSITIVE_INFINITY;

  private constructor(
    readonly client: Client,
    readonly settings: NatsSettings,
    readonly parts: NatsParts,
    private readonly downtime: Downtime,
  ) {
    const { clock, log } = parts;
    this.outage = new Outage({ clock, log, quietMs, away: () => this.awayText(), back: 'connected to NATS again' });
    void this.watchStatus();
    void client.closed().then((error) => this.end(error));
  }

  /**
   * Throws LTS_CONNECT_FAILED: at once when the server refuses the credentials or TLS fails, else when no server answered in
   * time; LTS_CONFIG_INVALID for settings that cannot be used; LTS_ABORTED soon after the interruption.
   */
  static async open(settings: NatsSettings, parts: NatsParts, interruption?: AbortSignal): Promise<NatsConnection> {
    const downtime = new Downtime(parts);
    const options = { ...connectionOptions(settings), reconnectDelayHandler: () => downtime.nextWaitMs() };
    const untilMono = parts.clock.monoMs() + (settings.connectWithinMs ?? 10_000);
    for (;;) {
      try {
        const connection = new NatsConnection(await dial(options, interruption), settings, parts, downtime);
        connection.warnIfOpen();
        return connection;
      } catch (error) {
        if (interruption?.aborted) throw wasInterrupted(settings.identity, shownServers(settings));
        const waitMs = downtime.nextWaitMs();
        if (isLasting(error) || parts.clock.monoMs() + waitMs >= untilMono) throw connectError(error, settings);
        await parts.clock.sleep(waitMs, interruption);
      }
    }
  }

  /** Settles when the connection has ended for good: with nothing after `close`, with the reason if it ended by itself. */
  get ended(): Promise<LtsError | undefined> {
    return this.ending.promise;
  }

  isUp(): boolean {
    return this.isConnected;
  }

  /** Most bytes of one message, by the server's setting. */
  get bytesMax(): number {
    return this.client.info?.max_payload ?? 1024 * 1024;
  }

  /** `2.15.1`; empty while unknown. */
  get serverVersion(): string {
    return this.client.info?.version ?? '';
  }

  /** The servers, for messages. */
  get servers(): string {
    return shownServers(this.settings);
  }

  /** The answer ends the listening. */
  listen(listener: NatsListener): () => void {
    if (this.listeners.size >= listenersMax)
      throw new LtsError('LTS_INTERNAL', 'A NATS connection has too many listeners.');
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** From now on what takes leave here waits for the server until then at most. */
  leaveBy(endMono: number): void {
    this.leavesByMono = endMono;
  }

  /** How long a part that takes leave may wait for the server. */
  get goodbyeMs(): number {
    return Math.max(0, Math.min(goodbyeMsMax, this.leavesByMono - this.parts.clock.monoMs()));
  }

  /** Sends what is still to be sent, for at most two seconds, and ends. */
  async close(): Promise<void> {
    if (!this.isClosing && this.isConnected) {
      this.isClosing = true;
      await inTime(this.parts.clock, this.goodbyeMs, this.client.flush());
    }
    this.isClosing = true;
    this.isConnected = false;
    await this.client.close();
  }

  private warnIfOpen(): void {
    const server = this.client.getServer();
    if (!isOpenToAll(this.client.info ?? {}, server)) return;
    const text =
      'NATS lets in whoever reaches it: anybody there may submit, read and cancel jobs. Give it users, one for each role';
    this.parts.log.warn({ server }, text);
  }

  private async watchStatus(): Promise<void> {
    for await (const status of this.client.status()) this.heed(status);
  }

  private heed(status: Status): void {
    if (status.type === 'staleConnection') this.dropSocket();
    else if (status.type === Events.Disconnect) this.noteDown();
    else if (status.type === DebugEvents.Reconnecting) this.outage.met('');
    else if (status.type === Events.Reconnect) this.noteUp();
    else if (status.type === Events.Error) this.noteError(status);
  }

  private noteDown(): void {
    this.isConnected = false;
    this.downtime.begin();
    if (!this.isClosing) this.outage.met('');
  }

  private awayText(): string {
    const meanwhile = this.settings.meanwhile === undefined ? '' : `${this.settings.meanwhile}. `;
    return `NATS at ${this.servers} is away; it is redialled all the time. ${meanwhile}Start nats-server there, or mend the network to it`;
  }

  private noteUp(): void {
    this.isConnected = !this.isClosing;
    this.outage.over();
    for (const { reconnected } of this.listeners) reconnected?.();
  }

  private noteError(status: Status): void {
    const { operation, subject } = (status as { permissionContext?: Partial<Refusal> }).permissionContext ?? {};
    if (operation !== undefined && subject !== undefined) {
      this.parts.log.error({ operation, subject }, 'NATS does not permit this to the user of this node');
      for (const { refused } of this.listeners) refused?.({ operation, subject });
    } else this.parts.log.error({ error: String(status.data), servers: this.servers }, 'NATS answered with an error');
  }

  /**
   * The library ends a stale connection only once its last bytes are written, which a frozen server with full buffers never
   * lets happen (tried with nats 2.29.3). So its socket is destroyed here.
   */
  private dropSocket(): void {
    const inner = this.client as unknown as { protocol?: { transport?: { socket?: { destroy(): void } } } };
    inner.protocol?.transport?.socket?.destroy();
  }

  private end(error: unknown): void {
    this.isConnected = false;
    if (this.isClosing) return this.ending.resolve(undefined);
    const text = `The connection to NATS at ${this.servers} ended for good (${codeOf((error ?? 'no reason given') as NatsError)}).`;
    this.parts.log.error({ error }, text);
    this.ending.resolve(new LtsError('LTS_CONNECT_FAILED', text, { cause: error }));
  }
}

/** A dial that is interrupted ends by itself, at the latest after its own time. */
async function dial(options: ConnectionOptions, interruption: AbortSignal | undefined): Promise<Client> {
  interruption?.throwIfAborted();
  const dialling = connect(options);
  const given = new Deferred<never>();
  const giveUp = () => given.reject(interruption?.reason);
  interruption?.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([dialling, given.promise]);
  } catch (error) {
    void dialling.then(
      (late) => late.close(),
      () => {},
    );
    throw error;
  } finally {
    interruption?.removeEventListener('abort', giveUp);
  }
}

/** How long the connection has been down decides how eagerly it is redialled. */
class Downtime {
  private sinceMono: number;

  constructor(private readonly parts: NatsParts) {
    this.sinceMono = parts.clock.monoMs();
  }

  begin(): void {
    this.sinceMono = this.parts.clock.monoMs();
  }

  nextWaitMs(): number {
    const isEager = this.parts.clock.monoMs() - this.sinceMono < eagerForMs;
    const [least, span] = isEager ? [50, 150] : [1_000, 2_000];
    return least + Math.floor(this.parts.chance.next() * span);
  }
}
