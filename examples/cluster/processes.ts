/** Processes of a cluster on this machine, for its examples: servers and nodes, told apart by name, each ended by its own id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const servers = join(import.meta.dirname, '../../.servers');
const nodeProgram = join(import.meta.dirname, 'node.ts');

export class Running {
  readonly lines: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();

  constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    for (const output of [child.stdout, child.stderr]) if (output) createInterface(output).on('line', this.hear);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Hears every line from now on; the answer ends it. */
  onLine(listener: (line: string) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Resolves with the first line that has this text; throws what was said when the process ends without. */
  says(text: string): Promise<string> {
    const found = this.lines.find((line) => line.includes(text));
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const endListening = this.onLine((line) => {
        if (!line.includes(text)) return;
        endListening();
        resolve(line);
      });
      this.child.once('close', () => reject(new Error(`${this.name} ended:\n${this.lines.join('\n')}`)));
    });
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isLiving) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }

  /** Does not wait for its end. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private get isLiving(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  private readonly hear = (line: string): void => {
    this.lines.push(line);
    for (const listener of this.listeners) listener(line);
  };
}

export class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), 'lts-cluster-'));
  private readonly running: Running[] = [];

  constructor() {
    // Whoever ends this process early leaves none of the others behind.
    process.on('exit', () => this.running.forEach((one) => one.kill()));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  }

  /** A nats-server of our own with JetStream, if there is a program for it; its address. */
  async startNats(): Promise<string | undefined> {
    const fetched = join(servers, 'nats/newest/nats-server');
    const program = existsSync(fetched) ? fetched : 'nats-server';
    if (spawnSync(program, ['--version']).status !== 0) return undefined;
    const port = await freePort();
    const args = ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', join(this.folder, 'nats')];
    await this.start('nats-server', program, args).says('Server is ready');
    return `nats://127.0.0.1:${port}`;
  }

  /** A mongod of our own, or the server of the tests, if there is a program for it; its address. */
  async startMongo(): Promise<string | undefined> {
    if (spawnSync('mongod', ['--version']).status === 0) {
      const port = await freePort();
      const args = ['--dbpath', this.folder, '--port', `${port}`, '--bind_ip', '127.0.0.1'];
      await this.start('mongod', 'mongod', args).says('Waiting for connections');
      return `mongodb://127.0.0.1:${port}`;
    }
    const built = join(servers, 'mongo');
    if (!existsSync(built) || spawnSync('java', ['-version']).status !== 0) return undefined;
    const classes = [built, join(built, 'lib', '*')].join(process.platform === 'win32' ? ';' : ':');
    const server = this.start('mongo', 'java', ['-XX:TieredStopAtLevel=1', '-cp', classes, 'MongoServerMain', '0']);
    const line = await server.says('listening on');
    return `mongodb://127.0.0.1:${line.split(' ').at(-1)}`;
  }

  /** `node.ts` with these arguments; resolves when the node runs. */
  async startNode(name: string, args: readonly string[]): Promise<Running> {
    const own = ['--data', join(this.folder, name)];
    const node = this.start(name, process.execPath, [...process.execArgv, nodeProgram, ...args, ...own]);
    await node.says('runs in process');
    return node;
  }

  /** The last started ends first; what they kept is removed. */
  async end(): Promise<void> {
    for (const one of this.running.reverse()) await one.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private start(name: string, program: string, args: readonly string[]): Running {
    // A server of the tests ends with its standard input: it must have one.
    const running = new Running(name, spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    this.running.push(running);
    return running;
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  return typeof address === 'object' && address ? address.port : 4222;
}
