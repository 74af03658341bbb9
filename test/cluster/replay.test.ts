/** What a FailStore kept goes out in order; what is refused or unreadable never blocks what is behind it. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { Replay } from '../../src/cluster/replay.js';
import { type ErrorCode, LtsError } from '../../src/errors.js';
import type { OldData } from '../../src/ports/old-data.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const silent = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

async function aReplay(values: readonly string[], answer: (values: readonly number[]) => (string | undefined)[]) {
  const failStore = new MemoryFailStore();
  const clock = new VirtualClock();
  await failStore.put(values.map((value, i) => ({ topic: 'results', key: `k${i}`, value, at: 0 })));
  const batches: (readonly number[])[] = [];
  const replay = new Replay<number>({
    topic: 'results',
    failStore,
    clock,
    log: silent,
    everyMs: 5_000,
    send: async (batch) => {
      batches.push(batch);
      return answer(batch);
    },
  });
  return { failStore, clock, batches, replay };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

describe('Replay', () => {
  it('sends everything in the order of keeping, in bounded batches, and empties the topic', async () => {
    const { replay, batches, failStore } = await aReplay(numbers(450), () => []);
    await replay.drain();
    expect(batches.map((batch) => batch.length)).toEqual([200, 200, 50]);
    expect(batches.flat()).toEqual(Array.from({ length: 450 }, (_, i) => i));
    expect(await failStore.count('results')).toBe(0);
  });

  it('closes a batch before it is too large for one message', async () => {
    const large = Array.from({ length: 5 }, (_, i) => `${i}${' '.repeat(200 * 1024)}`);
    const { replay, batches } = await aReplay([...large, `5${' '.repeat(900 * 1024)}`, '6'], () => []);
    await replay.drain();
    expect(batches).toEqual([[0, 1], [2, 3], [4], [5], [6]]);
  });

  it('what is refused is set aside with its reason and does not block the others', async () => {
    const { replay, failStore } = await aReplay(numbers(3), (batch) =>
      batch.map((n) => (n === 1 ? 'bad field' : undefined)),
    );
    await replay.drain();
    expect(await failStore.count('results')).toBe(0);
    expect(await failStore.quarantined('results')).toMatchObject([{ key: 'k1', reason: 'bad field' }]);
  });

  it('what cannot be read is set aside, also when nothing else is there', async () => {
    const { replay, batches, failStore } = await aReplay(['{not json', '7'], () => []);
    await replay.drain();
    expect(batches).toEqual([[7]]);
    expect((await failStore.quarantined('results'))[0]?.reason).toMatch(/^unreadable: SyntaxError/);
    const other = await aReplay(['{'], () => []);
    await other.replay.drain();
    expect(await other.failStore.count('results')).toBe(0);
  });

  it('nobody answers: all of it stays, in its order, for the next round', async () => {
    let isUp = false;
    const { replay, batches, clock, failStore } = await aReplay(numbers(250), () => {
      if (!isUp) throw new LtsError('LTS_NO_TRACKER', 'nobody');
      return [];
    });
    await replay.drain();
    expect([batches.length, await failStore.count('results')]).toEqual([1, 250]);
    replay.start();
    isUp = true;
    await clock.advance(5_000);
    expect(await failStore.count('results')).toBe(0);
    expect(batches[1]?.[0]).toBe(0);
    await replay.stop();
  });

  it('a defect of the sender is not taken for silence', async () => {
    const { replay } = await aReplay(numbers(1), () => {
      throw new TypeError('defect');
    });
    await expect(replay.drain()).rejects.toThrow('defect');
  });
});

describe('a message that is at fault itself', () => {
  /** Refused with this code whenever one of these numbers is in it. */
  const refusing = (code: ErrorCode, bad: readonly number[]) => (batch: readonly number[]) => {
    if (batch.some((n) => bad.includes(n))) throw new LtsError(code, `${code} for ${batch}`);
    return [];
  };

  beforeEach(() => silent.error.mockClear());

  it.each(['LTS_MESSAGE_INVALID', 'LTS_PAYLOAD_TOO_LARGE', 'LTS_PAYLOAD_INVALID'] as const)(
    '%s: the entry is put aside and named, its neighbours are sent in their order',
    async (code) => {
      const { replay, batches, failStore } = await aReplay(numbers(4), refusing(code, [0, 2]));
      await replay.drain();
      expect(batches).toEqual([[0, 1, 2, 3], [0], [1], [2], [3]]);
      expect(await failStore.count('results')).toBe(0);
      const aside = await failStore.quarantined('results');
      expect(aside.map(({ key, reason }) => [key, reason])).toEqual([
        ['k0', `${code} for 0`],
        ['k2', `${code} for 2`],
      ]);
      const refused = [{ key: 'k0' }, { key: 'k2' }];
      expect(silent.error.mock.calls).toMatchObject([
        [{ topic: 'results', refused }, expect.stringMatching(/put aside/)],
      ]);
    },
  );

  it('too large: put aside also where it is alone', async () => {
    const { replay, failStore } = await aReplay(numbers(1), refusing('LTS_PAYLOAD_TOO_LARGE', [0]));
    await replay.drain();
    expect([await failStore.count('results'), (await failStore.quarantined('results')).length]).toEqual([0, 1]);
  });

  it('not understood: while none gets through, all of it stays; the first that does shows which are bad', async () => {
    const { replay, failStore } = await aReplay(numbers(3), refusing('LTS_MESSAGE_INVALID', [0, 1, 2]));
    for (let i = 0; i < 3; i++) await replay.drain();
    expect([await failStore.count('results'), await failStore.quarantined('results')]).toEqual([3, []]);
    expect(silent.error.mock.calls.length).toBe(1);
    await failStore.put([{ topic: 'results', key: 'k3', value: '3', at: 0 }]);
    await replay.drain();
    expect([await failStore.count('results'), (await failStore.quarantined('results')).length]).toEqual([0, 3]);
  });

  it('nobody answers in the middle of it: what was not sent stays', async () => {
    let calls = 0;
    const { replay, failStore } = await aReplay(numbers(4), (batch) => {
      if (++calls > 3) throw new LtsError('LTS_NO_TRACKER', 'nobody');
      return refusing('LTS_MESSAGE_INVALID', [0])(batch);
    });
    await replay.drain();
    expect((await failStore.peek('results', 10)).map(({ key }) => key)).toEqual(['k2', 'k3']);
  });

  it("not permitted: nothing of it is the entry's fault, so it stays, and that is told once until it changes", async () => {
    let code: ErrorCode = 'LTS_NOT_PERMITTED';
    const { replay, failStore, batches } = await aReplay(numbers(3), () => {
      throw new LtsError(code, 'told');
    });
    for (let i = 0; i < 3; i++) await replay.drain();
    expect([await failStore.count('results'), batches.length]).toEqual([3, 3]);
    expect(silent.error.mock.calls).toMatchObject([[{ topic: 'results' }, expect.stringMatching(/stays/)]]);
    expect(replay.isHeldForGood).toBe(true);
    code = 'LTS_NO_TRACKER';
    await replay.drain();
    expect(replay.isHeldForGood).toBe(false);
    expect(silent.error.mock.calls.length).toBe(1);
  });
});

