import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineReader, localLimits } from '../../../src/adapters/local/local-frames.js';
import { LocalServer } from '../../../src/adapters/local/local-server.js';
import { LtsError } from '../../../src/errors.js';
import { Deferred } from '../../../src/kit/deferred.js';
import type { Transport } from '../../../src/ports/transport.js';
import { clock, LocalNetwork } from './local-network.js';

let local: LocalNetwork;
let answerer: Transport;
const sockets: Socket[] = [];

beforeEach(async () => {
  local = await LocalNetwork.open();
  answerer = local.network.transport();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await answerer.close();
  await local.close();
});

/** A connection without our client: what it is told, as lines, and its end. */
async function rawConnection() {
  const socket = createConnection(local.path);
  sockets.push(socket);
  const lines: Record<string, unknown>[] = [];
  let text = '';
  const waiting: (() => void)[] = [];
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n');
    text = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
    for (const look of waiting.splice(0)) look();
  });
  const line = async (index: number) => {
    while (lines.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
    return lines[index];
  };
  expect(await line(0)).toEqual({ v: 1, pid: process.pid });
  return { socket, line, lines };
}

const request = (id: number, body: unknown = null) =>
  JSON.stringify({ id, subject: 'test.subject', deadlineMs: 5_000, message: { kind: 'ask', body } });

it('answers those who speak the protocol by hand, in pieces and several at a time', async () => {
  answerer.subscribe('test.subject', async ({ body }) => body);
  const { socket, line } = await rawConnection();
  const text = `${request(1, 'ü')}\n${request(2, [2])}\n`;
  for (const byte of Buffer.from(text)) socket.write(Buffer.of(byte));
  expect([await line(1), await line(2)]).toEqual([
    { id: 1, reply: 'ü' },
    { id: 2, reply: [2] },
  ]);
});

it.each([
  ['no JSON', 'hello'],
  ['no object', '[1]'],
  ['no request', '{"id":1}'],
  ['a deadline that is none', '{"id":1,"subject":"s","deadlineMs":-1,"message":{"kind":"k"}}'],
  [
    'a key that reaches a prototype',
    '{"id":1,"subject":"s","deadlineMs":9,"message":{"kind":"k","\\u005f_proto__":{}}}',
  ],
])('answers %s with its fault and ends the connection; others go on', async (_name, text) => {
  answerer.subscribe('test.subject', async () => 'here');
  const other = await local.connect();
  const { socket, line } = await rawConnection();
  socket.write(`${text}\n`);
  expect(await line(1)).toMatchObject({ error: { code: 'LTS_MESSAGE_INVALID' } });
  await once(socket, 'close');
  expect(await other.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 5_000 })).toBe('here');
  await other.close();
});

it('ends a connection whose line does not end within the bound', async () => {
  const { socket, line } = await rawConnection();
  socket.on('error', () => {});
  socket.write('x'.repeat(localLimits.requestBytesMax + 1));
  expect(await line(1)).toMatchObject({ error: { code: 'LTS_PAYLOAD_TOO_LARGE' } });
  await once(socket, 'close');
});

it('refuses to send what is too large or no JSON, and stays usable', async () => {
  answerer.subscribe('test.subject', async () => 'here');
  const asker = await local.connect();
  const ask = (body: unknown) => asker.request('test.subject', { kind: 'ask', body }, { deadlineMs: 5_000 });
  await expect(ask('x'.repeat(localLimits.requestBytesMax))).rejects.toMatchObject({ code: 'LTS_PAYLOAD_TOO_LARGE' });
  await expect(ask(1n)).rejects.toMatchObject({ code: 'LTS_PAYLOAD_INVALID' });
  expect(await ask(null)).toBe('here');
  await asker.close();
});

it('answers a reply that is too large with that reason', async () => {
  answerer.subscribe('test.subject', async () => 'x'.repeat(localLimits.replyBytesMax));
  const asker = await local.connect();
  const answer = asker.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 5_000 });
  await expect(answer).rejects.toMatchObject({
    code: 'LTS_PAYLOAD_TOO_LARGE',
    message: expect.stringContaining('less'),
  });
  await asker.close();
});

