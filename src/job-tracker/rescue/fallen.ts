/** What is left of sessions that are over: runs of dead ones are lost, claims that never arrived go back uncounted. */
import type { JobRecord } from '../../job/job.js';
import type { Lease } from '../../ports/leases.js';
import type { Session } from '../sessions/session.js';
import type { Settle } from '../settle.js';
import type { TrackerParts } from '../tracker-ports.js';

type Seen = Pick<Lease, 'session' | 'tracker' | 'beats'>;

export class Fallen {
  /** Dead sessions whose runs are not all given back yet. */
  private readonly unfinished = new Set<string>();

  constructor(
    private readonly parts: TrackerParts,
    private readonly settle: Settle,
  ) {}

  /** Kills a session unless it has beaten or moved since it was seen; then rescues its runs. False: it lives. */
  async end(seen: Seen, why: string, isReady: () => Promise<void> = async () => {}): Promise<boolean> {
    const { leases, log } = this.parts.ports;
    const lease = await leases.kill(seen);
    if (lease?.state !== 'dead') return false;
    await isReady();
    const runs = await this.rescue(seen.session);
    if (runs > 0) log.warn({ session: seen.session, runs }, `session ended (${why}); its runs are given back`);
    return true;
  }

  /** Those that the store refused are tried again. */
  goOn(): Promise<number>[] {
    return [...this.unfinished].map((session) => this.rescue(session));
  }

  /** Of a session that is dead in the store; answers how many runs it still had. What the store refuses now is left to `goOn`. */
  async rescue(session: string): Promise<number> {
    const { queue, leases } = this.parts.ports;
    this.unfinished.add(session);
    const runs = await queue.runsOf(session);
    if (runs.length > 0) {
      // Another tracker may be in the middle of the same: what it has given back already fell together with the rest.
      const others = (await leases.noteFallen(session, runs.length)) - 1;
      await this.settle.verdicts(suspectsFirst(runs).map((run) => lossOf(run, others)));
    }
    this.unfinished.delete(session);
    return runs.length;
  }

  async giveBack(session: Session, runIds: readonly string[]): Promise<void> {
    const reports = runIds.flatMap((runId) =>
      [...(session.claims.get(runId)?.jobIds ?? [])].map((jobId) => ({
        jobId,
        runId,
        outcome: { kind: 'missed' } as const,
      })),
    );
    await this.settle.verdicts(reports);
  }
}

/** If the rescue is interrupted, those that remain must not look as if they had been alone. */
function suspectsFirst(runs: readonly JobRecord[]): JobRecord[] {
  return [...runs].sort((a, b) => b.status.losses - a.status.losses);
}

function lossOf(run: JobRecord, others: number) {
  return { jobId: run.jobId, runId: run.status.runId ?? '', outcome: { kind: 'lost', others } as const };
}
