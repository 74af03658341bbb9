/**
 * The talking side of a data path's local socket: every connection is one more node of this process's network, and its requests
 * are passed on as they come. Nothing that comes in can end the process; what is malformed is answered and the connection closed.
 */
import type { Socket } from 'node:net';
import { LtsError } from '../../errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Transport } from '../../ports/transport.js';
import {
  type AnswerFrame,
  frameText,
  type Hello,
  LineReader,
  localLimits,
  parseFrame,
  protocolVersion,
  type RequestFrame,
  requestOf,
} from './local-frames.js';

export class LocalServer {
  /** That which has been idle longest comes first. */
  private readonly connections = new Set<Connection>();
  private isClosed = false;

  /** `openTransport` gives each connection a transport of its own, which is closed with it. */
  constructor(
    private readonly openTransport: () => Transport,
    private readonly clock: Pick<Clock, 'monoMs'>,
  ) {}

  /** Serves a connection that was made to the socket; when all places are taken, the one that has been idle longest gives way. */
  accept(socket: Socket): void {
    // A prober has gone before it is greeted.
    socket.on('error', () => {});
    // Those who ask are no reason to stay alive.
    socket.unref();
    if (this.isClosed) return void socket.destroy();
    if (this.connections.size >= localLimits.connectionsMax && !this.makeRoom()) return refuse(socket);
    const connection = new Connection(socket, {
      transport: this.openTransport(),
      clock: this.clock,
      onServed: () => this.noteServed(connection),
    });
    this.connections.add(connection);
    socket.on('close', () => this.connections.delete(connection));
    connection.start();
  }

  private makeRoom(): boolean {
    const idle = [...this.connections].find((connection) => connection.isIdle);
    idle?.end();
    return idle !== undefined && this.connections.delete(idle);
  }

  private noteServed(connection: Connection): void {
    if (this.connections.delete(connection)) this.connections.add(connection);
  }

  /** Ends every connection; what they wait for is given up. */
  close(): void {
    this.isClosed = true;
    for (const connection of this.connections) connection.end();
  }
}

function refuse(socket: Socket): void {
  const message = `${localLimits.connectionsMax} commands are connected, which is the bound. Try again in a second.`;
  socket.write(answerText({ error: { code: 'LTS_BUSY', message } }));
  socket.destroySoon();
}

interface ConnectionParts {
  readonly transport: Transport;
  readonly clock: Pick<Clock, 'monoMs'>;
  readonly onServed: () => void;
}

class Connection {
  private readonly reader = new LineReader(localLimits.requestBytesMax);
  private inFlight = 0;
  /** It broke the protocol: what else comes from it is passed over. */
  private isRefused = false;
  /** When the request that is still coming in began. */
  private frameSinceMono: number | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly parts: ConnectionParts,
  ) {}

  /** Nothing that it asked for is under way; half a request does not count. */
  get isIdle(): boolean {
    return this.inFlight === 0;
  }

  start(): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('close', () => void this.parts.transport.close());
    socket.on('drain', () => socket.resume());
    socket.setTimeout(localLimits.idleMs, () => this.isIdle && this.end());
    const hello: Hello = { v: protocolVersion, pid: process.pid };
    this.write(frameText(hello, localLimits.replyBytesMax));
  }

  end(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    if (this.isRefused) return;
    try {
      this.checkFrameTime();
      for (const line of this.reader.push(chunk)) {
        this.frameSinceMono = undefined;
        this.take(line);
      }
      if (this.reader.isWithinLine) this.frameSinceMono ??= this.parts.clock.monoMs();
    } catch (error) {
      this.isRefused = true;
      this.write(answerText({ error: wireError(error) }));
      this.socket.destroySoon();
    }
  }

  /** Looked at when more comes in: one from which nothing more comes is ended as idle. */
  private checkFrameTime(): void {
    const { frameSinceMono: since } = this;
    if (since === undefined || this.parts.clock.monoMs() - since <= localLimits.frameMs) return;
    const text = `A request must be whole within ${localLimits.frameMs / 1_000} s of its first byte.`;
    throw new LtsError('LTS_MESSAGE_INVALID', text);
  }

  private take(line: string): void {
    const request = requestOf(parseFrame(line));
    if (this.inFlight < localLimits.requestsMax) return void this.serve(request);
    const text = `${localLimits.requestsMax} requests of this connection are open, which is the bound. Await some first.`;
    this.write(answerText({ id: request.id, error: wireError(new LtsError('LTS_BUSY', text)) }));
  }

  private async serve({ id, subject, deadlineMs, message }: RequestFrame): Promise<void> {
    this.inFlight++;
    try {
      const reply = await this.parts.transport.request(subject, message, { deadlineMs, isForeign: true });
      this.write(answerText({ id, reply }));
    } catch (error) {
      this.write(answerText({ id, error: wireError(error) }));
    } finally {
      this.inFlight--;
      this.parts.onServed();
    }
  }

  /** Nothing more is read from one who does not read what it asked for; what it asked for before that is bounded by its end. */
  private write(text: string): void {
    if (this.socket.writableLength > localLimits.unreadBytesMax) return this.end();
    if (this.socket.writable && !this.socket.write(text)) this.socket.pause();
  }
}

/** A reply that cannot be sent is answered with the reason. */
function answerText(answer: AnswerFrame): string {
  try {
    return frameText(answer, localLimits.replyBytesMax);
  } catch (error) {
    return frameText({ id: answer.id, error: wireError(error) }, localLimits.replyBytesMax);
  }
}

function wireError(error: unknown): NonNullable<AnswerFrame['error']> {
  if (LtsError.is(error)) return { code: error.code, message: error.message };
  return { code: 'LTS_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}
