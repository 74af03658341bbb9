/** A process's network behind a local socket, for tests: its nodes answer, a LocalTransport asks. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalServer } from '../../../src/adapters/local/local-server.js';
import { type ConnectOptions, LocalTransport } from '../../../src/adapters/local/local-transport.js';
import { MemoryNetwork } from '../../../src/adapters/memory/memory-transport.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';

export const clock = new SystemClock();

export class LocalNetwork {
  readonly network = new MemoryNetwork(clock);
  /** What the server measures frames with; `lateMs` is added to it. */
  lateMs = 0;
  private readonly time = { monoMs: () => clock.monoMs() + this.lateMs };
  readonly localServer = new LocalServer(() => this.network.transport(), this.time);
  private readonly folder = mkdtempSync(join(tmpdir(), 'lts-local-'));
  readonly path = process.platform === 'win32' ? `\\\\.\\pipe\\${this.folder.slice(-12)}` : join(this.folder, 'socket');

  private constructor(private readonly server: Server) {}

  static async open(): Promise<LocalNetwork> {
    const server = createServer((socket) => local.localServer.accept(socket));
    const local: LocalNetwork = new LocalNetwork(server);
    server.listen(local.path);
    await once(server, 'listening');
    return local;
  }

  connect(options: Partial<ConnectOptions> = {}): Promise<LocalTransport> {
    return LocalTransport.connect({ path: this.path, clock, ...options });
  }

  async close(): Promise<void> {
    this.localServer.close();
    await new Promise((closed) => this.server.close(closed));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
