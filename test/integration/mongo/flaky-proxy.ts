/** A TCP proxy before a server, whose faults the test decides: requests that never arrive, answers that never come back. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What becomes of a piece of a connection: it passes; it is lost together with the connection; half of it passes, then the connection
 * is lost; it passes, but the connection is lost before anything comes back; it is lost and the connection stays, silent.
 */
export type Fate = 'pass' | 'lost' | 'torn' | 'unanswered' | 'swallowed';
export type Decide = (piece: Buffer, direction: 'request' | 'answer') => Fate;

const always: Decide = () => 'pass';

export class FlakyProxy {
  private decide: Decide = always;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;
  faults = 0;

  /** `target`: `host:port`; it may move. */
  constructor(public target: string) {}

  async start(): Promise<void> {
    this.server = createServer((client) => this.join(client)).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address !== null && typeof address !== 'string') this.port = address.port;
  }

  /** A URL through the proxy that looks for a lost server often. */
  get url(): string {
    return `mongodb://127.0.0.1:${this.port}/?directConnection=true&minHeartbeatFrequencyMS=20`;
  }

  /** From now on; without a rule everything passes. */
  rule(decide: Decide = always): void {
    this.decide = decide;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server) return;
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const [host, port] = this.target.split(':');
    const server = connect(Number(port), host);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (piece) => this.carry(piece, 'request', { client, server }));
    server.on('data', (piece) => this.carry(piece, 'answer', { client, server }));
  }

  private carry(
    piece: Buffer,
    direction: 'request' | 'answer',
    { client, server }: { client: Socket; server: Socket },
  ): void {
    const to = direction === 'request' ? server : client;
    const fate = this.decide(piece, direction);
    if (fate !== 'pass') this.faults++;
    switch (fate) {
      case 'pass':
        to.write(piece);
        return;
      case 'lost':
        client.destroy();
        return;
      case 'torn':
        to.write(piece.subarray(0, piece.length >> 1), () => client.destroy());
        return;
      case 'unanswered':
        // The server must have read it before its connection goes.
        server.removeAllListeners('data');
        server.once('data', () => client.destroy());
        to.write(piece);
        return;
      case 'swallowed':
        return;
    }
  }
}
