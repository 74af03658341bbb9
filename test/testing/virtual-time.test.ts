import { describe, expect, test } from 'vitest';
import { EventHeap } from '../../src/testing/event-heap.js';
import { NodeLife } from '../../src/testing/node-life.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { VirtualClock, worldBeganAt } from '../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../src/testing/virtual-time.js';

describe('the event heap', () => {
  test('gives events by instant, and those of one instant in the order in which they were added', () => {
    const heap = new EventHeap();
    const chance = new SeededChance(3);
    const added = Array.from({ length: 200 }, () => heap.add(chance.whole(0, 20), () => {}));
    const expected = added.toSorted((a, b) => a.at - b.at || a.sequence - b.sequence);
    expect(added.map(() => heap.take())).toEqual(expected);
    expect(heap.take()).toBeUndefined();
  });

  test('passes over what was cancelled', () => {
    const heap = new EventHeap();
    heap.add(1, () => {}).isCancelled = true;
    const kept = heap.add(2, () => {});
    expect(heap.nextAt()).toBe(2);
    expect(heap.take()).toBe(kept);
  });
});

describe('the virtual clock', () => {
  test('wakes sleepers in order, with everything that follows from each before the next', async () => {
    const clock = new VirtualClock();
    const woken: string[] = [];
    const sleeper = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name} at ${clock.monoMs()}`);
      for (let i = 0; i < 100; i++) await null;
      woken.push(`${name} done`);
    };
    void sleeper('late', 50);
    void sleeper('early', 10);
    await clock.advance(49);
    expect(woken).toEqual(['early at 10', 'early done']);
    await clock.advance(1);
    expect(woken.slice(2)).toEqual(['late at 50', 'late done']);
  });

  test('ends a sleep at once when its signal aborts', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    let isAwake = false;
    void clock.sleep(1_000, controller.signal).then(() => {
      isAwake = true;
    });
    controller.abort();
    await clock.advance(0);
    expect(isAwake).toBe(true);
    expect(clock.monoMs()).toBe(0);
  });

  test('shows a wrong wall clock without bending the monotonic one', async () => {
    const time = new VirtualTime();
    const error = { offsetMs: 3_600_000, rate: 1 };
    const clock = new VirtualClock(time, error);
    await time.advance(100);
    expect(clock.wallMs()).toBe(worldBeganAt + 3_600_100);
    error.offsetMs = -5_000;
    expect(clock.wallMs()).toBe(worldBeganAt - 4_900);
    expect(clock.monoMs()).toBe(100);
  });

  test('sleeps by its own rate', async () => {
    const time = new VirtualTime();
    const fast = new VirtualClock(time, { offsetMs: 0, rate: 2 });
    let wokenAt = 0;
    void fast.sleep(100).then(() => {
      wokenAt = time.nowMs;
    });
    await time.advance(100);
    expect(wokenAt).toBe(50);
    expect(fast.monoMs()).toBe(200);
  });

  test('reports a loop that never waits instead of hanging', async () => {
    const clock = new VirtualClock();
    const spin = async () => {
      for (;;) await clock.endOfTurn();
    };
    void spin();
    await expect(clock.advance(1)).rejects.toThrow('Time stands still');
  });
});

describe('the life of a node', () => {
  test('holds everything back while it is frozen, and lets it in, in order, when it thaws', async () => {
    const time = new VirtualTime();
    const life = new NodeLife(time, 'node.1');
    const seen: string[] = [];
    life.schedule(10, () => seen.push('timer'));
    life.freeze();
    await time.advance(20);
    life.receive(() => seen.push('message'));
    const cancelled = life.schedule(1, () => seen.push('cancelled'));
    await time.advance(5);
    cancelled.isCancelled = true;
    expect(seen).toEqual([]);
    life.thaw();
    await time.advance(0);
    expect(seen).toEqual(['timer', 'message']);
  });

  test('never wakes anything once it has ended', async () => {
    const time = new VirtualTime();
    const life = new NodeLife(time, 'node.1');
    let isAwake = false;
    void new VirtualClock(life).sleep(10).then(() => {
      isAwake = true;
    });
    life.end();
    await time.advance(100);
    expect(isAwake).toBe(false);
  });
});

describe('seeded chance', () => {
  test('repeats itself, and a part of it is not shifted by what another part draws', () => {
    const draw = (chance: SeededChance) => Array.from({ length: 5 }, () => chance.next());
    const one = new SeededChance(7);
    const other = new SeededChance(7);
    draw(other.split('noisy'));
    other.next();
    expect(draw(one.split('part'))).toEqual(draw(other.split('part')));
    expect(draw(one.split('part'))).not.toEqual(draw(one.split('another')));
  });
});
