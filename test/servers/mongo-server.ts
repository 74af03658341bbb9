/**
 * A MongoDB server for one test file: the one that LTS_TEST_MONGO_URL names, else a `mongod` of the PATH, else what `npm run servers`
 * built, started on a free port and ended with the file. Without any, tests are skipped with the reason, in CI they fail.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface MongoServer {
  readonly url: string;
  /** `host:port` of the first server. */
  readonly host: string;
  /** False for the server that only speaks the protocol: it neither explains queries nor uses indexes for them. */
  readonly isReal: boolean;
  /** Ends the server, if this file started it. */
  stop(): Promise<void>;
}

const built = join(import.meta.dirname, '..', '..', '.servers', 'mongo');
const inCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';

const programs = { mongod: 'mongod', java: 'java' } as const;

type Kind = 'url' | 'mongod' | 'built';

function kindHere(): Kind | undefined {
  if (process.env.LTS_TEST_MONGO_URL) return 'url';
  if (answers(programs.mongod, '--version')) return 'mongod';
  return existsSync(join(built, 'MongoServerMain.class')) && answers(programs.java, '-version') ? 'built' : undefined;
}

function answers(program: string, argument: string): boolean {
  try {
    execFileSync(program, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const kind = kindHere();

/** Why tests with MongoDB cannot run here; undefined if they can. */
export const whyNoMongo: string | undefined =
  kind === undefined && !inCi ? 'no MongoDB server here: npm run servers fetches one' : undefined;

/** Why a test cannot stop a server and start it again with its data; undefined if it can. */
export const whyNoRestarts: string | undefined =
  whyNoMongo ??
  (kind === 'built' || kind === undefined ? undefined : 'only the server of npm run servers is restarted');

/** Throws where no server can be had; ask `whyNoMongo` before. */
export async function startMongoServer({ file }: { file?: string } = {}): Promise<MongoServer> {
  switch (kind) {
    case 'url':
      return named(process.env.LTS_TEST_MONGO_URL ?? '');
    case 'mongod':
      return startMongod();
    case 'built':
      return startBuilt(file);
    default:
      throw new Error('No MongoDB server for the tests. Run: npm run servers');
  }
}

function named(url: string): MongoServer {
  const host = /\/\/(?:[^@/]*@)?([^,/?]+)/.exec(url)?.[1] ?? url;
  return { url, host, isReal: true, stop: async () => {} };
}

async function startMongod(): Promise<MongoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'lts-mongod-'));
  const port = await freePort();
  const child = spawn(programs.mongod, ['--dbpath', folder, '--port', `${port}`, '--bind_ip', '127.0.0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await lineOf(child, /Waiting for connections/i);
  const stop = async (): Promise<void> => {
    await ended(child, () => child.kill('SIGTERM'));
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `mongodb://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, isReal: true, stop };
}

/** Its standard input is the rope: when this process is gone, so is the server. */
async function startBuilt(file: string | undefined): Promise<MongoServer> {
  const options = ['-XX:TieredStopAtLevel=1', '-Xmx512m', '-cp', [built, join(built, 'lib', '*')].join(pathSeparator)];
  const args = [...options, 'MongoServerMain', '0', ...(file === undefined ? [] : [file])];
  const child = spawn(programs.java, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = (await lineOf(child, /listening on (\d+)/))[1];
  const stop = (): Promise<void> => ended(child, () => child.stdin?.end());
  return { url: `mongodb://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, isReal: false, stop };
}

const pathSeparator = process.platform === 'win32' ? ';' : ':';

/** The first line of its output that matches; everything after it is thrown away. */
async function lineOf(child: ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  if (!child.stdout) throw new Error('the server has no output');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const found = wanted.exec(line);
    if (!found) continue;
    child.stdout.resume();
    return found;
  }
  throw new Error(`the server ended before it said ${wanted}`);
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  end();
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