it('answers LTS_BUSY beyond the open requests of one connection', async () => {
  const never = new Deferred<string>();
  answerer.subscribe('test.subject', () => never.promise);
  const { socket, line } = await rawConnection();
  for (let id = 1; id <= localLimits.requestsMax + 1; id++) socket.write(`${request(id)}\n`);
  expect(await line(1)).toMatchObject({ id: localLimits.requestsMax + 1, error: { code: 'LTS_BUSY' } });
  never.resolve('in the end');
  expect(await line(localLimits.requestsMax + 1)).toMatchObject({ reply: 'in the end' });
});

it('answers LTS_BUSY beyond its connections, and serves again when one has ended', async () => {
  const never = new Promise(() => undefined);
  let asked = 0;
  const allAsked = new Deferred<void>();
  answerer.subscribe('test.subject', () => {
    if (++asked === localLimits.connectionsMax) allAsked.resolve();
    return never;
  });
  const connected = await Promise.all(Array.from({ length: localLimits.connectionsMax }, () => local.connect()));
  for (const asker of connected)
    asker.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 60_000 }).catch(() => undefined);
  await allAsked.promise;
  await expect(local.connect()).rejects.toMatchObject({ code: 'LTS_BUSY' });
  await Promise.all(connected.map((transport) => transport.close()));
  let again = await local.connect().catch(() => undefined);
  // The other side hears of the end of a connection a turn later, and says so to nobody.
  while (!again) again = await local.connect().catch(() => undefined);
  await again.close();
});

it('connections that asked for nothing locked the others out: the one idle longest gives way', async () => {
  answerer.subscribe('test.subject', async () => 'here');
  const ask = (asker: Transport) =>
    asker.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 5_000 }).catch(({ code }) => code);
  const first = await local.connect();
  const connected = [first];
  while (connected.length < localLimits.connectionsMax) connected.push(await local.connect());
  expect(await ask(first)).toBe('here');
  const late = await local.connect();
  expect(await ask(late)).toBe('here');
  const answers = await Promise.all(connected.map(ask));
  expect(answers.map((answer) => answer === 'here')).toEqual(connected.map((_, index) => index !== 1));
  await Promise.all([late, ...connected].map((transport) => transport.close()));
});

it('a byte now and then kept a connection for ever: a request must be whole a minute after its first byte', async () => {
  answerer.subscribe('test.subject', async ({ body }) => body);
  const { socket, line } = await rawConnection();
  socket.write(`${request(1)}\n${request(2).slice(0, 10)}`);
  expect(await line(1)).toMatchObject({ id: 1 });
  local.lateMs = localLimits.frameMs - 5_000;
  socket.write(`${request(2).slice(10)}\n${request(3).slice(0, 10)}`);
  expect(await line(2)).toMatchObject({ id: 2 });
  local.lateMs = 2 * localLimits.frameMs - 10_000;
  socket.write(`${request(3).slice(10)}\n${request(4).slice(0, 10)}`);
  expect(await line(3)).toMatchObject({ id: 3 });
  local.lateMs = 4 * localLimits.frameMs;
  socket.write(request(4).slice(10, 11));
  expect(await line(4)).toMatchObject({ error: { code: 'LTS_MESSAGE_INVALID' } });
  await once(socket, 'close');
});

it('rejects open requests as unknown, later ones as no tracker, when the process is gone, and tells once', async () => {
  const reached = new Deferred<void>();
  answerer.subscribe('test.subject', () => {
    reached.resolve();
    return new Promise(() => {});
  });
  let losses = 0;
  const asker = await local.connect({ onLost: () => losses++ });
  const ask = () => asker.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 60_000 });
  const open = expect(ask()).rejects.toMatchObject({ code: 'LTS_TIMEOUT', isRetryable: true });
  await reached.promise;
  local.localServer.close();
  await open;
  expect(asker.isUp()).toBe(false);
  await expect(ask()).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
  await asker.close();
  expect(losses).toBe(1);
});

