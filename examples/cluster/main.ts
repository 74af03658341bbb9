/**
 * A small cluster: one JobTracker, two TaskTrackers and one JobClient, each a process of its own, over NATS. One of the workers is
 * killed at work; the other does its jobs. Run it with:
 *
 *   npx tsx examples/cluster/main.ts                         (with a nats-server on the PATH, or after `npm run servers`)
 *   npx tsx examples/cluster/main.ts nats://127.0.0.1:4222   (with one that runs, JetStream on)
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const folder = mkdtempSync(join(tmpdir(), 'lts-cluster-'));
const processes: ChildProcess[] = [];

/** A nats-server of our own, if there is a program for it. */
async function startNats(): Promise<string | undefined> {
  const fetched = join(import.meta.dirname, '../../.servers/nats/newest/nats-server');
  const program = existsSync(fetched) ? fetched : 'nats-server';
  if (spawnSync(program, ['--version']).status !== 0) return undefined;
  const port = await freePort();
  const server = spawn(program, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder, 'nats')]);
  processes.push(server);
  await until(server.stderr, 'Server is ready');
  return `nats://127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  return typeof address === 'object' && address ? address.port : 4222;
}

async function until(output: Readable, text: string): Promise<void> {
  let seen = '';
  for await (const part of output.iterator({ destroyOnReturn: false })) {
    seen += part;
    if (seen.includes(text)) break;
  }
}

/** Resolves when the node runs. What it says is shown. */
async function start(role: string, name: string, address: string) {
  const file = join(import.meta.dirname, 'node.ts');
  const args = [...process.execArgv, file, role, address, join(folder, name)];
  const node = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(node);
  node.stdout.pipe(process.stdout, { end: false });
  await until(node.stdout, 'runs in process');
  return node;
}

const address = process.argv[2] ?? (await startNats());
if (address === undefined) {
  console.log('A cluster needs NATS: run `npm run servers`, install nats-server, or name one that runs:');
  console.log('  npx tsx examples/cluster/main.ts nats://127.0.0.1:4222');
} else {
  await start('tracker', 'tracker', address);
  const [doomed] = await Promise.all([start('worker', 'worker-1', address), start('worker', 'worker-2', address)]);
  const client = await start('client', 'client', address);
  await until(client.stdout, 'page 5 by');
  console.log(`process ${doomed.pid}, a worker, is killed`);
  doomed.kill('SIGKILL');
  await once(client, 'exit');
}

for (const one of processes.reverse()) {
  if (one.exitCode !== null || one.signalCode !== null) continue;
  one.kill('SIGTERM');
  await once(one, 'exit');
}
rmSync(folder, { recursive: true, force: true });
