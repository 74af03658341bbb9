/** The TCP proxy before one node's server: what the supervisor does to it happens to that one node alone. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** `out`: from the node to the server; `in`: back. */
export type Direction = 'in' | 'out';
/** Bytes pass; wait while the socket stays open; or are lost while the socket stays open. */
export type Passage = 'pass' | 'hold' | 'swallow';

interface Pair {
  readonly node: Socket;
  readonly server: Socket;
  /** Bytes of it are lost: it can only be ended. */
  hasLost: boolean;
}

export class LinkProxy {
  private readonly pairs = new Set<Pair>();
  private readonly passage: Record<Direction, Passage> = { in: 'pass', out: 'pass' };
  private server: Server | undefined;
  private isCut = false;
  private delayMs = 0;
  port = 0;

  /** `target` is `host:port` and may move. `onConnected` hears of every connection that stands. */
  constructor(
    public target: string,
    private readonly onConnected: () => void = () => {},
  ) {}

  async start(): Promise<void> {
    this.server = createServer((node) => this.join(node)).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address !== null && typeof address === 'object') this.port = address.port;
  }

  /** RST on every connection; new ones are taken. */
  reset(): void {
    for (const pair of this.pairs) end(pair);
  }

  /** RST now, and on whatever comes until `mend`. */
  cut(): void {
    this.isCut = true;
    this.reset();
  }

  set(direction: Direction, passage: Passage): void {
    this.passage[direction] = passage;
    for (const pair of this.pairs) this.keepUp(pair);
  }

  delay(ms: number): void {
    this.delayMs = ms;
  }

  /** Everything passes again. A connection that lost bytes is reset: going on would tear its protocol. */
  mend(): void {
    this.isCut = false;
    this.delayMs = 0;
    for (const pair of this.pairs) if (pair.hasLost) end(pair);
    this.set('in', 'pass');
    this.set('out', 'pass');
  }

  async stop(): Promise<void> {
    this.reset();
    if (!this.server?.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  private join(node: Socket): void {
    if (this.isCut) {
      node.on('error', () => {});
      node.resetAndDestroy();
      return;
    }
    const [host, port] = this.target.split(':');
    const server = connect(Number(port), host);
    const pair: Pair = { node, server, hasLost: false };
    this.pairs.add(pair);
    server.on('connect', () => this.onConnected());
    for (const socket of [node, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.pairs.delete(pair);
        node.destroy();
        server.destroy();
      });
    }
    node.on('data', (piece) => this.carry(piece, 'out', pair));
    server.on('data', (piece) => this.carry(piece, 'in', pair));
    this.keepUp(pair);
  }

  private carry(piece: Buffer, direction: Direction, pair: Pair): void {
    if (this.passage[direction] === 'swallow') {
      pair.hasLost = true;
      return;
    }
    const to = direction === 'out' ? pair.server : pair.node;
    const pass = () => to.destroyed || to.write(piece);
    if (this.delayMs === 0) pass();
    else setTimeout(pass, this.delayMs);
  }

  private keepUp({ node, server }: Pair): void {
    for (const [from, direction] of [
      [node, 'out'],
      [server, 'in'],
    ] as const) {
      if (this.passage[direction] === 'hold') from.pause();
      else from.resume();
    }
  }
}

function end({ node, server }: Pair): void {
  node.resetAndDestroy();
  server.resetAndDestroy();
}
