/**
 * The talking side of a data path's local socket: every connection is one more node of this process's network, and its requests
 * are passed on as they come. Nothing that comes in can end the process; what is malformed is answered and the connection closed.
 */
import type { Socket } from 'node:net';
import { LtsError } from '../../errors.js';
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
  private readonly connections = new Set<Connection>();
  private isClosed = false;

  /** `openTransport` gives each connection a transport of its own, which is closed with it. */
  constructor(private readonly openTransport: () => Transport) {}

  /** Serves a connection that was made to the socket. */
  accept(socket: Socket): void {
    // A prober has gone before it is greeted.
    socket.on('error', () => {});
    // Those who ask are no reason to stay alive.
    socket.unref();
    if (this.isClosed) return void socket.destroy();
    if (this.connections.size >= localLimits.connectionsMax) return refuse(socket);
    const connection = new Connection(socket, this.openTransport());
    this.connections.add(connection);
    socket.on('close', () => this.connections.delete(connection));
    connection.start();
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

class Connection {
  private readonly reader = new LineReader(localLimits.requestBytesMax);
  private inFlight = 0;

  constructor(
    private readonly socket: Socket,
    private readonly transport: Transport,
  ) {}

  start(): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('close', () => void this.transport.close());
    socket.on('drain', () => socket.resume());
    socket.setTimeout(localLimits.idleMs, () => this.inFlight === 0 && this.end());
    const hello: Hello = { v: protocolVersion, pid: process.pid };
    this.write(frameText(hello, localLimits.replyBytesMax));
  }

  end(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    try {
      for (const line of this.reader.push(chunk)) this.take(line);
    } catch (error) {
      this.write(answerText({ error: wireError(error) }));
      this.socket.destroySoon();
    }
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
      const reply = await this.transport.request(subject, message, { deadlineMs, isForeign: true });
      this.write(answerText({ id, reply }));
    } catch (error) {
      this.write(answerText({ id, error: wireError(error) }));
    } finally {
      this.inFlight--;
    }
  }

  /** Nothing more is read from one who does not read what it asked for. */
  private write(text: string): void {
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
