/** What every Transport promises. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { Deferred } from '../../src/kit/deferred.js';
import type { Message, Subscription, Transport } from '../../src/ports/transport.js';

export interface TransportFixture {
  /** The transport of one more node on the same network. */
  node(): Promise<Transport>;
  /** Resolves when what was subscribed or published so far is known to the whole network. */
  settle(): Promise<void>;
  /** Called after every transport of the test was closed. */
  cleanUp(): Promise<void>;
}

/** Short, because some tests wait for it to pass; long enough for a busy machine to answer within it. */
const shortMs = 60;
const deadlineMs = 5_000;

/** `requests`: for a transport that only asks; the fixture's first node is one, the others answer. */
export function transportSuite(
  name: string,
  makeFixture: () => Promise<TransportFixture>,
  part: 'all' | 'requests' = 'all',
): void {
  const itHears = it.skipIf(part === 'requests');
  describe(`Transport: ${name}`, () => {
    let fixture: TransportFixture;
    let nodes: Transport[];
    let asker: Transport;
    let answerer: Transport;

    const node = async () => {
      const transport = await fixture.node();
      nodes.push(transport);
      return transport;
    };
    const ask = (body: unknown = null, options: { deadlineMs?: number; signal?: AbortSignal } = {}) =>
      asker.request('test.subject', { kind: 'ask', body }, { deadlineMs, ...options });

    beforeEach(async () => {
      fixture = await makeFixture();
      nodes = [];
      asker = await node();
      answerer = await node();
    });
    afterEach(async () => {
      for (const transport of nodes) await transport.close();
      await fixture.cleanUp();
    });

    it('answers a request with what the handler returns', async () => {
      answerer.subscribe('test.subject', async ({ kind, body }) => ({ kind, body, text: 'ü😀' }));
      await fixture.settle();
      expect(await ask({ list: [1, null, 'x'] })).toEqual({ kind: 'ask', body: { list: [1, null, 'x'] }, text: 'ü😀' });
    });

    it('regression: options that were made for another subject sent the request there', async () => {
      answerer.subscribe('test.subject', async () => 'asked');
      answerer.subscribe('test.other', async () => 'other');
      await fixture.settle();
      const options = { deadlineMs, subject: 'test.other' };
      expect(await asker.request('test.subject', { kind: 'ask', body: null }, options)).toBe('asked');
    });

    itHears('never calls a handler inside request()', async () => {
      let isCalled = false;
      asker.subscribe('test.subject', async () => {
        isCalled = true;
      });
      await fixture.settle();
      const answer = ask();
      expect(isCalled).toBe(false);
      await answer;
      expect(isCalled).toBe(true);
    });

    it('tells the handler how long the requester waits', async () => {
      answerer.subscribe('test.subject', async (_message, context) => context.deadlineMs);
      await fixture.settle();
      const told = (await ask(null, { deadlineMs: 4_000 })) as number;
      expect(told).toBeGreaterThan(0);
      expect(told).toBeLessThanOrEqual(4_000);
    });

    it('gives each of many concurrent requests its own answer', async () => {
      answerer.subscribe('test.subject', async ({ body }) => body);
      await fixture.settle();
      const bodies = Array.from({ length: 200 }, (_, i) => i);
      expect(await Promise.all(bodies.map((body) => ask(body)))).toEqual(bodies);
    });

    it('rejects at once when nobody subscribes', async () => {
      await expect(ask(null, { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
    });

    it('rejects at once when the only subscriber is gone', async () => {
      const subscription = answerer.subscribe('test.subject', async () => 'here');
      await fixture.settle();
      await subscription.close();
      await fixture.settle();
      await expect(ask(null, { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
    });

    it('rejects at the deadline when no answer comes, and drops the late answer', async () => {
      const late = new Deferred<string>();
      answerer.subscribe('test.subject', () => late.promise);
      await fixture.settle();
      await expect(ask(null, { deadlineMs: shortMs })).rejects.toMatchObject({
        code: 'LTS_TIMEOUT',
        isRetryable: true,
      });
      late.resolve('too late');
      await fixture.settle();
    });

    it('keeps a short deadline beside a long one', async () => {
      const never = new Deferred<string>();
      answerer.subscribe('test.subject', () => never.promise);
      await fixture.settle();
      const long = ask(null, { deadlineMs: 60_000 });
      await expect(ask(null, { deadlineMs: shortMs })).rejects.toMatchObject({ code: 'LTS_TIMEOUT' });
      never.resolve('in the end');
      expect(await long).toBe('in the end');
    });

    it('rejects when the signal aborts, before or after the request', async () => {
      const never = new Deferred<string>();
      const reached = new Deferred<void>();
      answerer.subscribe('test.subject', () => {
        reached.resolve();
        return never.promise;
      });
      await fixture.settle();
      await expect(ask(null, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'LTS_ABORTED' });
      const abort = new AbortController();
      const answer = ask(null, { signal: abort.signal });
      const rejected = expect(answer).rejects.toMatchObject({ code: 'LTS_ABORTED' });
      await reached.promise;
      abort.abort();
      await rejected;
      never.resolve('too late');
    });

    it('carries an LtsError of the handler with its code and text', async () => {
      answerer.subscribe('test.subject', async () => {
        throw new LtsError('LTS_BUSY', 'queue q7 is full');
      });
      await fixture.settle();
      const error: unknown = await ask().catch((caught: unknown) => caught);
      expect(LtsError.is(error, 'LTS_BUSY')).toBe(true);
      expect(error).toMatchObject({ message: 'queue q7 is full', isRetryable: true });
    });

    it('carries any other error of the handler as LTS_INTERNAL, also one thrown before its first await', async () => {
      answerer.subscribe('test.subject', () => {
        throw new TypeError('x is undefined');
      });
      await fixture.settle();
      await expect(ask()).rejects.toMatchObject({
        code: 'LTS_INTERNAL',
        message: expect.stringContaining('x is undefined'),
      });
    });

    itHears('lets the members of a queue share the requests', async () => {
      const third = await node();
      const got: string[] = [];
      const members = { answerer, third, asker };
      for (const [who, transport] of Object.entries(members))
        transport.subscribe('test.subject', async () => void got.push(who), { queue: 'workers' });
      await fixture.settle();
      for (let i = 0; i < 60; i++) await ask();
      expect(got).toHaveLength(60);
      expect(new Set(got)).toEqual(new Set(Object.keys(members)));
    });

    itHears('publishes to every subscriber, and to one of each queue', async () => {
      const got: string[] = [];
      const all = new Deferred<void>();
      const listen = (who: string, queue?: string) =>
        answerer.subscribe(
          'test.news',
          async ({ body }) => {
            got.push(`${who} ${body}`);
            if (body === 'last' && got.filter((text) => text.endsWith('last')).length === 3) all.resolve();
          },
          queue === undefined ? {} : { queue },
        );
      listen('a');
      listen('b');
      listen('q', 'queue');
      listen('q', 'queue');
      await fixture.settle();
      for (const body of ['first', 'last']) asker.publish('test.news', { kind: 'news', body });
      await all.promise;
      await fixture.settle();
      expect(got.sort()).toEqual(['a first', 'a last', 'b first', 'b last', 'q first', 'q last']);
    });

    itHears('keeps the order of what one node publishes', async () => {
      const got: unknown[] = [];
      const last = new Deferred<void>();
      answerer.subscribe('test.news', async ({ body }) => {
        got.push(body);
        if (body === 99) last.resolve();
      });
      await fixture.settle();
      for (let body = 0; body < 100; body++) asker.publish('test.news', { kind: 'news', body });
      await last.promise;
      expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
    });

    itHears('survives a handler of publications that fails', async () => {
      const second = new Deferred<void>();
      answerer.subscribe('test.news', async ({ body }) => {
        if (body === 'bad') throw new Error('planned');
        second.resolve();
      });
      await fixture.settle();
      asker.publish('test.news', { kind: 'news', body: 'bad' });
      asker.publish('test.news', { kind: 'news', body: 'good' });
      await second.promise;
    });

    it('publishes into the void without an error', async () => {
      asker.publish('test.nobody', { kind: 'news', body: null });
      await fixture.settle();
    });

    itHears('starts no handler after its subscription was closed', async () => {
      let calls = 0;
      const first = answerer.subscribe('test.subject', async () => void calls++, { queue: 'workers' });
      asker.subscribe('test.subject', async () => 'the other one', { queue: 'workers' });
      await fixture.settle();
      await first.close();
      calls = 0;
      await fixture.settle();
      for (let i = 0; i < 10; i++) expect(await ask()).toBe('the other one');
      expect(calls).toBe(0);
      await first.close();
    });

    it('ends its subscriptions when it is closed', async () => {
      answerer.subscribe('test.subject', async () => 'here');
      await fixture.settle();
      expect(answerer.isUp()).toBe(true);
      await answerer.close();
      expect(answerer.isUp()).toBe(false);
      await expect(ask(null, { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'LTS_NO_TRACKER' });
    });

    it('rejects what it waits for when it is closed, and every later request', async () => {
      const never = new Deferred<string>();
      const reached = new Deferred<void>();
      answerer.subscribe('test.subject', () => {
        reached.resolve();
        return never.promise;
      });
      await fixture.settle();
      const rejected = expect(ask(null, { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'LTS_ABORTED' });
      await reached.promise;
      await asker.close();
      await rejected;
      await expect(ask()).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
      await asker.close();
      never.resolve('too late');
    });

    it('lets a handler ask in turn, deeper than any queue', async () => {
      const subscription: Subscription = answerer.subscribe('test.subject', async ({ body }: Message) => {
        const depth = body as number;
        return depth === 0
          ? 'bottom'
          : answerer.request('test.subject', { kind: 'ask', body: depth - 1 }, { deadlineMs });
      });
      await fixture.settle();
      expect(await ask(50)).toBe('bottom');
      await subscription.close();
    });
  });
}
