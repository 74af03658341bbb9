/** Leases in memory: of the one JobTracker of a store that has no other, and of simulated ones that share it. */
import type { Lease, Leases, NewLease } from '../../ports/leases.js';

export class MemoryLeases implements Leases {
  private readonly records = new Map<string, Lease>();

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async begin(lease: NewLease): Promise<Lease | undefined> {
    const known = this.records.get(lease.session);
    if (known ? !mayBegin(known, lease) : lease.moves > 1) return known;
    return this.store({ ...lease, beats: (known?.beats ?? 0) + 1, state: 'alive', fallen: 0 });
  }

  async renew(tracker: string, sessions: readonly string[]): Promise<(Lease | undefined)[]> {
    return sessions.map((session) => {
      const known = this.records.get(session);
      if (known?.state !== 'alive' || known.tracker !== tracker) return known;
      return this.store({ ...known, beats: known.beats + 1 });
    });
  }

  async kill({ session, tracker, beats }: Pick<Lease, 'session' | 'tracker' | 'beats'>): Promise<Lease | undefined> {
    const known = this.records.get(session);
    if (known?.state !== 'alive' || known.tracker !== tracker || known.beats !== beats) return known;
    return this.store({ ...known, state: 'dead' });
  }

  async noteFallen(session: string, runs: number): Promise<number> {
    const known = this.records.get(session);
    if (!known) return runs;
    return this.store({ ...known, fallen: Math.max(known.fallen, runs) }).fallen;
  }

  async forget(sessions: readonly string[]): Promise<void> {
    for (const session of sessions) if (this.records.get(session)?.state === 'dead') this.records.delete(session);
  }

  async list(nodeGroup?: string): Promise<readonly Lease[]> {
    const all = [...this.records.values()];
    return nodeGroup === undefined ? all : all.filter((lease) => lease.nodeGroup === nodeGroup);
  }

  private store(lease: Lease): Lease {
    this.records.set(lease.session, lease);
    return lease;
  }
}

function mayBegin(known: Lease, { tracker, moves }: NewLease): boolean {
  if (known.state === 'dead') return false;
  return moves > known.moves || (moves === known.moves && tracker === known.tracker);
}
