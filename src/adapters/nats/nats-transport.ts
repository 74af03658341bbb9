/**
 * Messages between nodes over NATS. All answers of a node arrive at one inbox subscription; deadlines share one timer.
 *
 * While the connection is down nothing is queued: a request is refused at once (LTS_NO_TRACKER), a publication is dropped
 * and counted. What was under way when it broke is kept until its deadline, since its answer may come after the reconnect.
 */
import type { Msg, NatsError, Subscription as NatsSubscription } from 'nats';
import { LtsError } from '../../errors.js';
import { Deadlines } from '../../kit/deadlines.js';
import { Deferred } from '../../kit/deferred.js';
import { shown } from '../../kit/shown.js';
import type { Message, MessageHandler, RequestOptions, Subscription, Transport } from '../../ports/transport.js';
import {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  errorBody,
  errorKind,
  errorOf,
  replyKind,
} from '../../protocol/envelope.js';
import { inTime } from './in-time.js';
import type { NatsConnection, Refusal } from './nats-connection.js';
import { PendingRequest, requestError } from './pending-request.js';

/** What has happened that nobody was told of, since the start. */
export interface NatsTransportCounts {
  /** Messages that could not be decoded, or are of another version. */
  readonly malformed: number;
  /** Publications and answers that could not be sent. */
  readonly dropped: number;
}

const pendingMax = 100_000;
const pendingBytesMax = 64 * 1024 * 1024;
const handlersMax = 100_000;
const subjectPattern = /^[\w-]+(\.[\w-]+)*$/;
const noResponders = 503;

export class NatsTransport implements Transport {
  readonly isForeign = true;
  private state: 'open' | 'closing' | 'closed' = 'open';
  private readonly pending = new Map<string, PendingRequest>();
  private readonly subscriptions = new Set<NatsSubscription>();
  private readonly refusals: Refusal[] = [];
  private readonly deadlines: Deadlines;
  private readonly inbox: NatsSubscription;
  private readonly inboxPrefix: string;
  private readonly endListening: () => void;
  private pendingBytes = 0;
  private lastId = 0;
  private handlers = 0;
  private idle: Deferred<void> | undefined;
  private readonly counted = { malformed: 0, dropped: 0 };

  /** The connection stays its maker's, who closes it after this. Several transports may share one. */
  constructor(private readonly connection: NatsConnection) {
    this.deadlines = new Deadlines(connection.parts.clock);
    const random = Math.floor(connection.parts.chance.next() * 2 ** 48).toString(36);
    this.inboxPrefix = `${connection.settings.inboxPrefix}.${random}`;
    this.inbox = connection.client.subscribe(`${this.inboxPrefix}.*`, {
      callback: (error, raw) => this.hear(error, raw),
    });
    this.endListening = connection.listen({ refused: (refusal) => this.heedRefusal(refusal) });
  }

