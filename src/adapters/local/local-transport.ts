/** The asking side of a data path's local socket: requests to the nodes of the process that owns it. It hears nothing by itself. */
import { createConnection, type Socket } from 'node:net';
import { LtsError } from '../../errors.js';
import { Deferred } from '../../kit/deferred.js';
import type { Clock } from '../../ports/clock.js';
import type { Message, MessageHandler, RequestOptions, Subscription, Transport } from '../../ports/transport.js';
import {
  type AnswerFrame,
  errorOf,
  frameText,
  LineReader,
  localLimits,
  parseFrame,
  protocolVersion,
} from './local-frames.js';

export interface ConnectOptions {
  /** The socket's path, or the name of a pipe. */
  readonly path: string;
  readonly clock: Clock;
  /** The owner must greet within this time. Default 5,000 ms: it may be busy. */
  readonly greetWithinMs?: number | undefined;
  /** Called once when the connection ends without `close`. */
  readonly onLost?: (() => void) | undefined;
}

class PendingRequest {
  readonly answered = new Deferred<unknown>();
  /** Aborts when the request is settled, which ends its deadline. */
  readonly settled = new AbortController();

  constructor(
    readonly subject: string,
    readonly options: RequestOptions,
  ) {}

  fail(code: LtsError['code'], what: string): void {
    this.answered.reject(new LtsError(code, `The request to ${this.subject} ${what}.`));
  }
}

export class LocalTransport implements Transport {
  readonly isForeign = true;
  private readonly pending = new Map<number, PendingRequest>();
  private readonly reader = new LineReader(localLimits.replyBytesMax);
  private readonly greeted = new Deferred<void>();
  private lastId = 0;
  private state: 'connecting' | 'open' | 'lost' | 'closed' = 'connecting';

  private constructor(
    private readonly socket: Socket,
    private readonly options: ConnectOptions,
  ) {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('close', () => this.lose());
  }

  /** Throws LTS_NO_TRACKER when nobody is there or answers in time, LTS_BUSY, or LTS_MESSAGE_INVALID for another version. */
  static async connect(options: ConnectOptions): Promise<LocalTransport> {
    const transport = new LocalTransport(createConnection(options.path), options);
    const over = new AbortController();
    const tooLate = options.clock.sleep(options.greetWithinMs ?? 5_000, over.signal).then(() => {
      transport.greeted.reject(new LtsError('LTS_NO_TRACKER', `Nobody answers on ${options.path}.`));
    });
    try {
      await transport.greeted.promise;
      return transport;
    } catch (error) {
      await transport.close();
      throw error;
    } finally {
      over.abort(over);
      await tooLate;
    }
  }

  request(subject: string, message: Message, options: RequestOptions): Promise<unknown> {
    const request = new PendingRequest(subject, options);
    if (this.state === 'closed') request.fail('LTS_NOT_STARTED', 'was not sent: this transport is closed');
    else if (this.state === 'lost')
      request.fail('LTS_NO_TRACKER', 'was not sent: the process of the data path is gone');
    else if (options.signal?.aborted) request.fail('LTS_ABORTED', 'was not sent: its AbortSignal had aborted');
    else if (this.pending.size >= localLimits.requestsMax)
      request.fail('LTS_BUSY', `was not sent: ${localLimits.requestsMax} are waiting, which is the bound`);
    else return this.send(request, message);
    return request.answered.promise;
  }

  /** Lost, as publications may be: only requests are passed on. */
  publish(_subject: string, _message: Message): void {}

  /** Throws LTS_CONFIG_INVALID: nothing is sent to the asking side. */
  subscribe(subject: string, _handler: MessageHandler, _options?: { queue?: string }): Subscription {
    const text = `Nothing can be heard of ${subject} over the local socket. Subscribe in the application's own process.`;
    throw new LtsError('LTS_CONFIG_INVALID', text);
  }

  isUp(): boolean {
    return this.state === 'open';
  }

  async close(): Promise<void> {
    this.state = 'closed';
    for (const request of this.pending.values())
      request.fail('LTS_ABORTED', 'was given up: its node stopped; it may have been handled');
    if (this.socket.closed) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.destroy();
    await closed;
  }

  private async send(request: PendingRequest, message: Message): Promise<unknown> {
    const id = ++this.lastId;
    const { subject, options } = request;
    const { deadlineMs, signal } = options;
    const frame = frameText({ id, subject, deadlineMs, message }, localLimits.requestBytesMax);
    const onAbort = () => request.fail('LTS_ABORTED', 'was given up by its AbortSignal; it may have been handled');
    signal?.addEventListener('abort', onAbort);
    this.pending.set(id, request);
    void this.expire(request);
    this.socket.write(frame);
    try {
      return await request.answered.promise;
    } finally {
      this.pending.delete(id);
      signal?.removeEventListener('abort', onAbort);
      request.settled.abort(request);
    }
  }

  private async expire(request: PendingRequest): Promise<void> {
    const { deadlineMs } = request.options;
    await this.options.clock.sleep(deadlineMs, request.settled.signal);
    request.fail('LTS_TIMEOUT', `got no answer within ${deadlineMs} ms; it may have been handled`);
  }

  private receive(chunk: Buffer): void {
    try {
      for (const line of this.reader.push(chunk)) this.take(parseFrame(line));
    } catch (error) {
      this.breakOff(error);
    }
  }

  private take(frame: Record<string, unknown>): void {
    const { id, reply, error } = frame as AnswerFrame;
    if (id === undefined) return this.meet(frame);
    const request = this.pending.get(id);
    if (error) request?.answered.reject(errorOf(error));
    else request?.answered.resolve(reply);
  }

  /** The greeting, or why the owner ends the connection. */
  private meet(frame: Record<string, unknown>): void {
    if (frame.error) throw errorOf(frame.error as NonNullable<AnswerFrame['error']>);
    if (frame.v === protocolVersion) {
      this.state = 'open';
      return this.greeted.resolve();
    }
    const text = `The application speaks version ${String(frame.v)} of the local protocol, this command version ${protocolVersion}. Use the same version of light-task-scheduler.`;
    throw new LtsError('LTS_MESSAGE_INVALID', text);
  }

  private breakOff(error: unknown): void {
    this.greeted.reject(error);
    for (const { answered } of this.pending.values()) answered.reject(error);
    this.socket.destroy();
  }

  private lose(): void {
    this.greeted.reject(new LtsError('LTS_NO_TRACKER', `Nobody answers on ${this.options.path}.`));
    if (this.state !== 'open') return;
    this.state = 'lost';
    for (const request of this.pending.values())
      request.fail('LTS_TIMEOUT', 'lost its answer: the process of the data path ended; it may have been handled');
    this.options.onLost?.();
  }
}
