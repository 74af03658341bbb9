/** What every Clock promises. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ports/clock.js';

export interface ClockFixture {
  readonly clock: Clock;
  /** Lets this much time pass, or nothing where time passes by itself. */
  pass(ms: number): Promise<void>;
  cleanUp(): Promise<void>;
}

const dayMs = 86_400_000;

export function clockSuite(name: string, makeFixture: () => ClockFixture): void {
  describe(`Clock: ${name}`, () => {
    let fixture: ClockFixture;
    let clock: Clock;

    beforeEach(() => {
      fixture = makeFixture();
      clock = fixture.clock;
    });
    afterEach(() => fixture.cleanUp());

    it('sleeps as long as it was told, never shorter', async () => {
      const start = clock.monoMs();
      const slept = clock.sleep(25);
      await fixture.pass(25);
      await slept;
      expect(clock.monoMs() - start).toBeGreaterThanOrEqual(25);
    });

    it('wakes sleepers in the order of their lengths', async () => {
      const woken: number[] = [];
      const sleeps = [30, 10, 20].map((ms) => clock.sleep(ms).then(() => woken.push(ms)));
      await fixture.pass(30);
      await Promise.all(sleeps);
      expect(woken).toEqual([10, 20, 30]);
    });

    it('does not wait for zero or less, nor with an aborted signal', async () => {
      const sleeps = [clock.sleep(0), clock.sleep(-5), clock.sleep(dayMs, AbortSignal.abort())];
      await fixture.pass(0);
      await Promise.all(sleeps);
    });

    it('sleeps beyond the longest timer of 24.8 days, until the signal aborts', async () => {
      const abort = new AbortController();
      let isAwake = false;
      const slept = clock.sleep(60 * dayMs, abort.signal).then(() => (isAwake = true));
      // A delay that overflows fires within a millisecond or two.
      const short = clock.sleep(10);
      await fixture.pass(10);
      await short;
      expect(isAwake).toBe(false);
      abort.abort();
      await slept;
    });

    it('leaves no listener on the signal, however the sleep ended', async () => {
      const abort = new AbortController();
      const short = clock.sleep(5, abort.signal);
      await fixture.pass(5);
      await short;
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
      const long = clock.sleep(dayMs, abort.signal);
      abort.abort();
      await long;
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    });

    it('never goes back by monoMs', () => {
      let before = clock.monoMs();
      for (let i = 0; i < 1_000; i++) {
        const now = clock.monoMs();
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
    });

    it('ends the turn after all that is already promised, for all callers together', async () => {
      const order: string[] = [];
      const ends = [clock.endOfTurn(), clock.endOfTurn()].map((end) => end.then(() => order.push('end')));
      void Promise.resolve()
        .then(() => order.push('first'))
        .then(() => order.push('second'));
      await fixture.pass(0);
      await Promise.all(ends);
      expect(order).toEqual(['first', 'second', 'end', 'end']);
    });

    it('ends the next turn anew', async () => {
      const first = clock.endOfTurn();
      await fixture.pass(0);
      await first;
      let isOver = false;
      const end = clock.endOfTurn().then(() => (isOver = true));
      await Promise.resolve();
      expect(isOver).toBe(false);
      await fixture.pass(0);
      await end;
    });
  });
}
