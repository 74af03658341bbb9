/** Which tracker a node asks: turns, rings and masters; and what becomes of the choice when trackers come and go. */
import { describe, expect, it } from 'vitest';
import { type KnownTrackers, TrackerChoice } from '../../src/cluster/tracker-choice.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const trackers = (identities: readonly string[], master?: string): KnownTrackers => ({
  nodes: identities.map((identity, i) => ({ identity, startedAt: i })),
  master,
});

function aChoice(by: 'round-robin' | 'consistent-hash' | 'master-slave', known: KnownTrackers, identity = 'n1') {
  const clock = new VirtualClock();
  const choice = new TrackerChoice(by, { identity, clock });
  choice.know(known);
  const several = (count: number) => Array.from({ length: count }, () => choice.next());
  return { choice, clock, several };
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe.each(['round-robin', 'consistent-hash', 'master-slave'] as const)('%s', (by) => {
  it('knows none: none is chosen', () => {
    expect(aChoice(by, trackers([])).choice.next()).toBeUndefined();
  });

  it('one that did not answer is passed over for fifteen seconds, and if all did not, none is chosen', async () => {
    const { choice, clock, several } = aChoice(by, trackers(['a', 'b']));
    const gone = choice.next() ?? '';
    const other = gone === 'a' ? 'b' : 'a';
    choice.avoid(gone);
    expect(several(3)).toEqual([other, other, other]);
    choice.avoid(other);
    expect(choice.next()).toBeUndefined();
    await clock.advance(15_000);
    expect(new Set(several(3))).toContain(gone);
  });

  it('one that has left the registry is chosen no more', () => {
    const { choice, several } = aChoice(by, trackers(['a', 'b', 'c']));
    const [first = ''] = several(1);
    choice.know(trackers(['a', 'b', 'c'].filter((identity) => identity !== first)));
    expect(several(6)).not.toContain(first);
  });

  it('what is said of a tracker that is not known is not remembered', () => {
    const { choice } = aChoice(by, trackers(['a']));
    choice.avoid('b');
    choice.know(trackers(['b']));
    expect(choice.next()).toBe('b');
  });
});

describe('round-robin', () => {
  it('takes every tracker in turn', () => {
    const chosen = aChoice('round-robin', trackers(['b', 'a', 'c'])).several(7);
    const [first] = chosen;
    expect(chosen.slice(0, 3).sort()).toEqual(['a', 'b', 'c']);
    expect(chosen.slice(3, 6)).toEqual(chosen.slice(0, 3));
    expect(chosen[6]).toBe(first);
  });

  it('goes on after the last one when trackers come', () => {
    const { choice, several } = aChoice('round-robin', trackers(['a', 'c', 'e']));
    while (choice.next() !== 'c');
    choice.know(trackers(['a', 'b', 'c', 'd', 'e']));
    expect(several(5)).toEqual(['d', 'e', 'a', 'b', 'c']);
  });

  it('nodes do not all begin with the same tracker', () => {
    const firsts = named('node-', 90).map((identity) =>
      aChoice('round-robin', trackers(['a', 'b', 'c']), identity).choice.next(),
    );
    for (const tracker of ['a', 'b', 'c'])
      expect(firsts.filter((first) => first === tracker).length).toBeGreaterThan(15);
  });
});

describe('consistent-hash', () => {
  const nodes = named('host-7-', 2_000);
  const chosenBy = (identities: readonly string[]) =>
    nodes.map((identity) => aChoice('consistent-hash', trackers(identities), identity).choice.next() ?? '');
  const five = named('tracker-', 5);
  const before = chosenBy(five);

  it('a node stays with its tracker, whatever the order of the list', () => {
    expect(chosenBy([...five].reverse())).toEqual(before);
    expect(new Set(aChoice('consistent-hash', trackers(five)).several(10)).size).toBe(1);
  });

  it('gives each tracker about its share: a fifth, by at most a third more or less', () => {
    for (const tracker of five) {
      const share = before.filter((chosen) => chosen === tracker).length / nodes.length;
      expect(share).toBeGreaterThan(0.2 * 0.66);
      expect(share).toBeLessThan(0.2 * 1.34);
    }
  });

  it('a tracker that comes takes its share over and moves no other node', () => {
    const after = chosenBy([...five, 'tracker-5']);
    const moved = after.filter((chosen, i) => chosen !== before[i]);
    expect(new Set(moved)).toEqual(new Set(['tracker-5']));
    expect(moved.length / nodes.length).toBeGreaterThan(0.1);
    expect(moved.length / nodes.length).toBeLessThan(0.24);
  });

  it('a tracker that goes moves only its own nodes, and not all to the same', () => {
    const after = chosenBy(five.filter((tracker) => tracker !== 'tracker-2'));
    for (const [i, chosen] of after.entries()) if (before[i] !== 'tracker-2') expect(chosen).toBe(before[i]);
    const heirs = new Set(after.filter((_, i) => before[i] === 'tracker-2'));
    expect(heirs.size).toBe(4);
  });

  it('who passes over its tracker goes where it would go without it', () => {
    const { choice } = aChoice('consistent-hash', trackers(five), 'host-7-3');
    const first = choice.next() ?? '';
    choice.avoid(first);
    const second = choice.next();
    choice.know(trackers(five.filter((tracker) => tracker !== first)));
    expect(choice.next()).toBe(second);
  });
});

describe('master-slave', () => {
  it('asks the master, then the others by age', () => {
    const { choice } = aChoice('master-slave', trackers(['a', 'b', 'c'], 'b'));
    const order = [];
    for (let next = choice.next(); next !== undefined; next = choice.next()) {
      order.push(next);
      choice.avoid(next);
    }
    expect(order).toEqual(['b', 'a', 'c']);
  });

  it('without a master the oldest is asked', () => {
    expect(aChoice('master-slave', trackers(['z', 'a'])).several(3)).toEqual(['z', 'z', 'z']);
  });

  it('follows the master', () => {
    const { choice } = aChoice('master-slave', trackers(['a', 'b'], 'a'));
    choice.know(trackers(['a', 'b'], 'b'));
    expect(choice.next()).toBe('b');
  });
});