describe('what was kept for long', () => {
  const day = 86_400_000;

  async function anOld(ages: readonly number[], oldDataHandler?: { handle: (data: OldData) => 'send' | 'drop' }) {
    const failStore = new MemoryFailStore();
    const clock = new VirtualClock();
    const now = clock.wallMs();
    const entries = ages.map((age, i) => ({ at: now - age, key: `k${i}`, value: JSON.stringify({ jobId: `J${i}` }) }));
    await failStore.put(entries.map((entry) => ({ ...entry, topic: 'submissions' })));
    const sent: string[] = [];
    const send = async (jobs: readonly { jobId: string }[]) => {
      sent.push(...jobs.map(({ jobId }) => jobId));
      return [];
    };
    const common = { topic: 'submissions', failStore, clock, log: silent, everyMs: 5_000 } as const;
    const replay = new Replay({ ...common, send, oldDataHandler });
    return { replay, failStore, sent };
  }

  it('is sent, whatever its age, where nobody says otherwise', async () => {
    const { replay, sent, failStore } = await anOld([3_650 * day, 8 * day, 0]);
    await replay.drain();
    expect(sent).toEqual(['J0', 'J1', 'J2']);
    expect(await failStore.count('submissions')).toBe(0);
  });

  it('is dropped on the word of the handler, which is asked about the old ones only; the others go out in order', async () => {
    const asked: string[] = [];
    const handle = ({ jobId, kind, ageMs }: OldData) => {
      asked.push(`${kind} ${jobId} ${ageMs / day}`);
      return jobId === 'J1' ? 'drop' : 'send';
    };
    const { replay, sent, failStore } = await anOld([9 * day, 8 * day, 7 * day, 0], { handle });
    await replay.drain();
    expect(asked).toEqual(['submissions J0 9', 'submissions J1 8']);
    expect(sent).toEqual(['J0', 'J2', 'J3']);
    expect(await failStore.count('submissions')).toBe(0);
    expect(await failStore.quarantined('submissions')).toEqual([]);
  });

  it('a whole batch that is dropped does not hold back the next one', async () => {
    const ages = Array.from({ length: 450 }, (_, i) => (i < 420 ? 8 * day : 0));
    const { replay, sent } = await anOld(ages, { handle: () => 'drop' });
    await replay.drain();
    expect([sent.length, sent[0]]).toEqual([30, 'J420']);
  });
});
