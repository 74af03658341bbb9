/**
 * Messages between nodes: request/reply with a deadline, publish, subscribe by subject.
 * A message is plain JSON data. It is never changed after it was handed over, neither by the sender nor by the receiver.
 */
export interface Message {
  readonly kind: string;
  readonly body: unknown;
}

export interface RequestOptions {
  /** The reply must come within this time; else LTS_TIMEOUT, which means: outcome unknown. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The message came from outside this process and is passed on as it came. Default false. */
  readonly isForeign?: boolean | undefined;
}

export interface MessageContext {
  readonly deadlineMs: number;
  /** The message came from outside this process: its body may have any shape. */
  readonly isForeign?: boolean | undefined;
}

/** Answers one request. What it throws reaches the requester as the same LtsError code and text. */
export type MessageHandler = (message: Message, context: MessageContext) => Promise<unknown>;

export interface Subscription {
  /** No handler call starts after this resolves. */
  close(): Promise<void>;
}

export interface Transport {
  /** Answers come from outside this process: they may have any shape. Default false. */
  readonly isForeign?: boolean | undefined;
  /**
   * Sends to one subscriber of `subject`. Rejects with LTS_NO_TRACKER at once when nobody subscribes ("no responders"),
   * with LTS_TIMEOUT at the deadline, with LTS_ABORTED by the signal.
   */
  request(subject: string, message: Message, options: RequestOptions): Promise<unknown>;
  /** Sends to every subscriber (one of each queue group); may be lost, so it never carries state. */
  publish(subject: string, message: Message): void;
  /** Of the subscribers that share `queue`, one gets each message. */
  subscribe(subject: string, handler: MessageHandler, options?: { queue?: string }): Subscription;
  /** False while the connection to the other nodes is down. */
  isUp(): boolean;
  close(): Promise<void>;
}
export const Transport = Symbol.for('lts.Transport');
