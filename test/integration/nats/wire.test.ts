/** What other programs may put on the wire, and what a node makes of it. */
import { type NatsConnection as Client, connect } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/kit/deferred.js';
import { encodeEnvelope } from '../../../src/protocol/envelope.js';
import { SeededChance } from '../../../src/testing/index.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';
import { type Node, Nodes } from './nodes.js';

const missing = natsMissing();
const payloadMax = 8_000;
const within = { deadlineMs: 5_000 };

describe.skipIf(missing)(`messages over nats-server${missing ? ` (${missing})` : ''}`, () => {
  let server: NatsServer;
  let nodes: Nodes;
  let asker: Node;
  let answerer: Node;
  /** Another program without our code. */
  let stranger: Client;

  beforeAll(async () => {
    server = await NatsServer.start({ hasJetStream: false, config: `max_payload: ${payloadMax}` });
  });
  afterAll(() => server?.stop());

  beforeEach(async () => {
    nodes = new Nodes();
    asker = await nodes.start(server.url, { identity: 'asker' });
    answerer = await nodes.start(server.url, { identity: 'answerer' });
    stranger = await connect({ servers: server.url });
  });
  afterEach(async () => {
    await stranger.close();
    await nodes.stop();
  });

  const answerWith = async (handler: (body: unknown) => unknown) => {
    const subscription = answerer.transport.subscribe('test.subject', async ({ body }) => handler(body));
    await answerer.transport.ready();
    return subscription;
  };
  /** What a stranger gets for raw bytes. */
  const raw = async (bytes: string | Uint8Array) =>
    (await stranger.request('test.subject', bytes, { timeout: 5_000 })).json<{
      v: number;
      kind: string;
      id: string;
      from: string;
      body: unknown;
    }>();

  it('a program in any language can ask, with nothing but JSON', async () => {
    await answerWith((body) => ({ echo: body }));
    const reply = await raw(
      JSON.stringify({ v: 1, kind: 'ask', id: '7', from: 'python', sentAt: 0, deadlineMs: 100, body: [1] }),
    );
    expect(reply).toMatchObject({ v: 1, kind: 'Reply', id: '7', from: 'answerer', body: { echo: [1] } });
  });

  it('hands fields that it does not know to the handler', async () => {
    const seen = new Deferred<unknown>();
    answerer.transport.subscribe('test.subject', async (message) => seen.resolve(message));
    await answerer.transport.ready();
    await raw(
      JSON.stringify({ v: 1, kind: 'ask', id: '7', from: 'x', sentAt: 0, deadlineMs: 1, body: 1, trace: 'abc' }),
    );
    expect(await seen.promise).toMatchObject({ trace: 'abc' });
  });

  it('answers, counts and survives whatever is malformed, and goes on', async () => {
    await answerWith(() => 'fine');
    const good = encodeEnvelope({ kind: 'ask', id: '1', from: 'x', sentAt: 0, deadlineMs: 1, body: null });
    const bad = [
      '',
      'nonsense',
      '[]',
      'null',
      good.replace('"v":1', '"v":2'),
      `{"__proto__":{"a":1},${good.slice(1)}`,
      '{"v":1}',
    ];
    for (const bytes of [...bad, new Uint8Array([0xff, 0xfe, 0x00])])
      expect(await raw(bytes)).toMatchObject({ kind: 'Error', body: { code: 'LTS_MESSAGE_INVALID' } });
    expect(answerer.transport.counts().malformed).toBe(bad.length + 1);
    expect(await raw(good)).toMatchObject({ kind: 'Reply', body: 'fine' });
    expect(({} as { a?: number }).a).toBeUndefined();
  });

  it('survives ten thousand random messages, with a dozen log lines', async () => {
    const seed = 11;
    const chance = new SeededChance(seed);
    await answerWith(() => 'fine');
    const good = encodeEnvelope({ kind: 'ask', id: '1', from: 'x', sentAt: 0, deadlineMs: 1, body: { a: ['b'] } });
    for (let i = 0; i < 10_000; i++) {
      const bytes = Buffer.from(good);
      for (let j = 0; j < 1 + chance.next() * 4; j++)
        bytes[Math.floor(chance.next() * bytes.length)] = Math.floor(chance.next() * 256);
      stranger.publish('test.subject', bytes.subarray(0, Math.ceil(chance.next() * bytes.length)));
    }
    await stranger.flush();
    expect(await raw(good)).toMatchObject({ body: 'fine' });
    expect(answerer.transport.counts().malformed).toBeGreaterThan(9_000);
    expect(nodes.lines.filter(({ level }) => level === 'warn').length).toBeLessThan(20);
  });

  it('refuses an answer that is malformed, or of another version', async () => {
    for (const answer of ['nonsense', '{"v":2}', '']) {
      const subscription = stranger.subscribe('test.other', { callback: (_error, message) => message.respond(answer) });
      await stranger.flush();
      const asked = asker.transport.request('test.other', { kind: 'ask', body: null }, within);
      await expect(asked).rejects.toMatchObject({ code: 'LTS_MESSAGE_INVALID' });
      await subscription.drain();
    }
    expect(asker.transport.counts().malformed).toBe(3);
  });

  it('drops answers that nobody waits for', async () => {
    const inbox = new Deferred<string>();
    stranger.subscribe('test.other', {
      callback: (_error, message) => {
        inbox.resolve(message.reply ?? '');
        message.respond(encodeEnvelope({ kind: 'Reply', id: '', from: 'x', sentAt: 0, deadlineMs: 0, body: 'first' }));
        message.respond(encodeEnvelope({ kind: 'Reply', id: '', from: 'x', sentAt: 0, deadlineMs: 0, body: 'second' }));
      },
    });
    await stranger.flush();
    expect(await asker.transport.request('test.other', { kind: 'ask', body: null }, within)).toBe('first');
    stranger.publish((await inbox.promise).replace(/\w+$/, 'unknown'), 'nonsense');
    await stranger.flush();
    await answerWith(() => 'still here');
    expect(await asker.transport.request('test.subject', { kind: 'ask', body: null }, within)).toBe('still here');
  });

  it('refuses what is too large for the server before it is sent', async () => {
    let calls = 0;
    await answerWith(() => calls++);
    const asked = asker.transport.request('test.subject', { kind: 'ask', body: 'ü'.repeat(payloadMax / 2) }, within);
    await expect(asked).rejects.toMatchObject({
      code: 'LTS_PAYLOAD_TOO_LARGE',
      message: expect.stringMatching(/^ask to test.subject has 8\d\d\d bytes; NATS takes 8000/),
    });
    expect(calls).toBe(0);
    expect(asker.transport.isUp()).toBe(true);
  });

  it('answers an error for a reply that is too large or cannot be encoded', async () => {
    await answerWith((body) => (body === 'large' ? 'x'.repeat(payloadMax) : 1n));
    const ask = (body: string) => asker.transport.request('test.subject', { kind: 'ask', body }, within);
    await expect(ask('large')).rejects.toMatchObject({ code: 'LTS_PAYLOAD_TOO_LARGE' });
    await expect(ask('bigint')).rejects.toMatchObject({ code: 'LTS_PAYLOAD_INVALID' });
  });

  it('never sends a subject that is not made of names', async () => {
    for (const subject of ['a b', 'a.*', '>', '', 'a..b', 'a\r\nPUB x 0\r\n', '.a']) {
      await expect(asker.transport.request(subject, { kind: 'ask', body: null }, within)).rejects.toMatchObject({
        code: 'LTS_CONFIG_INVALID',
      });
      expect(() => asker.transport.subscribe(subject, async () => null)).toThrow(/is not a subject/);
      expect(() => asker.transport.publish(subject, { kind: 'news', body: null })).toThrow(/is not a subject/);
    }
  });

  it('lets a running handler answer when its node closes, and waits two seconds at most', async () => {
    const reached = new Deferred<void>();
    const later = new Deferred<string>();
    answerer.transport.subscribe('test.subject', () => {
      reached.resolve();
      return later.promise;
    });
    answerer.transport.subscribe('test.stuck', () => new Promise(() => {}));
    await answerer.transport.ready();
    const answer = asker.transport.request('test.subject', { kind: 'ask', body: null }, within);
    asker.transport.request('test.stuck', { kind: 'ask', body: null }, within).catch(() => {});
    await reached.promise;
    const closing = answerer.transport.close();
    later.resolve('just in time');
    expect(await answer).toBe('just in time');
    const beganMono = nodes.clock.monoMs();
    await closing;
    expect(nodes.clock.monoMs() - beganMono).toBeLessThan(3_000);
  });

  it('refuses more than a bound of waiting bytes', async () => {
    await answerWith(() => new Promise(() => {}));
    const body = 'x'.repeat(7_000);
    const waiting = Array.from({ length: 10_000 }, () =>
      asker.transport
        .request('test.subject', { kind: 'ask', body }, { deadlineMs: 60_000 })
        .catch((error) => error.code),
    );
    expect(await Promise.race(waiting)).toBe('LTS_BUSY');
    await asker.transport.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['LTS_BUSY', 'LTS_ABORTED']));
  });
});
