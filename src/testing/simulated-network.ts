/**
 * The network between simulated nodes, with the habits of a message server in the middle: nobody there is answered at once,
 * a request that timed out may still be delivered, a node that is cut off loses what it sends without a word.
 */
import { type ErrorCode, LtsError } from '../errors.js';
import type { Message, MessageHandler, RequestOptions, Subscription, Transport } from '../ports/transport.js';
import type { NetworkFaults } from './faults.js';
import type { NodeLife } from './node-life.js';
import type { SeededChance } from './seeded-chance.js';
import { type CrashPoints, never } from './simulated-port.js';
import type { Trace } from './trace.js';
import type { Scheduler } from './virtual-time.js';

interface Subscriber {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly handler: MessageHandler;
  readonly member: Member;
}

/** One node on the network, during one life. */
interface Member {
  readonly host: string;
  readonly life: NodeLife;
}

type Reply = { readonly value?: unknown } | { readonly code: ErrorCode; readonly text: string };

export interface NetworkOptions {
  readonly world: Scheduler;
  readonly chance: SeededChance;
  readonly faults: () => NetworkFaults;
  readonly points: CrashPoints;
  readonly trace: Trace;
}

/** What became of the messages, for the report of a run. */
export interface NetworkCounts {
  delivered: number;
  dropped: number;
  slowed: number;
  duplicated: number;
  replayed: number;
  unanswered: number;
  clogged: number;
}

export class SimulatedNetwork {
  readonly counts: NetworkCounts = {
    delivered: 0,
    dropped: 0,
    slowed: 0,
    duplicated: 0,
    replayed: 0,
    unanswered: 0,
    clogged: 0,
  };
  private readonly subscribers = new Map<string, Subscriber[]>();
  private readonly disconnected = new Set<string>();
  private readonly cuts = new Set<string>();
  /** What waits on a link that takes messages and lets none through. */
  private readonly clogs = new Map<string, (() => void)[]>();

  constructor(private readonly options: NetworkOptions) {}

  /** A transport for one life of the node `host`; when the life ends, its subscriptions go with it. */
  transport(host: string, life: NodeLife): Transport {
    const transport = new SimulatedTransport(this, { host, life }, this.options);
    life.onEnd(() => this.removeAll(life));
    return transport;
  }

  /** The node notices that its connection is gone; so does everyone who asks for it. */
  disconnect(host: string): void {
    this.disconnected.add(host);
  }

  reconnect(host: string): void {
    this.disconnected.delete(host);
  }

  isConnected(host: string): boolean {
    return !this.disconnected.has(host);
  }

  /** Messages of one direction vanish, and nobody notices. */
  cut(from: string, to: string): void {
    this.cuts.add(`${from}>${to}`);
  }

  heal(from: string, to: string): void {
    this.cuts.delete(`${from}>${to}`);
  }

  /** Messages of one direction wait, whatever their deadlines, and arrive together in their order. */
  clog(from: string, to: string): void {
    const link = `${from}>${to}`;
    if (!this.clogs.has(link)) this.clogs.set(link, []);
  }

  unclog(from: string, to: string): void {
    const link = `${from}>${to}`;
    const held = this.clogs.get(link) ?? [];
    this.clogs.delete(link);
    for (const arrive of held) this.options.world.schedule(0, arrive);
  }

  healAll(): void {
    for (const link of [...this.clogs.keys()]) this.unclog(...(link.split('>') as [string, string]));
    this.cuts.clear();
    this.disconnected.clear();
  }

  add(subscriber: Subscriber): void {
    const list = this.subscribers.get(subscriber.subject) ?? [];
    this.subscribers.set(subscriber.subject, [...list, subscriber]);
  }

  remove(subscriber: Subscriber): void {
    const left = (this.subscribers.get(subscriber.subject) ?? []).filter((other) => other !== subscriber);
    if (left.length > 0) this.subscribers.set(subscriber.subject, left);
    else this.subscribers.delete(subscriber.subject);
  }

  has(subscriber: Subscriber): boolean {
    return this.subscribers.get(subscriber.subject)?.includes(subscriber) ?? false;
  }