  request(subject: string, message: Message, options: RequestOptions): Promise<unknown> {
    try {
      this.checkMayAsk(subject, options);
      const id = (++this.lastId).toString(36);
      const bytes = this.encode({ ...message, id, deadlineMs: options.deadlineMs }, subject);
      return this.send(id, bytes, { ...options, subject });
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  publish(subject: string, message: Message): void {
    if (this.state !== 'open') return;
    checkSubject(subject);
    if (!this.connection.isUp()) this.counted.dropped++;
    else this.connection.client.publish(subject, this.encode({ ...message, id: '', deadlineMs: 0 }, subject));
  }

  /** Throws LTS_NOT_STARTED after `close`, LTS_CONFIG_INVALID for a subject with other characters than names have. */
  subscribe(subject: string, handler: MessageHandler, options: { queue?: string } = {}): Subscription {
    if (this.state !== 'open')
      throw new LtsError('LTS_NOT_STARTED', `Cannot subscribe to ${subject}: this node is stopped.`);
    checkSubject(subject);
    if (options.queue !== undefined) checkSubject(options.queue);
    const callback = (error: NatsError | null, raw: Msg) => {
      if (!error) void this.answer(subject, handler, raw);
    };
    const subscription = this.connection.client.subscribe(subject, { ...options, callback });
    this.subscriptions.add(subscription);
    return { close: () => this.endSubscription(subscription) };
  }

  /**
   * Resolves when the server knows every subscription made so far. Throws LTS_NOT_PERMITTED if it refused one,
   * LTS_CONNECT_FAILED while the connection is down.
   */
  async ready(): Promise<void> {
    try {
      if (!this.connection.isUp()) throw new Error('the connection is down');
      await this.connection.client.flush();
    } catch (cause) {
      throw new LtsError('LTS_CONNECT_FAILED', `NATS at ${this.connection.servers} is away.`, { cause });
    }
    // The refusals reach their listener through an iterator, a few steps behind the answer to the flush.
    await this.connection.parts.clock.endOfTurn();
    const refusal = this.refusals.find(({ operation }) => operation === 'subscription');
    if (refusal) throw new LtsError('LTS_NOT_PERMITTED', refusalText(refusal, this.connection));
  }

  isUp(): boolean {
    return this.state === 'open' && this.connection.isUp();
  }

  counts(): NatsTransportCounts {
    return { ...this.counted };
  }

  /** Takes no more messages, lets running handlers answer for at most two seconds, and gives up what it waits for. */
  async close(): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'closing';
    for (const request of this.pending.values())
      request.fail('LTS_ABORTED', 'was given up: its node stopped; it may have been handled');
    this.deadlines.close();
    await inTime(this.connection.parts.clock, this.connection.goodbyeMs, this.drain());
    this.state = 'closed';
    this.endListening();
    this.inbox.unsubscribe();
  }

  private async drain(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => this.endSubscription(subscription)));
    if (this.handlers > 0) {
      this.idle = new Deferred();
      await this.idle.promise;
    }
    if (this.connection.isUp()) await this.connection.client.flush();
  }

  /** What the server had sent before it heard of the end is still handled. */
  private async endSubscription(subscription: NatsSubscription): Promise<void> {
    if (!this.subscriptions.delete(subscription) || subscription.isClosed()) return;
    if (this.connection.isUp())
      await inTime(this.connection.parts.clock, this.connection.goodbyeMs, subscription.drain());
    subscription.unsubscribe();
  }

  private checkMayAsk(subject: string, { signal }: RequestOptions): void {
    if (this.state !== 'open')
      throw requestError('LTS_NOT_STARTED', subject, 'was not sent: the transport of this node is closed');
    if (signal?.aborted) throw requestError('LTS_ABORTED', subject, 'was not sent: its AbortSignal had aborted');
    if (!this.connection.isUp())
      throw requestError('LTS_NO_TRACKER', subject, `was not sent: NATS at ${this.connection.servers} is away`);
    if (this.pending.size >= pendingMax || this.pendingBytes >= pendingBytesMax)
      throw requestError('LTS_BUSY', subject, `was not sent: ${this.pending.size} are waiting, which is the bound`);
    checkSubject(subject);
  }

  private encode(message: Omit<Envelope, 'v' | 'from' | 'sentAt'>, subject: string): Buffer {
    const { kind, id, deadlineMs, body } = message;
    const from = this.connection.settings.identity;
    const sentAt = this.connection.parts.clock.wallMs();
    const bytes = Buffer.from(encodeEnvelope({ kind, id, from, sentAt, deadlineMs, body }));
    if (bytes.length <= this.connection.bytesMax) return bytes;
    throw new LtsError(
      'LTS_PAYLOAD_TOO_LARGE',
      `${kind} to ${subject} has ${bytes.length} bytes; NATS takes ${this.connection.bytesMax} (max_payload of the server).`,
    );
  }

  private send(id: string, bytes: Buffer, options: RequestOptions & { readonly subject: string }): Promise<unknown> {
    const request: PendingRequest = new PendingRequest(options.subject, bytes.length, options, () => {
      if (!this.pending.delete(id)) return;
      this.pendingBytes -= bytes.length;
      this.deadlines.remove(request);
    });
    this.pending.set(id, request);
    this.pendingBytes += bytes.length;
    this.deadlines.add(request, options.deadlineMs);
    this.connection.client.publish(options.subject, bytes, { reply: `${this.inboxPrefix}.${id}` });
    return request.answer;
  }

  /** An answer. One that nobody waits for any more is dropped. */
  private hear(error: NatsError | null, raw: Msg): void {
    if (error) return;
    const request = this.pending.get(raw.subject.slice(this.inboxPrefix.length + 1));
    if (!request) return;
    if (raw.data.length === 0 && raw.headers?.code === noResponders)
      return request.fail('LTS_NO_TRACKER', 'has no responders: nobody subscribes there');
    try {
      const { kind, body } = decodeEnvelope(textOf(raw.data));
      if (kind === errorKind) request.refuse(errorOf(body));
      else request.settle(body);
    } catch (fault) {
      this.noteMalformed(fault as LtsError, request.subject);
      request.refuse(fault as LtsError);
    }
  }

  private async answer(subject: string, handler: MessageHandler, raw: Msg): Promise<void> {
    this.handlers++;
    let id = '';
    try {
      const message = decodeEnvelope(textOf(raw.data));
      id = message.id;
      if (this.handlers > handlersMax)
        throw new LtsError('LTS_BUSY', `${subject}: ${handlersMax} messages are being handled, which is the bound.`);
      const body = await handler(message, { deadlineMs: message.deadlineMs, isForeign: true });
      if (raw.reply) this.reply(raw.reply, { kind: replyKind, id, body });
    } catch (error) {
      // What could be decoded and was refused later was noted by the one who refused it.
      if (id === '' && LtsError.is(error, 'LTS_MESSAGE_INVALID')) this.noteMalformed(error, subject);
      if (raw.reply) this.reply(raw.reply, { kind: errorKind, id, body: errorBody(error, subject) });
      else this.connection.parts.log.debug({ error, subject }, 'a published message could not be handled');
    } finally {
      if (--this.handlers === 0) this.idle?.resolve();
    }
  }

  /** Throws nothing for an answer of kind Error; a reply that cannot be encoded or is too large becomes one. */
  private reply(to: string, answer: { readonly kind: string; readonly id: string; readonly body: unknown }): void {
    if (this.state === 'closed' || !this.connection.isUp()) this.counted.dropped++;
    else this.connection.client.publish(to, this.encode({ ...answer, deadlineMs: 0 }, to));
  }

  /** Logged at 1, 2, 4, 8 …: a flood of bad messages is not a flood of lines. */
  private noteMalformed(error: LtsError, subject: string): void {
    const count = ++this.counted.malformed;
    if (Number.isInteger(Math.log2(count))) this.connection.parts.log.warn({ subject, count }, error.message);
  }

  private heedRefusal(refusal: Refusal): void {
    if (this.refusals.length < 100) this.refusals.push(refusal);
    if (refusal.operation === 'subscription') return;
    const error = new LtsError('LTS_NOT_PERMITTED', refusalText(refusal, this.connection));
    for (const request of this.pending.values()) if (request.subject === refusal.subject) request.refuse(error);
  }
}

function refusalText({ operation, subject }: Refusal, { settings, servers }: NatsConnection): string {
  const verb = operation === 'publish' ? 'publish to' : 'subscribe to';
  return `NATS at ${servers} does not permit node ${settings.identity} to ${verb} ${subject}. Grant it to its user.`;
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
}

function checkSubject(subject: string): void {
  if (subjectPattern.test(subject)) return;
  throw new LtsError(
    'LTS_CONFIG_INVALID',
    `${shown(subject)} is not a subject of names of letters, digits, '_' and '-'.`,
  );
}
