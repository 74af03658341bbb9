/** The time of a server, followed in virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MongoClock } from '../../../src/adapters/mongo/mongo-clock.js';
import { VirtualClock, worldBeganAt } from '../../../src/testing/virtual-clock.js';
import { VirtualTime } from '../../../src/testing/virtual-time.js';

const hourMs = 3_600_000;

describe('MongoClock', () => {
  let time: VirtualTime;
  let warnings: string[];
  let clocks: MongoClock[];
  /** What the server's clock shows more than the true time, how long an answer takes, and whether there is one. */
  let server: { aheadMs: number; thereMs: number; backMs: number; isUp: boolean };
  beforeEach(() => {
    time = new VirtualTime();
    warnings = [];
    clocks = [];
    server = { aheadMs: 0, thereMs: 0, backMs: 0, isUp: true };
  });
  afterEach(() => {
    for (const clock of clocks) clock.stop();
  });

  /** Of a machine whose own wall clock is wrong and whose quartz runs at another rate. */
  async function started({ offsetMs = 0, rate = 1 } = {}): Promise<MongoClock> {
    const machine = new VirtualClock(time, { offsetMs, rate });
    const truth = new VirtualClock(time);
    const ask = async (): Promise<number> => {
      await truth.sleep(server.thereMs);
      if (!server.isUp) throw new Error('planted: down');
      const shown = truth.wallMs() + server.aheadMs;
      await truth.sleep(server.backMs);
      return shown;
    };
    const none = (): void => {};
    const log = { debug: none, info: none, error: none, warn: (_: object, text: string) => void warnings.push(text) };
    const clock = new MongoClock(ask, machine, log);
    clocks.push(clock);
    const start = clock.start();
    await time.advance(server.thereMs + server.backMs);
    await start;
    return clock;
  }
  const truthMs = (): number => worldBeganAt + time.nowMs + server.aheadMs;
  const errorOf = (clock: MongoClock): number => Math.abs(clock.wallMs() - truthMs());
  const isEarly = (clock: MongoClock): boolean => clock.wallMs() > truthMs();

  it('shows the same time to trackers whose clocks are an hour apart', async () => {
    const [early, late] = [await started({ offsetMs: -hourMs }), await started({ offsetMs: hourMs })];
    await time.advance(25_000);
    expect(Math.abs((early?.wallMs() ?? 0) - (late?.wallMs() ?? 0))).toBeLessThanOrEqual(2);
    expect(errorOf(early as MongoClock)).toBeLessThanOrEqual(2);
  });

  it.each([
    [0, 0],
    [1, 40],
    [40, 1],
    [30, 30],
    [300, 0],
  ])(
    'is never ahead, and never further behind than it says, with %i ms there and %i ms back',
    async (thereMs, backMs) => {
      Object.assign(server, { thereMs, backMs, aheadMs: 5 * hourMs });
      const clock = await started({ rate: 1.0001 });
      for (let i = 0; i < 20; i++) {
        expect(isEarly(clock)).toBe(false);
        expect(errorOf(clock)).toBeLessThanOrEqual(clock.errorMs);
        await time.advance(3_333);
      }
      expect(clock.errorMs).toBeLessThan(thereMs + backMs + 10);
    },
  );

  it('follows a drift, and says how far off it may be while the server does not answer', async () => {
    const clock = await started({ rate: 1.0001 });
    await time.advance(10 * 60_000);
    expect(errorOf(clock)).toBeLessThanOrEqual(clock.errorMs);
    server.isUp = false;
    const before = clock.errorMs;
    await time.advance(10 * 60_000);
    expect(clock.errorMs - before).toBeGreaterThan(60);
    expect(errorOf(clock)).toBeLessThanOrEqual(clock.errorMs);
    server.isUp = true;
    await time.advance(2_000);
    expect(clock.errorMs).toBeLessThan(4);
  });

  it('keeps a quick answer rather than a slow one', async () => {
    const clock = await started();
    server.backMs = 400;
    await time.advance(30_000);
    expect(errorOf(clock)).toBeLessThanOrEqual(clock.errorMs);
    expect(clock.errorMs).toBeLessThan(20);
  });

  it('follows a server whose clock is set, and says so', async () => {
    const clock = await started();
    server.aheadMs = -hourMs;
    await time.advance(10_500);
    expect(errorOf(clock)).toBeLessThanOrEqual(2);
    expect(warnings).toEqual(["the MongoDB server's clock was set, or another server answers"]);
  });
});
