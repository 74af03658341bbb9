/** One life of a worker at its tracker: when it trusts its lease, and when it stops to. */
import { expect, it } from 'vitest';
import { JsonCodec } from '../../src/adapters/json/json-codec.js';
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { MemoryNetwork } from '../../src/adapters/memory/memory-transport.js';
import { RunnerTable } from '../../src/boot/runner-table.js';
import type { Message, Transport } from '../../src/ports/transport.js';
import { subjectsOf } from '../../src/protocol/subjects.js';
import { WorkerSession } from '../../src/task-tracker/session.js';
import { NodeLife } from '../../src/testing/node-life.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { SeededIds } from '../../src/testing/seeded-ids.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../src/testing/virtual-time.js';

/** A session alone, with a tracker that answers what `answer` says, or nothing. */
function aSession(answer: (kind: string, tracker: string) => 'ok' | 'refused' | 'elsewhere' | 'silence' = () => 'ok') {
  const time = new VirtualTime();
  const life = new NodeLife(time, 'worker');
  const error = { offsetMs: 0, rate: 1 };
  const clock = new VirtualClock(life, error);
  const network = new MemoryNetwork(new VirtualClock(time));
  const asked: { kind: string; name: string; at: number; session: string }[] = [];
  const answering =
    (name: string) =>
    async ({ kind, body }: Message) => {
      asked.push({ kind, name, at: time.nowMs, session: (body as { session: string }).session });
      const said = answer(kind, name);
      return said === 'silence' ? new Promise(() => undefined) : { answer: said, tracker: name };
    };
  const trackers = new Map<string, Transport>();
  /** Of the group of all trackers, and on its own subject. */
  const addTracker = (name: string) => {
    const transport = network.transport();
    trackers.set(name, transport);
    transport.subscribe('lts.c.runs', answering(name), { queue: 'tracker' });
    transport.subscribe(`lts.c.runs.${name}`, answering(name));
  };
  addTracker('t1');
  const chance = new SeededChance(1);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const ports = {
    transport: network.transport(),
    failStore: new MemoryFailStore(),
    runners: new RunnerTable({ jobRunner: () => 1 }),
    codec: new JsonCodec(),
    clock,
    ids: new SeededIds(clock, chance),
    chance,
    log,
  };
  const settings = {
    cluster: 'c',
    identity: 'w',
    nodeGroup: 'lts',
    workThreads: 4,
    leaseLost: 'abort',
    abortGraceMs: 5_000,
    bizLoggerLevel: 'INFO',
    leaseMs: 30_000,
  } as const;
  const events: [string, number][] = [];
  const session = new WorkerSession(
    { ports, settings, subjects: subjectsOf('c') },
    {
      heldRunIds: () => ['r1'],
      onAlive: () => events.push(['alive', time.nowMs]),
      onLost: () => events.push(['lost', time.nowMs]),
      onMoving: () => events.push(['moving', time.nowMs]),
    },
  );
  const start = async () => {
    void session.start();
    await time.advance(10);
  };
  return { time, life, error, session, asked, events, start, trackers, addTracker };
}

const kinds = <One extends { kind: string }>(asked: readonly One[], kind: string) =>
  asked.filter((one) => one.kind === kind);

it('begins, and renews every five seconds under the same id', async () => {
  const { time, session, asked, start } = aSession();
  await start();
  expect(session.isAlive).toBe(true);
  await time.advance(30_000);
  const pauses = kinds(asked, 'RenewSession').map(({ at }, i, all) => at - (all[i - 1]?.at ?? 0));
  expect(pauses.length).toBeGreaterThanOrEqual(5);
  for (const pause of pauses) expect(pause).toBeLessThanOrEqual(6_100);
  expect(new Set(asked.map((one) => one.session)).size).toBe(1);
});

