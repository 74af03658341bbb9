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
  /** Waiting since so many hours. */
  const toDrop = (...hours: number[]) => {
    const waiting = hours.map((age, i) => ({
      ...({ kind: 'results', jobId: `J${i}`, value: i } as const),
      at: clock.wallMs() - age * hour,
    }));
    return judge.toDrop(waiting).then((places) => [...places]);
  };
  return { clock, toDrop, lines };
}

describe('the old data handler', () => {
  it('is not asked about what is young, nor about what comes from the future', async () => {
    const asked: OldData[] = [];
    const { toDrop, lines } = aJudge((data) => {
      asked.push(data);
      return 'drop';
    });
    expect(await toDrop(0, 1, -5)).toEqual([]);
    expect([asked, lines]).toEqual([[], []]);
  });

  it('is asked about what is old; what it drops is counted and logged with its job', async () => {
    const asked: OldData[] = [];
    const { clock, toDrop, lines } = aJudge((data) => {
      asked.push(data);
      return data.jobId === 'J3' ? 'send' : 'drop';
    });
    expect(await toDrop(2, 0, 3, 4)).toEqual([0, 2]);
    const at = clock.wallMs() - 2 * hour;
    expect(asked[0]).toEqual({ kind: 'results', jobId: 'J0', at, ageMs: 2 * hour, value: 0 });
    expect(asked.map(({ jobId }) => jobId)).toEqual(['J0', 'J2', 'J3']);
    expect(lines.map(({ fields }) => fields)).toEqual([
      { kind: 'results', jobIds: ['J0', 'J2'], droppedSinceStart: 2 },
    ]);
    await toDrop(2);
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
    const { toDrop, lines } = aJudge(handle);
    expect(await toDrop(2, 2, 2)).toEqual([]);
    expect(lines).toMatchObject([{ level: 'error', fields: { failures: 3 } }]);
  });

  it.each([undefined, true, 'DROP', 'keep'])('that answers %s drops nothing', async (answer) => {
    expect(await aJudge(() => answer as never).toDrop(2)).toEqual([]);
  });

  it('that takes longer than five seconds drops what it has said so far, and nothing later', async () => {
    let sayLate = (_: 'drop') => {};
    const { clock, toDrop, lines } = aJudge(({ jobId }) =>
      jobId === 'J0'
        ? 'drop'
        : new Promise((resolve) => {
            sayLate = resolve;
          }),
    );
    const asking = toDrop(2, 2);
    await clock.advance(5_000);
    const places = await asking;
    sayLate('drop');
    await clock.advance(1);
    expect(places).toEqual([0]);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error']);
  });

  it('is asked after seven days where it names no time', async () => {
    const { clock } = aJudge(() => 'drop');
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const judge = new OldDataJudge({ handle: () => 'drop' }, { clock, log });
    const aged = (days: number) =>
      [{ kind: 'feedback', jobId: 'J', at: clock.wallMs() - days * 24 * hour, value: 0 }] as const;
    expect([(await judge.toDrop(aged(7))).size, (await judge.toDrop(aged(7.01))).size]).toEqual([0, 1]);
  });
});
