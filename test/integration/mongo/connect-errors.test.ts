/** Why no connection came about: each cause in words that name the address, never the password, and what to do. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { BSON } from 'mongodb';
import { afterEach, expect, it } from 'vitest';
import { MongoConnection } from '../../../src/adapters/mongo/mongo-connection.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import { SeededChance } from '../../../src/testing/seeded-chance.js';
import { errorOf } from './mongo-place.js';

const clock = new SystemClock();
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ports = { clock, chance: new SeededChance(1), ids: new SystemIds(clock), log: silent };
const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const errorAt = (addresses: string) => errorOf(MongoConnection.open({ addresses, connectMs: 300 }, ports));

/** From now on names are asked of a server of this test, which answers a query with what `answer` makes of it, or not at all. */
async function aDns(answer?: (query: Buffer) => Buffer): Promise<void> {
  const server: DatagramSocket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  if (answer) server.on('message', (query, { port, address }) => server.send(answer(query), port, address));
  const before = dns.getServers();
  dns.setServers([`127.0.0.1:${server.address().port}`]);
  ends.push(() => {
    dns.setServers(before);
    server.close();
  });
}

/** The query itself as an answer with this code and nothing in it. */
function emptyAnswer(query: Buffer, code: number): Buffer {
  const answer = Buffer.from(query);
  answer.writeUInt16BE(0x8180 | code, 2);
  return answer;
}
const noSuchName = 3;

it('mongodb+srv with a name that the DNS does not know: advised to look into the log of the database server', async () => {
  await aDns((query) => emptyAnswer(query, noSuchName));
  const error = await errorAt('mongodb+srv://scott:tiger@cluster0.example.test/lts');
  expect(error).toMatchObject({ code: 'LTS_STORE_FAILED' });
  expect(error.message).toBe(
    'The DNS does not say which MongoDB servers mongodb+srv://***@cluster0.example.test/lts means (querySrv ENOTFOUND _mongodb._tcp.cluster0.example.test). Correct the name or the DNS of this machine, or name the servers: mongodb://host:27017.',
  );
});

it('mongodb+srv while the DNS is silent: the start took half a minute, whatever its limit', async () => {
  await aDns();
  const began = performance.now();
  const error = await errorAt('mongodb+srv://scott:tiger@cluster0.example.test/lts');
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(error.message).toMatch(/^The DNS does not say which .*@cluster0\.example\.test\/lts means \(no answer within/);
  expect(error.message).not.toContain('tiger');
});

it('mongodb+srv with a port: names the address and how it is written', async () => {
  const error = await errorAt('mongodb+srv://scott:tiger@cluster0.example.test:27017/lts');
  expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
  expect(error.message).toMatch(/'mongodb\+srv:\/\/\*\*\*@cluster0\.example\.test:27017\/lts' cannot be read \(.*port/);
  expect(error.message).not.toContain('tiger');
});

it('a host that is not known, or refuses: what to do names firewall, access list and TLS, too', async () => {
  for (const [host, cause] of [
    ['nowhere.invalid:27017', /ENOTFOUND|EAI_AGAIN|timed out/],
    ['127.0.0.1:1', /ECONNREFUSED/],
  ] as const) {
    const { message } = await errorAt(`mongodb://scott:tiger@${host}/lts`);
    expect(message).toContain(`answers at mongodb://***@${host}/lts within 300 ms (`);
    expect(message).toMatch(cause);
    expect(message).toMatch(/Start it, correct the addresses, or let this machine through to it/);
    expect(message).not.toContain('tiger');
  }
});

/** Speaks as much of the protocol as it takes to refuse a login. */
async function aServerThatRefuses(): Promise<string> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (message) => socket.write(answerTo(message)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

const [opReply, opQuery, opMsg] = [1, 2004, 2013];

function answerTo(message: Buffer): Buffer {
  const isQuery = message.readInt32LE(12) === opQuery;
  const command = isQuery ? { hello: 1 } : BSON.deserialize(message.subarray(21, 21 + message.readInt32LE(21)));
  const refusal = { ok: 0, code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' };
  const hello = {
    ok: 1,
    ismaster: true,
    isWritablePrimary: true,
    helloOk: true,
    minWireVersion: 0,
    maxWireVersion: 13,
  };
  const sizes = { maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 };
  const body = BSON.serialize('hello' in command || 'ismaster' in command ? { ...hello, ...sizes } : refusal);
  const between = Buffer.alloc(isQuery ? 20 : 5);
  if (isQuery) between.writeInt32LE(1, 16);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + between.length + body.length, 0);
  header.writeInt32LE(message.readInt32LE(4), 8);
  header.writeInt32LE(isQuery ? opReply : opMsg, 12);
  return Buffer.concat([header, between, body]);
}

it('a wrong password: names address and cause, not the password', async () => {
  const host = await aServerThatRefuses();
  const error = await errorAt(`mongodb://scott:tiger@${host}/lts`);
  expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
  expect(error.message).toBe(
    `MongoDB at mongodb://***@${host}/lts refused 'connect' (Authentication failed.). Correct the user and password, or give that user readWrite on the database.`,
  );
});