it('closes the transport of a connection with it', async () => {
  const closed = new Deferred<void>();
  const transport = local.network.transport();
  const server = new LocalServer(() => ({ ...transport, close: async () => closed.resolve() }), clock);
  const path = `${local.path}-own`;
  const listening = createServer((socket) => server.accept(socket)).listen(path);
  await once(listening, 'listening');
  await (await local.connect({ path })).close();
  await closed.promise;
  await new Promise((ended) => listening.close(ended));
});

it('survives those who connect and go at once', async () => {
  for (let i = 0; i < 50; i++) {
    const socket = createConnection(local.path);
    await once(socket, 'connect');
    socket.destroy();
  }
  await (await local.connect()).close();
});

it('says that nobody answers where nobody listens, greets, or talks', async () => {
  const path = `${local.path}-none`;
  await expect(local.connect({ path })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
  const met: Socket[] = [];
  const mute = createServer((socket) => met.push(socket)).listen(path);
  await once(mute, 'listening');
  await expect(local.connect({ path, greetWithinMs: 30 })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
  mute.on('connection', (socket) => socket.destroy());
  await expect(local.connect({ path })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
  for (const socket of met) socket.destroy();
  await new Promise((closed) => mute.close(closed));
});

it('refuses another version of the protocol and says what to do', async () => {
  const path = `${local.path}-other`;
  const other = createServer((socket) => socket.end('{"v":2,"pid":1}\n')).listen(path);
  await once(other, 'listening');
  await expect(local.connect({ path })).rejects.toThrow(/version 2.*same version/);
  await new Promise((closed) => other.close(closed));
});

it('does not hear: subscribing says where to do it instead', async () => {
  const asker = await local.connect();
  expect(() => asker.subscribe('test.news', async () => {})).toThrow(/application's own process/);
  await asker.close();
});

it('puts lines together across chunks, and counts the size of each alone', () => {
  const reader = new LineReader(6);
  const lines = (text: string) => [...reader.push(Buffer.from(text))];
  expect(lines('ab')).toEqual([]);
  expect(lines('cd\nefghij\n\nk')).toEqual(['abcd', 'efghij', '']);
  expect(lines('lmnop\n')).toEqual(['klmnop']);
  expect(() => lines('1234567')).toThrow(LtsError);
});

describe('one connection, regressions', () => {
  /** A socket whose other side never reads. */
  function deafSocket() {
    const socket = new Duplex({ read() {}, write() {} });
    const net = { unref: () => socket, setTimeout: () => socket, destroySoon: () => socket.end() };
    return Object.assign(socket, net) as unknown as Socket;
  }
  const requestLine = (id: number) => Buffer.from(`${request(id)}\n`);

  it('answers that nobody read filled the memory', async () => {
    let asked = 0;
    const answer = 'x'.repeat(8 * 1024 * 1024);
    answerer.subscribe('test.subject', async () => {
      asked++;
      return answer;
    });
    const socket = deafSocket();
    local.localServer.accept(socket);
    const ended = once(socket, 'close');
    for (let id = 1; id <= 6; id++) socket.emit('data', requestLine(id));
    await ended;
    expect(asked).toBe(6);
    expect(socket.writableLength).toBeLessThanOrEqual(localLimits.unreadBytesMax + localLimits.replyBytesMax);
  });

  it('what came after a malformed line was still handled', async () => {
    let asked = 0;
    answerer.subscribe('test.subject', async () => asked++);
    const socket = deafSocket();
    local.localServer.accept(socket);
    socket.emit('data', Buffer.from('hello\n'));
    socket.emit('data', requestLine(1));
    const other = await local.connect();
    await other.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 5_000 });
    await other.close();
    expect(asked).toBe(1);
    socket.destroy();
  });
});
