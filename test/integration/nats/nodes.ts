/** Nodes for the tests of the NATS adapters: connections that are closed together, and what they need. */
import { NatsConnection } from '../../../src/adapters/nats/nats-connection.js';
import type { NatsSettings } from '../../../src/adapters/nats/nats-settings.js';
import { NatsTransport } from '../../../src/adapters/nats/nats-transport.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { Deferred } from '../../../src/kit/deferred.js';
import type { Clock } from '../../../src/ports/clock.js';
import { SeededChance } from '../../../src/testing/index.js';

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly text: string;
}

export interface Node {
  readonly connection: NatsConnection;
  readonly transport: NatsTransport;
}

/** The nodes of one test. */
export class Nodes {
  readonly clock: Clock;
  readonly lines: LogLine[] = [];
  private readonly nodes: Node[] = [];
  private readonly log = {
    debug: (fields: object, text: string) => this.note('debug', fields, text),
    info: (fields: object, text: string) => this.note('info', fields, text),
    warn: (fields: object, text: string) => this.note('warn', fields, text),
    error: (fields: object, text: string) => this.note('error', fields, text),
  };

  constructor(clock: Clock = new SystemClock()) {
    this.clock = clock;
  }

  parts() {
    return { clock: this.clock, chance: new SeededChance(++seeds), log: this.log };
  }

  async start(url: string, more: Partial<NatsSettings> = {}): Promise<Node> {
    const identity = more.identity ?? `node-${this.nodes.length + 1}`;
    const settings = { servers: [url], identity, inboxPrefix: `lts.test.inbox.TEST.${identity}`, ...more };
    const connection = await NatsConnection.open(settings, this.parts());
    const node = { connection, transport: new NatsTransport(connection) };
    this.nodes.push(node);
    await node.transport.ready();
    return node;
  }

  async stop(): Promise<void> {
    const stopping = this.nodes.map(async ({ transport, connection }) => {
      await transport.close();
      await connection.close();
    });
    await Promise.all(stopping);
  }

  private note(level: string, fields: object, text: string): void {
    this.lines.push({ level, fields, text });
  }
}

/** Every node draws from another sequence, so that inboxes and waits differ. */
let seeds = 0;

/** Resolves at the next reconnect. */
export function reconnected({ connection }: Node): Promise<void> {
  const up = new Deferred<void>();
  const end = connection.listen({ reconnected: () => up.resolve() });
  return up.promise.finally(end);
}

/** Looks until it is so: for states of another process, which tells nobody. The test's own limit ends it. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const clock = new SystemClock();
  while (!(await isSo())) await clock.sleep(10);
}
