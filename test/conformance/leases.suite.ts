/** What every Leases promises. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease, Leases, NewLease } from '../../src/ports/leases.js';

export interface LeasesUnderTest {
  readonly leases: Leases;
  end(): Promise<void>;
}

const leaseOf = (session: string, more: Partial<NewLease> = {}): NewLease => ({
  session,
  identity: 'w',
  nodeGroup: 'g',
  workThreads: 4,
  processors: ['a'],
  tracker: 't1',
  moves: 1,
  ...more,
});

export function leasesSuite(name: string, create: () => Promise<LeasesUnderTest>): void {
  describe(`Leases: ${name}`, () => {
    let leases: Leases;
    let end: () => Promise<void>;

    const one = async (session: string): Promise<Lease | undefined> =>
      (await leases.list()).find((lease) => lease.session === session);

    const begin = async (session: string, more?: Partial<NewLease>): Promise<Lease> => {
      const lease = await leases.begin(leaseOf(session, more));
      if (!lease) throw new Error(`${session} is not known`);
      return lease;
    };

    beforeEach(async () => {
      const test = await create();
      leases = test.leases;
      end = () => test.end();
    });
    afterEach(() => end());

    it('keeps what a session said when it began', async () => {
      const begun = await begin('s1');
      expect(begun).toEqual({ ...leaseOf('s1'), beats: begun.beats, state: 'alive', fallen: 0 });
      expect(await leases.list()).toEqual([begun]);
    });

    it('lists one group, or all', async () => {
      await leases.begin(leaseOf('s1'));
      await leases.begin(leaseOf('s2', { nodeGroup: 'other' }));
      expect((await leases.list('other')).map(({ session }) => session)).toEqual(['s2']);
      expect((await leases.list()).map(({ session }) => session).sort()).toEqual(['s1', 's2']);
    });

    it('a later beginning takes a session over, an earlier one that comes late does not', async () => {
      const first = await begin('s1');
      const moved = await begin('s1', { tracker: 't2', moves: 2 });
      expect(moved).toMatchObject({ tracker: 't2', moves: 2, state: 'alive' });
      expect(moved.beats).toBeGreaterThan(first.beats);
      expect(await leases.begin(leaseOf('s1'))).toEqual(moved);
      expect(await leases.begin(leaseOf('s1', { tracker: 't3', moves: 2 }))).toEqual(moved);
    });

    it('the same beginning again is answered again', async () => {
      await leases.begin(leaseOf('s1'));
      expect(await leases.begin(leaseOf('s1'))).toMatchObject({ tracker: 't1', moves: 1, state: 'alive' });
    });

    it('what goes on from an earlier beginning that nobody knows does not begin', async () => {
      expect(await leases.begin(leaseOf('s1', { moves: 2 }))).toBeUndefined();
      expect(await leases.list()).toEqual([]);
    });

    it('of rivals that begin one session at once, one has it, and all are told which', async () => {
      const rivals = Array.from({ length: 8 }, (_, i) => leases.begin(leaseOf('s1', { tracker: `t${i}` })));
      const holders = new Set((await Promise.all(rivals)).map((lease) => lease?.tracker));
      expect(holders).toEqual(new Set([(await one('s1'))?.tracker]));
    });

    it('a renewal beats for the sessions of its tracker only, and answers each as it is', async () => {
      const mine = await begin('s1');
      const other = await begin('s2', { tracker: 't2' });
      const [renewed, elsewhere, unknown] = await leases.renew('t1', ['s1', 's2', 's3']);
      expect(renewed).toEqual({ ...mine, beats: renewed?.beats });
      expect(renewed?.beats).toBeGreaterThan(mine.beats);
      expect(elsewhere).toEqual(other);
      expect(unknown).toBeUndefined();
    });

    it('kills what stands still, and nothing that has beaten or moved since it was seen', async () => {
      const seen = await begin('s1');
      const [renewed] = await leases.renew('t1', ['s1']);
      expect(await leases.kill(seen)).toEqual(renewed);
      expect((await leases.kill(renewed as Lease))?.state).toBe('dead');
      const moved = await begin('s2');
      await leases.begin(leaseOf('s2', { tracker: 't2', moves: 2 }));
      expect((await leases.kill(moved))?.state).toBe('alive');
      expect(await leases.kill({ ...moved, session: 's3' })).toBeUndefined();
    });

    it('dead stays dead: neither beginning nor renewing brings a session back', async () => {
      const seen = await begin('s1');
      await leases.kill(seen);
      expect((await begin('s1', { tracker: 't2', moves: 2 })).state).toBe('dead');
      const [renewed] = await leases.renew('t1', ['s1']);
      expect(renewed).toMatchObject({ state: 'dead', beats: seen.beats });
      expect((await leases.kill(seen))?.state).toBe('dead');
    });

    it('remembers the most runs that fell with a session', async () => {
      await leases.kill(await begin('s1'));
      expect(await leases.noteFallen('s1', 3)).toBe(3);
      expect(await leases.noteFallen('s1', 1)).toBe(3);
      expect(await leases.noteFallen('s9', 2)).toBe(2);
      expect(await one('s9')).toBeUndefined();
    });

    it('forgets the dead, never the living', async () => {
      await leases.begin(leaseOf('s1'));
      await leases.kill(await begin('s2'));
      await leases.forget(['s1', 's2', 's3']);
      expect((await leases.list()).map(({ session }) => session)).toEqual(['s1']);
    });

    it('takes empty batches', async () => {
      expect(await leases.renew('t1', [])).toEqual([]);
      await leases.forget([]);
    });
  });
}
