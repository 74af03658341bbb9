/** A real nats-server for tests: on a free port of 127.0.0.1, in a folder of its own, ended by its process id. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Deferred } from '../../src/kit/deferred.js';

/** `newest`: what `npm run servers` could get. `oldest`: 2.9.10, the oldest that is supported. */
export type NatsVersion = 'newest' | 'oldest';

const fetched = join(import.meta.dirname, '..', '..', '.servers', 'nats');
const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
const places: Record<NatsVersion, readonly string[]> = {
  newest: [process.env.LTS_TEST_NATS_SERVER ?? '', join(fetched, 'newest', 'nats-server'), ...onPath],
  oldest: [join(fetched, 'oldest', 'nats-server')],
};
const programOf = (version: NatsVersion) => places[version].find((path) => path !== '' && existsSync(path));

/** Why tests that need this server must be skipped; undefined when it is here, and in CI, where its absence is a failure. */
export function natsMissing(version: NatsVersion = 'newest'): string | undefined {
  if (programOf(version) || process.env.CI) return undefined;
  return `no ${version} nats-server here: run 'npm run servers'`;
}

/** The example configuration with this password for every role; where it listens and stores, the test's server decides. */
export function exampleConfig(password: string): string {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'deploy', 'nats', 'nats-server.conf'), 'utf8');
  return text.slice(text.indexOf('\nauthorization')).replaceAll(/\$[A-Z_]+_PASSWORD/g, `"${password}"`);
}

export interface NatsServerOptions {
  readonly version?: NatsVersion;
  /** Default true. */
  readonly hasJetStream?: boolean;
  /** Further lines of its configuration file. */
  readonly config?: string;
  /** Files beside the configuration, which may name them by `$FOLDER/name`. */
  readonly files?: Readonly<Record<string, string>>;
}

const living = new Set<NatsServer>();
process.on('exit', () => {
  for (const server of living) server.killNow();
});

export class NatsServer {
  private child: ChildProcess | undefined;
  private exited = new Deferred<void>();
  private readyText = /Server is ready/;

  private constructor(
    private readonly program: string,
    readonly folder: string,
    readonly port: number,
  ) {}

  /** Servers that are one cluster; resolves when JetStream is there, too. */
  static async startCluster(size: number, options: NatsServerOptions = {}): Promise<NatsServer[]> {
    const ports = await Promise.all(Array.from({ length: size }, freePort));
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
    const starts = ports.map((port) => {
      const cluster = `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
      return NatsServer.start({ ...options, config: `${cluster}\n${options.config ?? ''}` });
    });
    return Promise.all(starts);
  }

  /** Resolves when the server answers. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const version = options.version ?? 'newest';
    const program = programOf(version);
    if (!program) throw new Error(`No ${version} nats-server here. Run 'npm run servers'.`);
    const server = new NatsServer(program, mkdtempSync(join(tmpdir(), 'lts-nats-')), await freePort());
    server.configure(options);
    await server.run();
    return server;
  }

  /** At the other servers of its cluster. */
  get name(): string {
    return `n${this.port}`;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined) throw new Error('This nats-server is not running.');
    return pid;
  }

  /** Writes the configuration anew; `reload` makes a running server read it. */
  configure({ hasJetStream = true, config = '', files = {} }: NatsServerOptions): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    const jetStream = hasJetStream ? `jetstream { store_dir: "${join(this.folder, 'store')}" }` : '';
    const text = `listen: "127.0.0.1:${this.port}"\nserver_name: ${this.name}\n${jetStream}\n${config.replaceAll('$FOLDER', this.folder)}\n`;
    writeFileSync(join(this.folder, 'nats.conf'), text);
    // In a cluster JetStream answers once its servers have agreed on a leader.
    if (config.includes('cluster {')) this.readyText = /new (JetStream cluster )?metadata leader/;
  }

  reload(): void {
    process.kill(this.pid, 'SIGHUP');
  }

  /** Starts it, or starts it again on the same port with what it had stored. */
  async run(): Promise<void> {
    const child = spawn(this.program, ['-c', join(this.folder, 'nats.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child = child;
    this.exited = new Deferred();
    living.add(this);
    const ready = new Deferred<void>();
    let said = '';
    child.stderr.on('data', (text) => {
      said = (said + text).slice(-20_000);
      if (this.readyText.test(said)) ready.resolve();
    });
    child.on('error', ready.reject);
    child.on('exit', () => {
      ready.reject(new Error(`nats-server ended before it was ready:\n${said}`));
      this.exited.resolve();
    });
    await ready.promise;
  }

  /** SIGKILL; resolves when the process is gone. `run` starts it again. */
  async kill(): Promise<void> {
    this.killNow();
    if (this.child) await this.exited.promise;
    living.delete(this);
    this.child = undefined;
  }

  /** Freezes the process: its sockets stay open and say nothing. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** `2.15.1` and the like. */
  version(): string {
    return /\d+\.\d+\.\d+/.exec(execFileSync(this.program, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown';
  }

  killNow(): void {
    this.child?.kill('SIGKILL');
  }
}

/** A port that was free a moment ago; its server keeps it over restarts, which port 0 would not. */
export async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('No port is free.');
  return address.port;
}
