/**
 * Transport between nodes of one process. Messages go by reference, nothing is encoded; everything that one turn of the
 * event loop sends is delivered together at its end, so no chain of replies can keep timers and sockets from their turn.
 */
import { LtsError } from '../../errors.js';
import { Deadlines } from '../../kit/deadlines.js';
import type { Clock } from '../../ports/clock.js';
import type {
  Message,
  MessageContext,
  MessageHandler,
  RequestOptions,
  Subscription,
  Transport,
} from '../../ports/transport.js';

/** A subscription, or the members of one queue group, who take turns. */
interface Receiver {
  readonly queue: string | undefined;
  readonly members: Subscriber[];
  turn: number;
}

interface Subscriber {
  readonly handler: MessageHandler;
  /** False once its subscription or its node's transport is closed; its late replies are dropped. */
  readonly isNodeOpen: () => boolean;
}

interface Topic {
  readonly receivers: Receiver[];
  turn: number;
}

/** What may wait for its delivery in one turn; more is refused (requests) or lost (publications). */
const deliveriesMax = 100_000;

/** The nodes of one process. Each node takes a transport of its own from it, and closes it. */
export class MemoryNetwork {
  private readonly topics = new Map<string, Topic>();
  private deliveries: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  /** A transport for one node. */
  transport(): Transport {
    return new MemoryTransport(this, this.clock);
  }

  add(subject: string, queue: string | undefined, subscriber: Subscriber): void {
    const topic = this.topics.get(subject) ?? { receivers: [], turn: 0 };
    this.topics.set(subject, topic);
    const group = queue === undefined ? undefined : topic.receivers.find((receiver) => receiver.queue === queue);
    if (group) group.members.push(subscriber);
    else topic.receivers.push({ queue, members: [subscriber], turn: 0 });
  }

  remove(subject: string, subscriber: Subscriber): void {
    const topic = this.topics.get(subject);
    const receiver = topic?.receivers.find(({ members }) => members.includes(subscriber));
    if (!topic || !receiver) return;
    receiver.members.splice(receiver.members.indexOf(subscriber), 1);
    if (receiver.members.length === 0) topic.receivers.splice(topic.receivers.indexOf(receiver), 1);
    if (topic.receivers.length === 0) this.topics.delete(subject);
  }

  /** The subscriber whose turn it is to answer a request. */
  responder(subject: string): Subscriber | undefined {
    const topic = this.topics.get(subject);
    if (!topic) return undefined;
    const receiver = topic.receivers[topic.turn++ % topic.receivers.length];
    return receiver && takeTurn(receiver);
  }

  /** One subscriber of each queue group, and all that are in none. */
  audience(subject: string): Subscriber[] {
    return this.topics.get(subject)?.receivers.map(takeTurn) ?? [];
  }

  /** Runs `deliver` when the current turn of the event loop has run dry; false when too much is waiting for that. */
  defer(deliver: () => void): boolean {
    if (this.deliveries.length >= deliveriesMax) return false;
    if (this.deliveries.push(deliver) === 1) void this.clock.endOfTurn().then(() => this.deliverAll());
    return true;
  }

  private deliverAll(): void {
    const batch = this.deliveries;
    this.deliveries = [];
    for (const deliver of batch) deliver();
  }
}

function takeTurn(receiver: Receiver): Subscriber {
  return receiver.members[receiver.turn++ % receiver.members.length] as Subscriber;
}

class PendingRequest {
  readonly answer: Promise<unknown>;
  private resolve!: (value: unknown) => void;
  private reject!: (error: LtsError) => void;
  private readonly onAbort = () =>
    this.fail('LTS_ABORTED', 'was given up by its AbortSignal; it may have been handled');

  constructor(
    readonly subject: string,
    private readonly options: RequestOptions,
    private readonly forget: (request: PendingRequest) => void,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    options.signal?.addEventListener('abort', this.onAbort);
  }

  get deadlineMs(): number {
    return this.options.deadlineMs;
  }

