/** What the old data handler is asked, and that only its clear word drops anything. */
import { describe, expect, it } from 'vitest';
import { OldDataJudge } from '../../src/cluster/old-data.js';
import type { OldData, OldDataHandler } from '../../src/ports/old-data.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const hour = 3_600_000;

function aJudge(handle: OldDataHandler['handle'], olderThanMs: number | undefined = hour) {
  const clock = new VirtualClock();
  const lines: { level: string; fields: object; text: string }[] = [];
  const note = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text });
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const judge = new OldDataJudge({ handle, olderThanMs }, { clock, log });
  /** The places of those that it drops, waiting since so many hours. */
  const droppedOf = (...hours: number[]) => droppedBy(judge, clock, hours);
  return { judge, clock, droppedOf, lines };
}

async function droppedBy(judge: OldDataJudge, clock: VirtualClock, hours: readonly number[]): Promise<number[]> {
  const dropped: number[] = [];
  const places = [...hours.keys()];
  const kept = await judge.withoutDropped(places, {
    dataOf: (i) => ({ kind: 'results', jobId: `J${i}`, value: i, at: clock.wallMs() - (hours[i] ?? 0) * hour }),
    drop: async (some) => void dropped.push(...some),
  });
  expect([...kept, ...dropped].sort()).toEqual(places);
  return dropped;
}

describe('the old data handler', () => {
  it('is not asked about what is young, nor about what comes from the future', async () => {
    const asked: OldData[] = [];
    const { droppedOf, lines } = aJudge((data) => {
      asked.push(data);
      return 'drop';
    });
    expect(await droppedOf(0, 1, -5)).toEqual([]);
    expect([asked, lines]).toEqual([[], []]);
  });

  it('is asked about what is old; what it drops is counted and logged with its job', async () => {
    const asked: OldData[] = [];
    const { clock, droppedOf, lines } = aJudge((data) => {
      asked.push(data);
      return data.jobId === 'J3' ? 'send' : 'drop';
    });
    expect(await droppedOf(2, 0, 3, 4)).toEqual([0, 2]);
    const at = clock.wallMs() - 2 * hour;
    expect(asked[0]).toEqual({ kind: 'results', jobId: 'J0', at, ageMs: 2 * hour, value: 0 });
    expect(asked.map(({ jobId }) => jobId)).toEqual(['J0', 'J2', 'J3']);
    expect(lines.map(({ fields }) => fields)).toEqual([
      { kind: 'results', jobIds: ['J0', 'J2'], droppedSinceStart: 2 },
    ]);
    await droppedOf(2);
    expect(lines[1]?.fields).toMatchObject({ jobIds: ['J0'], droppedSinceStart: 3 });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('that %s drops nothing, and says so once', async (_, handle) => {
    const { droppedOf, lines } = aJudge(handle);
    expect(await droppedOf(2, 2, 2)).toEqual([]);
    expect(lines).toMatchObject([{ level: 'error', fields: { failures: 3 } }]);
  });

  it.each([undefined, true, 'DROP', 'keep'])('that answers %s drops nothing', async (answer) => {
    expect(await aJudge(() => answer as never).droppedOf(2)).toEqual([]);
  });

  it('that takes longer than five seconds drops what it has said so far, and nothing later', async () => {
    let sayLate = (_: 'drop') => {};
    const { clock, droppedOf, lines } = aJudge(({ jobId }) =>
      jobId === 'J0'
        ? 'drop'
        : new Promise((resolve) => {
            sayLate = resolve;
          }),
    );
    const asking = droppedOf(2, 2);
    await clock.advance(5_000);
    const places = await asking;
    sayLate('drop');
    await clock.advance(1);
    expect(places).toEqual([0]);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error']);
  });

  it('that drops what cannot be removed now has not dropped it', async () => {
    const { judge, lines } = aJudge(() => 'drop');
    const dataOf = () => ({ kind: 'results', jobId: 'J', value: 0, at: 0 }) as const;
    const drop = () => Promise.reject(new Error('the store is away'));
    await expect(judge.withoutDropped([1], { dataOf, drop })).rejects.toThrow('the store is away');
    expect(lines).toEqual([]);
  });

  it('is asked after seven days where it names no time', async () => {
    const { clock } = aJudge(() => 'drop');
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const judge = new OldDataJudge({ handle: () => 'drop' }, { clock, log });
    expect(await droppedBy(judge, clock, [7 * 24, 7.01 * 24])).toEqual([1]);
  });
});