  /** Those that a message reaches: one of each queue group, and all that are in none. */
  audience(subject: string): Subscriber[] {
    const connected = (this.subscribers.get(subject) ?? []).filter(({ member }) => this.isConnected(member.host));
    if (connected.length < 2) return connected;
    const queues = [...new Set(connected.map(({ queue }) => queue))];
    return queues.flatMap((queue) => {
      const group = connected.filter((subscriber) => subscriber.queue === queue);
      return queue === undefined ? group : [this.options.chance.pick(group)];
    });
  }

  /** Brings something from one node to another after its latency, as often as the faults have it. */
  carry(from: string, to: string, what: { readonly kind: string; readonly deliver: () => void }): void {
    if (!this.isConnected(from) || this.cuts.has(`${from}>${to}`)) return this.lose(from, to, what.kind);
    const { chance, world } = this.options;
    const faults = this.options.faults();
    const isFaulty = faults.kinds?.has(what.kind) ?? true;
    const lateMs = chance.between(faults.latencyMs.min, faults.latencyMs.max);
    world.schedule(lateMs + (isFaulty ? this.extraMs(faults) : 0), () => this.arrive(from, to, what));
    if (!isFaulty) return;
    if (chance.isLucky(faults.duplicateRate)) this.again('duplicated', lateMs * 2, () => this.arrive(from, to, what));
    if (chance.isLucky(faults.replayRate)) {
      this.again('replayed', chance.between(faults.replayMs.min, faults.replayMs.max), () =>
        this.arrive(from, to, what),
      );
    }
  }

  private extraMs({ slowRate, slowMs }: NetworkFaults): number {
    if (!this.options.chance.isLucky(slowRate)) return 0;
    this.counts.slowed++;
    return this.options.chance.between(slowMs.min, slowMs.max);
  }

  private again(how: 'duplicated' | 'replayed', delayMs: number, arrive: () => void): void {
    this.counts[how]++;
    this.options.world.schedule(delayMs, arrive);
  }

  private arrive(from: string, to: string, what: { readonly kind: string; readonly deliver: () => void }): void {
    const clogged = this.clogs.get(`${from}>${to}`);
    if (clogged) {
      this.counts.clogged++;
      clogged.push(() => this.arrive(from, to, what));
      return;
    }
    const faults = this.options.faults();
    const isDropped = (faults.kinds?.has(what.kind) ?? true) && this.options.chance.isLucky(faults.dropRate);
    if (isDropped || !this.isConnected(to)) return this.lose(from, to, what.kind);
    this.counts.delivered++;
    what.deliver();
  }

  private lose(from: string, to: string, kind: string): void {
    this.counts.dropped++;
    this.options.trace.note(from, `${kind} to ${to} lost`);
  }

  private removeAll(life: NodeLife): void {
    for (const list of [...this.subscribers.values()]) {
      for (const subscriber of list) if (subscriber.member.life === life) this.remove(subscriber);
    }
  }
}

/** A request that waits for its reply. */
interface Pending {
  isSettled: boolean;
  settle(reply: Reply): void;
}

class SimulatedTransport implements Transport {
  private isOpen = true;
  private readonly pending = new Set<Pending>();
  private readonly subscribed = new Set<Subscriber>();

  constructor(
    private readonly network: SimulatedNetwork,
    private readonly member: Member,
    private readonly options: NetworkOptions,
  ) {}

  async request(subject: string, message: Message, options: RequestOptions): Promise<unknown> {
    const { life } = this.member;
    const point = `transport.${message.kind}`;
    if (!life.isAlive || this.options.points.isFatal(life, `${point}:before`)) return never();
    if (!this.isOpen) throw closed(subject);
    if (options.signal?.aborted)
      throw new LtsError('LTS_ABORTED', `The request to ${subject} was given up before it was sent.`);
    const text = JSON.stringify(message);
    const reply = await new Promise<Reply>((resolve) => {
      this.send(
        subject,
        { kind: message.kind, text, deadlineMs: options.deadlineMs },
        this.pend(subject, options, resolve),
      );
    });
    if (this.options.points.isFatal(life, `${point}:after`)) return never();
    if ('code' in reply) throw new LtsError(reply.code, reply.text);
    return reply.value;
  }

  publish(subject: string, message: Message): void {
    if (!this.isOpen || !this.member.life.isAlive) return;
    const text = JSON.stringify(message);
    for (const subscriber of this.network.audience(subject)) {
      const deliver = () => this.hand(subscriber, { kind: message.kind, text, deadlineMs: 0 }, () => {});
      this.network.carry(this.member.host, subscriber.member.host, { kind: message.kind, deliver });
    }
  }

