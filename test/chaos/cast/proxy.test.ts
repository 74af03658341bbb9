/** The proxy before one node: what it holds arrives later, what it swallows never does, and the connection that lost it ends. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LinkProxy } from './proxy.js';

let server: Server;
let proxy: LinkProxy;
let node: Socket;

/** A server that says back what it hears. */
beforeEach(async () => {
  server = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  proxy = new LinkProxy(`127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  await proxy.start();
  node = connect(proxy.port, '127.0.0.1').on('error', () => {});
  await said('hello');
});

afterEach(async () => {
  node.destroy();
  await proxy.stop();
  server.close();
  await once(server, 'close');
});

/** `once` would throw the reset that comes before. */
const closing = () => new Promise<void>((resolve) => void node.once('close', () => resolve()));

async function said(text: string): Promise<void> {
  node.write(text);
  let heard = '';
  for (; heard !== text; ) heard += String((await once(node, 'data'))[0]);
}

it.each(['in', 'out'] as const)('holds what goes %s until it is mended', async (direction) => {
  proxy.set(direction, 'hold');
  let isMended = false;
  const answer = said('later').then(() => isMended);
  // The way of bytes through four sockets is real: a pass of the held direction would be over by then.
  await new Promise((resolve) => setTimeout(resolve, 50));
  isMended = true;
  proxy.mend();
  expect(await answer).toBe(true);
});

it.each(['in', 'out'] as const)('ends a connection of which it swallowed bytes going %s', async (direction) => {
  proxy.set(direction, 'swallow');
  const closed = closing();
  let heard = '';
  node.on('data', (piece) => {
    heard += String(piece);
  });
  node.write('lost');
  await new Promise((resolve) => setTimeout(resolve, 50));
  proxy.mend();
  await closed;
  expect(heard).toBe('');
});

it('resets a connection, and takes the next one', async () => {
  const closed = closing();
  proxy.reset();
  await closed;
  node = connect(proxy.port, '127.0.0.1').on('error', () => {});
  await said('again');
});

it('lets none stand while it is cut', async () => {
  const closed = closing();
  proxy.cut();
  await closed;
  node = connect(proxy.port, '127.0.0.1').on('error', () => {});
  await closing();
  proxy.mend();
  node = connect(proxy.port, '127.0.0.1').on('error', () => {});
  await said('back');
});