  get context(): MessageContext {
    const { deadlineMs, isForeign } = this.options;
    return { deadlineMs, isForeign };
  }

  settle(value: unknown): void {
    this.release();
    this.resolve(value);
  }

  fail(code: LtsError['code'], what: string): void {
    this.refuse(new LtsError(code, `The request to ${this.subject} ${what}.`));
  }

  refuse(error: LtsError): void {
    this.release();
    this.reject(error);
  }

  expire(): void {
    this.fail('LTS_TIMEOUT', `got no answer within ${this.options.deadlineMs} ms; it may have been handled`);
  }

  private release(): void {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.forget(this);
  }
}

class MemoryTransport implements Transport {
  private isOpen = true;
  private readonly pending = new Set<PendingRequest>();
  private readonly subscriptions = new Set<Subscription>();
  private readonly deadlines: Deadlines;

  constructor(
    private readonly network: MemoryNetwork,
    clock: Clock,
  ) {
    this.deadlines = new Deadlines(clock);
  }

  request(subject: string, message: Message, options: RequestOptions): Promise<unknown> {
    const request = new PendingRequest(subject, options, this.forget);
    if (!this.isOpen) request.fail('LTS_NOT_STARTED', 'was not sent: the transport of this node is closed');
    else if (options.signal?.aborted) request.fail('LTS_ABORTED', 'was not sent: its AbortSignal had aborted');
    else if (!this.canWait() || !this.network.defer(() => this.deliver(request, message)))
      request.fail('LTS_BUSY', `was not sent: ${deliveriesMax} are waiting, which is the bound`);
    else this.await(request);
    return request.answer;
  }

  publish(subject: string, message: Message): void {
    if (!this.isOpen) return;
    this.network.defer(() => {
      for (const subscriber of this.network.audience(subject))
        void handle(subscriber, message, { deadlineMs: 0 }).catch(() => {});
    });
  }

  subscribe(subject: string, handler: MessageHandler, options?: { queue?: string }): Subscription {
    if (!this.isOpen) throw new LtsError('LTS_NOT_STARTED', `Cannot subscribe to ${subject}: this node is stopped.`);
    const subscriber = { handler, isNodeOpen: () => this.isOpen };
    this.network.add(subject, options?.queue, subscriber);
    const subscription: Subscription = {
      close: async () => {
        this.subscriptions.delete(subscription);
        this.network.remove(subject, subscriber);
      },
    };
    this.subscriptions.add(subscription);
    return subscription;
  }

  isUp(): boolean {
    return this.isOpen;
  }

  async close(): Promise<void> {
    this.isOpen = false;
    for (const subscription of this.subscriptions) await subscription.close();
    for (const request of this.pending)
      request.fail('LTS_ABORTED', 'was given up: its node stopped; it may have been handled');
    this.deadlines.close();
  }

  private canWait(): boolean {
    return this.pending.size < deliveriesMax;
  }

  private await(request: PendingRequest): void {
    this.pending.add(request);
    this.deadlines.add(request, request.deadlineMs);
  }

  private readonly forget = (request: PendingRequest): void => {
    if (this.pending.delete(request)) this.deadlines.remove(request);
  };

  private deliver(request: PendingRequest, message: Message): void {
    if (!this.pending.has(request)) return;
    const responder = this.network.responder(request.subject);
    if (!responder) return request.fail('LTS_NO_TRACKER', 'has no responders: nobody subscribes there');
    handle(responder, message, request.context).then(
      (reply) => responder.isNodeOpen() && request.settle(reply),
      (error: unknown) => responder.isNodeOpen() && request.refuse(asLtsError(error, request.subject)),
    );
  }
}

/** Turns what a handler throws before its first await into a rejection, too. */
async function handle(subscriber: Subscriber, message: Message, context: MessageContext): Promise<unknown> {
  return subscriber.handler(message, context);
}

function asLtsError(error: unknown, subject: string): LtsError {
  if (LtsError.is(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new LtsError('LTS_INTERNAL', `The handler of ${subject} failed unexpectedly: ${text}`, { cause: error });
}