  subscribe(subject: string, handler: MessageHandler, options?: { queue?: string }): Subscription {
    if (!this.isOpen) throw closed(subject);
    const subscriber: Subscriber = { subject, queue: options?.queue, handler, member: this.member };
    if (this.member.life.isAlive) this.network.add(subscriber);
    this.subscribed.add(subscriber);
    return {
      close: async () => {
        this.subscribed.delete(subscriber);
        this.network.remove(subscriber);
      },
    };
  }

  isUp(): boolean {
    return this.isOpen && this.network.isConnected(this.member.host);
  }

  async close(): Promise<void> {
    this.isOpen = false;
    for (const subscriber of this.subscribed) this.network.remove(subscriber);
    for (const pending of this.pending) {
      pending.settle({
        code: 'LTS_ABORTED',
        text: 'The request was given up: its node stopped; it may have been handled.',
      });
    }
  }

  private pend(subject: string, options: RequestOptions, resolve: (reply: Reply) => void): Pending {
    const text = `The request to ${subject} got no answer within ${options.deadlineMs} ms; it may have been handled.`;
    const deadline = this.member.life.schedule(options.deadlineMs, () => {
      this.network.counts.unanswered++;
      pending.settle({ code: 'LTS_TIMEOUT', text });
    });
    const abort = () =>
      pending.settle({
        code: 'LTS_ABORTED',
        text: `The request to ${subject} was given up; it may have been handled.`,
      });
    options.signal?.addEventListener('abort', abort);
    const pending: Pending = {
      isSettled: false,
      settle: (reply) => {
        if (pending.isSettled) return;
        pending.isSettled = true;
        deadline.isCancelled = true;
        options.signal?.removeEventListener('abort', abort);
        this.pending.delete(pending);
        resolve(reply);
      },
    };
    this.pending.add(pending);
    return pending;
  }

  private send(subject: string, sent: Sent, pending: Pending): void {
    const { kind } = sent;
    const { host, life } = this.member;
    const { chance, world, faults } = this.options;
    const subscriber = this.network.audience(subject)[0];
    if (subscriber) {
      const answer = (reply: string) => this.bringBack(subscriber.member.host, { kind, text: reply }, pending);
      return this.network.carry(host, subscriber.member.host, {
        kind,
        deliver: () => this.hand(subscriber, sent, answer),
      });
    }
    if (!this.network.isConnected(host)) return;
    const { min, max } = faults().latencyMs;
    const nobody: Reply = {
      code: 'LTS_NO_TRACKER',
      text: `The request to ${subject} has no responders: nobody subscribes there.`,
    };
    world.schedule(chance.between(min, max), () => life.receive(() => pending.settle(nobody)));
  }

  private bringBack(from: string, reply: { readonly kind: string; readonly text: string }, pending: Pending): void {
    const { host, life } = this.member;
    const deliver = () => life.receive(() => pending.settle(JSON.parse(reply.text) as Reply));
    this.network.carry(from, host, { kind: reply.kind, deliver });
  }

  /** Lets the subscriber's node handle the message, when it is awake. */
  private hand(subscriber: Subscriber, sent: Sent, answer: (reply: string) => void): void {
    const { life } = subscriber.member;
    life.receive(() => {
      if (!this.network.has(subscriber)) return;
      const message = JSON.parse(sent.text) as Message;
      this.options.trace.note(life.name, `handles ${message.kind} of ${this.member.host}`);
      void replyOf(subscriber.handler, message, sent.deadlineMs).then((reply) => {
        if (life.isAlive) answer(JSON.stringify(reply));
      });
    });
  }
}

interface Sent {
  readonly kind: string;
  readonly text: string;
  readonly deadlineMs: number;
}

async function replyOf(handler: MessageHandler, message: Message, deadlineMs: number): Promise<Reply> {
  try {
    return { value: await handler(message, { deadlineMs }) };
  } catch (error) {
    if (LtsError.is(error)) return { code: error.code, text: error.message };
    return { code: 'LTS_INTERNAL', text: `The handler of ${message.kind} failed unexpectedly: ${String(error)}` };
  }
}

function closed(subject: string): LtsError {
  return new LtsError('LTS_NOT_STARTED', `${subject} cannot be used: the transport of this node is closed.`);
}
