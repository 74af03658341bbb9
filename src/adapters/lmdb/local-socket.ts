/** A local socket of a folder: it is there, so its process is alive. What is said on it is not this file's affair. */
import { chmodSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { LtsError } from '../../errors.js';
import type { Clock } from '../../ports/clock.js';

/** Room for the path of a local socket, without its closing zero byte, on macOS; Linux has 107. */
const socketPathBytesMax = 103;
const probeMaxMs = 2_000;

/** Takes over each connection, with the care for its errors and its end. */
export type OnConnection = (connection: Socket) => void;

interface Listening {
  readonly server: Server;
  /** What `isListening` wants. */
  readonly socket: string;
}

/** Listens in `folder`, or in a temporary folder where that is not possible. Only the same user may connect. */
export async function listenBeside(folder: string, id: string, onConnection: OnConnection): Promise<Listening> {
  let cause: unknown;
  for (const socket of placesFor(folder, id)) {
    try {
      return { server: await listen(resolve(folder, socket), onConnection), socket };
    } catch (error) {
      cause = error;
    }
  }
  const text = `No local socket could be made for the data path ${folder}: ${(cause as Error | undefined)?.message ?? 'its path is too long'}.`;
  throw new LtsError('LTS_STORE_FAILED', text, { cause });
}

/**
 * Whether a process listens on the socket. False only when the system says that nobody does; a doubt (no right to connect, no
 * answer in time, a full backlog) counts as alive.
 */
export async function isListening(folder: string, socket: string, clock: Clock): Promise<boolean> {
  const connection = createConnection(resolve(folder, socket));
  const done = new AbortController();
  const outcome = new Promise<boolean>((settle) => {
    connection.on('connect', () => settle(true));
    connection.on('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
  const tooLate = clock.sleep(probeMaxMs, done.signal).then(() => true);
  const isAlive = await Promise.race([outcome, tooLate]);
  done.abort();
  connection.destroy();
  return isAlive;
}

export async function closeSocket(server: Server): Promise<void> {
  await new Promise((closed) => server.close(closed));
}

/** In the folder first: there it is seen by processes of other containers that share the folder. */
function placesFor(folder: string, id: string): string[] {
  const name = `lts-${id}.sock`;
  if (process.platform === 'win32') return [`\\\\.\\pipe\\${name}`];
  const places = [name, resolve(tmpdir(), name), resolve('/tmp', name)];
  return places.filter((place) => Buffer.byteLength(resolve(folder, place)) <= socketPathBytesMax);
}

function listen(path: string, onConnection: OnConnection): Promise<Server> {
  return new Promise((settle, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      if (process.platform !== 'win32') chmodSync(path, 0o600);
      // A connection that cannot be accepted changes nothing: the prober saw that somebody listens.
      server.on('error', () => {});
      // Owning a path is no reason to stay alive; the stores and timers of a node are.
      server.unref();
      settle(server);
    });
  });
}
