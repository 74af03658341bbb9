import { beforeEach, expect, it } from 'vitest';
import { MemoryNetwork } from '../../../src/adapters/memory/memory-transport.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { Deferred } from '../../../src/kit/deferred.js';
import type { Clock } from '../../../src/ports/clock.js';
import type { Transport } from '../../../src/ports/transport.js';

/** Time that stands still until it is moved; counts the sleeps that were asked for. */
class ManualClock implements Clock {
  private nowMs = 0;
  private sleepers: { at: number; wake: () => void }[] = [];
  private readonly turns = new SystemClock();
  sleeps = 0;
  turnsAsked = 0;

  wallMs(): number {
    return this.nowMs;
  }
  monoMs(): number {
    return this.nowMs;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps++;
    return new Promise((wake) => {
      this.sleepers.push({ at: this.nowMs + ms, wake });
      signal?.addEventListener('abort', () => wake());
    });
  }
  endOfTurn(): Promise<void> {
    this.turnsAsked++;
    return this.turns.endOfTurn();
  }
  async moveTo(ms: number): Promise<void> {
    this.nowMs = ms;
    const due = this.sleepers.filter((sleeper) => sleeper.at <= ms);
    this.sleepers = this.sleepers.filter((sleeper) => sleeper.at > ms);
    for (const { wake } of due) wake();
    await this.turns.endOfTurn();
  }
}

let clock: ManualClock;
let asker: Transport;
let answerer: Transport;

beforeEach(() => {
  clock = new ManualClock();
  const network = new MemoryNetwork(clock);
  asker = network.transport();
  answerer = network.transport();
});

const ask = (deadlineMs: number, body: unknown = null) => {
  const answer = asker.request('s', { kind: 'ask', body }, { deadlineMs });
  // Tests look at an answer later than it may be rejected.
  answer.catch(() => {});
  return answer;
};
/** 'pending', the answer, or the code of the error. */
const stateOf = (answer: Promise<unknown>) =>
  Promise.race([answer.catch((error: { code: string }) => error.code), clock.endOfTurn().then(() => 'pending')]);

it('hands messages and answers over by reference', async () => {
  const body = { big: ['thing'] };
  answerer.subscribe('s', async (message) => message.body);
  expect(await ask(1_000, body)).toBe(body);
});

it('expires each request at its own deadline by the monotonic clock', async () => {
  answerer.subscribe('s', () => new Promise(() => {}));
  const first = ask(100);
  await clock.moveTo(40);
  const second = ask(100);
  const long = ask(1_000);
  await clock.moveTo(99);
  expect(await stateOf(first)).toBe('pending');
  await clock.moveTo(100);
  expect(await stateOf(first)).toBe('LTS_TIMEOUT');
  expect(await stateOf(second)).toBe('pending');
  await clock.moveTo(140);
  expect(await stateOf(second)).toBe('LTS_TIMEOUT');
  await clock.moveTo(1_040);
  expect(await stateOf(long)).toBe('LTS_TIMEOUT');
});

it('asks for one sleep and one end of turn for a thousand requests of one turn', async () => {
  answerer.subscribe('s', async () => 'done');
  await Promise.all(Array.from({ length: 1_000 }, () => ask(5_000)));
  expect(clock.sleeps).toBe(1);
  expect(clock.turnsAsked).toBe(1);
});

it('watches deadlines again after a time without requests', async () => {
  const subscription = answerer.subscribe('s', async () => 'done');
  await ask(100);
  await clock.moveTo(100);
  await subscription.close();
  answerer.subscribe('s', () => new Promise(() => {}));
  const late = ask(100);
  await clock.moveTo(200);
  expect(await stateOf(late)).toBe('LTS_TIMEOUT');
});

it('refuses requests beyond its bound and recovers', async () => {
  const open = new Deferred<string>();
  answerer.subscribe('s', () => open.promise);
  const waiting = Array.from({ length: 100_000 }, () => ask(5_000));
  await expect(ask(5_000)).rejects.toMatchObject({ code: 'LTS_BUSY', isRetryable: true });
  open.resolve('done');
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['done']));
  expect(await ask(5_000)).toBe('done');
});

it('drops the answer of a node that was closed meanwhile, as a network would', async () => {
  const open = new Deferred<string>();
  answerer.subscribe('s', () => open.promise);
  const answer = ask(100);
  await clock.endOfTurn();
  await answerer.close();
  open.resolve('from a closed node');
  expect(await stateOf(answer)).toBe('pending');
  await clock.moveTo(100);
  expect(await stateOf(answer)).toBe('LTS_TIMEOUT');
});

it('lets the members of a queue take strict turns', async () => {
  const order: string[] = [];
  for (const who of ['a', 'b', 'c']) answerer.subscribe('s', async () => void order.push(who), { queue: 'q' });
  for (let i = 0; i < 6; i++) await ask(1_000);
  expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

it('lets timers and sockets have their turn between requests and their answers', async () => {
  answerer.subscribe('s', async () => 'done');
  let isOver = false;
  setImmediate(() => (isOver = true));
  for (let i = 0; i < 3; i++) await ask(1_000);
  expect(isOver).toBe(true);
});

it('forgets the waiting requests of a closed node, whose sleeps end', async () => {
  answerer.subscribe('s', () => new Promise(() => {}));
  const answer = ask(60_000);
  await clock.endOfTurn();
  await asker.close();
  expect(await stateOf(answer)).toBe('LTS_ABORTED');
});
