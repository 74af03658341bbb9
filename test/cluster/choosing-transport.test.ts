/** Requests to a chosen tracker: nobody is stranded by a tracker that is gone or silent, or by a registry that is behind. */
import { describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../../src/adapters/memory/memory-transport.js';
import { ChoosingTransport } from '../../src/cluster/choosing-transport.js';
import { type LoadBalance, TrackerChoice } from '../../src/cluster/tracker-choice.js';
import { LtsError } from '../../src/errors.js';
import type { Transport } from '../../src/ports/transport.js';
import { subjectsOf } from '../../src/protocol/subjects.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const subjects = subjectsOf('c');
const within = { deadlineMs: 1_000 };

interface Setup {
  readonly listed: readonly string[];
  readonly living: readonly string[];
  readonly silent?: readonly string[];
  readonly by?: LoadBalance;
  readonly kinds?: readonly string[];
}

function aNode({ listed, living, silent = [], by = 'master-slave', kinds }: Setup) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const asked: string[] = [];
  for (const name of living) {
    const transport = network.transport();
    const answer = (how: string) => async () => {
      asked.push(`${name} ${how}`);
      return silent.includes(name) ? new Promise(() => undefined) : name;
    };
    transport.subscribe(subjects.tracker, answer('as any'), { queue: 'tracker' });
    transport.subscribe(subjects.trackerOf(name), answer('by name'));
  }
  let isUp = true;
  const inner = network.transport();
  const way: Transport = {
    request: (subject, message, options) =>
      isUp ? inner.request(subject, message, options) : Promise.reject(new LtsError('LTS_NO_TRACKER', 'down')),
    publish: (subject, message) => inner.publish(subject, message),
    subscribe: (subject, handler, options) => inner.subscribe(subject, handler, options),
    isUp: () => isUp,
    close: () => inner.close(),
  };
  const choice = new TrackerChoice(by, { identity: 'n', clock });
  const know = () => choice.know({ nodes: listed.map((identity, startedAt) => ({ identity, startedAt })) });
  if (by !== 'random') know();
  const onSilence = by === 'random' ? know : undefined;
  const transport = new ChoosingTransport(way, {
    choice,
    any: subjects.tracker,
    of: subjects.trackerOf,
    kinds,
    onSilence,
  });
  const ask = async (kind = 'CountJobs', subject = subjects.tracker): Promise<string> => {
    const answer = transport.request(subject, { kind, body: {} }, within).then(
      (name) => String(name),
      (error: LtsError) => error.code,
    );
    await clock.advance(1_000);
    return answer;
  };
  const setUp = (value: boolean) => {
    isUp = value;
  };
  return { ask, asked, transport, choice, clock, setUp };
}

describe('a request to any tracker', () => {
  it('goes to the chosen one, by name', async () => {
    const { ask, asked } = aNode({ listed: ['a', 'b'], living: ['a', 'b'] });
    expect([await ask(), await ask()]).toEqual(['a', 'a']);
    expect(asked).toEqual(['a by name', 'a by name']);
  });

  it('goes at once to the next when the chosen one is not there, and stays with that', async () => {
    const { ask, asked } = aNode({ listed: ['gone', 'b', 'c'], living: ['b', 'c'] });
    expect([await ask(), await ask()]).toEqual(['b', 'b']);
    expect(asked).toEqual(['b by name', 'b by name']);
  });

  it('goes to any when the registry lists only trackers that are gone', async () => {
    const { ask, asked } = aNode({ listed: ['gone-1', 'gone-2', 'gone-3', 'gone-4'], living: ['new'] });
    expect(await ask()).toBe('new');
    expect(asked).toEqual(['new as any']);
  });

  it('goes to any when the registry lists none', async () => {
    const { ask, asked } = aNode({ listed: [], living: ['new'] });
    expect(await ask()).toBe('new');
    expect(asked).toEqual(['new as any']);
  });

  it('nobody is there at all: refused as ever', async () => {
    expect(await aNode({ listed: ['gone'], living: [] }).ask()).toBe('LTS_NO_TRACKER');
  });

  it('without an answer is an unknown outcome and not sent twice; the next one goes elsewhere', async () => {
    const { ask, asked } = aNode({ listed: ['a', 'b'], living: ['a', 'b'], silent: ['a'] });
    expect(await ask()).toBe('LTS_TIMEOUT');
    expect(asked).toEqual(['a by name']);
    expect(await ask()).toBe('b');
  });

  it('round-robin takes turns with each request', async () => {
    const { ask } = aNode({ listed: ['a', 'b'], living: ['a', 'b'], by: 'round-robin' });
    const answers = [await ask(), await ask(), await ask(), await ask()];
    expect(answers.slice(0, 2).sort()).toEqual(['a', 'b']);
    expect(answers.slice(2)).toEqual(answers.slice(0, 2));
  });

  it('random asks any, but by name for a minute after one hung, which NATS would go on to offer requests to', async () => {
    const { ask, asked, clock } = aNode({ listed: ['a', 'b'], living: ['a', 'b'], silent: ['a'], by: 'random' });
    while ((await ask()) === 'b');
    expect(asked.at(-1)).toBe('a as any');
    const first = asked.length;
    for (let i = 0; i < 10; i++) await ask();
    const byName = asked.slice(first);
    expect(byName.filter((one) => one === 'a by name').length).toBeLessThanOrEqual(1);
    expect(byName.filter((one) => one === 'b by name').length).toBeGreaterThanOrEqual(9);
    await clock.advance(60_000);
    await ask();
    expect(asked.at(-1)).toMatch(/ as any$/);
  });

  it('a connection that is down speaks against no tracker', async () => {
    const { ask, asked, setUp } = aNode({ listed: ['a', 'b'], living: ['a', 'b'] });
    setUp(false);
    expect(await ask()).toBe('LTS_NO_TRACKER');
    expect(await ask('RenewSession', subjects.trackerOf('a'))).toBe('LTS_NO_TRACKER');
    setUp(true);
    expect(await ask()).toBe('a');
    expect(asked).toEqual(['a by name']);
  });
});

it('kinds that do not choose go to any, others to subjects of their own, both as before', async () => {
  const { ask, asked } = aNode({ listed: ['a'], living: ['a'], kinds: ['StartSession'] });
  await ask('AppendLog');
  await ask('RenewSession', subjects.trackerOf('a'));
  await ask('StartSession');
  expect(asked).toEqual(['a as any', 'a by name', 'a by name']);
});

it('a tracker that fails one who is served by it is not chosen next', async () => {
  const { ask, asked } = aNode({ listed: ['a', 'b'], living: ['a', 'b'], silent: ['a'], kinds: ['StartSession'] });
  expect(await ask('RenewSession', subjects.trackerOf('a'))).toBe('LTS_TIMEOUT');
  expect(await ask('StartSession')).toBe('b');
  expect(asked).toEqual(['a by name', 'b by name']);
});