it('a refused renewal ends it at once; the next one has a new id', async () => {
  let isRefused = false;
  const { time, asked, events, start } = aSession((kind) => (isRefused && kind === 'RenewSession' ? 'refused' : 'ok'));
  await start();
  isRefused = true;
  await time.advance(7_000);
  isRefused = false;
  await time.advance(5_000);
  expect(events.map(([what]) => what)).toEqual(['alive', 'lost', 'alive']);
  const [first, second] = kinds(asked, 'StartSession');
  expect(first?.session).not.toBe(second?.session);
});

it('a silent tracker is trusted for the lease less its margin, whatever the wall clock says', async () => {
  let isSilent = false;
  const { time, error, events, session, start } = aSession(() => (isSilent ? 'silence' : 'ok'));
  await start();
  await time.advance(4_000);
  isSilent = true;
  error.offsetMs = 86_400_000;
  await time.advance(20_000);
  expect(session.isAlive).toBe(true);
  error.offsetMs = -86_400_000;
  await time.advance(12_000);
  const [, lostAt] = events.find(([what]) => what === 'lost') ?? [];
  // Begun at 0: lost before the tracker's own lease of 30 s is over.
  expect(lostAt).toBeGreaterThan(25_000);
  expect(lostAt).toBeLessThanOrEqual(30_000);
});

it('after a freeze longer than its lease it ends before anything else', async () => {
  const { time, life, events, start } = aSession();
  await start();
  await time.advance(2_000);
  life.freeze();
  await time.advance(60_000);
  expect(events).toHaveLength(1);
  life.thaw();
  await time.advance(10);
  expect(events[1]?.[0]).toBe('lost');
});

it('without a tracker it goes on trying, and begins when one answers', async () => {
  let isSilent = true;
  const { time, session, events, start } = aSession(() => (isSilent ? 'silence' : 'ok'));
  await start();
  await time.advance(20_000);
  expect([session.isAlive, events]).toEqual([false, []]);
  isSilent = false;
  await time.advance(6_000);
  expect(session.isAlive).toBe(true);
});

it('a tracker that is gone is left at once: the same session goes on at another one', async () => {
  const { time, session, asked, events, start, trackers, addTracker } = aSession();
  await start();
  addTracker('t2');
  await trackers.get('t1')?.close();
  await time.advance(8_000);
  expect(events.map(([what]) => what)).toEqual(['alive', 'moving', 'alive']);
  expect(session.subject).toBe('lts.c.runs.t2');
  expect(new Set(asked.map((one) => one.session)).size).toBe(1);
});

it('a tracker that does not answer is left before the lease is over', async () => {
  let isSilent = false;
  const { time, session, asked, events, start, addTracker } = aSession((kind, name) =>
    isSilent && name === 't1' && kind === 'RenewSession' ? 'silence' : 'ok',
  );
  await start();
  isSilent = true;
  addTracker('t2');
  for (let waited = 0; waited < 25_000 && session.subject !== 'lts.c.runs.t2'; waited += 1_000)
    await time.advance(1_000);
  expect(events.filter(([what]) => what === 'lost')).toEqual([]);
  expect(events.filter(([what]) => what === 'moving').length).toBeGreaterThan(0);
  expect(new Set(asked.map((one) => one.session)).size).toBe(1);
});

it('a tracker that serves it no more sends it on, without its runs being stopped', async () => {
  let isTaken = false;
  const { time, session, asked, events, start } = aSession((kind) =>
    isTaken && kind === 'RenewSession' ? 'elsewhere' : 'ok',
  );
  await start();
  isTaken = true;
  await time.advance(7_000);
  isTaken = false;
  await time.advance(5_000);
  expect(events.map(([what]) => what)).toEqual(['alive', 'moving', 'alive']);
  expect(session.isServed).toBe(true);
  expect(new Set(asked.map((one) => one.session)).size).toBe(1);
});

it('stop says goodbye once and leaves no timer', async () => {
  const { time, session, asked, start } = aSession();
  await start();
  const stopped = session.stop();
  await time.advance(100);
  await stopped;
  await time.advance(20_000);
  const { events } = time;
  await time.advance(3_600_000);
  expect(kinds(asked, 'EndSession')).toHaveLength(1);
  expect(time.events).toBe(events);
});
