/** What the tracker remembers of a node group: its open pulls, and hints about what waits for it in the store. */
import { isSuspect, type JobRecord } from '../../job/job.js';
import type { ClaimRequest } from '../../ports/job-queue.js';
import type { Session } from '../sessions/session.js';
import type { Pull } from './pulls.js';

export type Suspects = ClaimRequest['suspects'];

/** The hints err towards one look too many. Nothing is known of a group before its first session. */
export class Group {
  parked: Pull[] = [];
  /** Pulls with a batch under way. */
  readonly staging = new Set<Pull>();
  /** Nothing is known of what waits in the store; a read that finds nothing due saves the look, which is a commit. */
  isUnknown = true;
  peeking: Promise<void> | undefined;
  /** At most this many due jobs wait that no look has seen. */
  unseen = Number.POSITIVE_INFINITY;
  /** Slots of the looks under way, which may take that many of the unseen. */
  looking = 0;
  /** Suspects may wait: such that run beside others, such that run alone. Only some sessions may take them. */
  maybeBeside = true;
  maybeAlone = true;
  /** Counts due arrivals, so that a look knows how many came while it was under way. */
  arrivals = 0;
  nextDueAt = Number.POSITIVE_INFINITY;
  isServing = false;

  constructor(readonly nodeGroup: string) {}

  /** Due jobs that the looks under way may leave. */
  get leftUnseen(): number {
    return Math.max(0, this.unseen - this.looking);
  }

  /** A session holds at most one suspect, and one that must be alone only while nothing else is held or on its way. */
  suspectsFor(session: Session): Suspects {
    // What another tracker may have claimed for it is not known yet.
    if (session.comparesAgainMono !== undefined) return 'none';
    if (this.maybeAlone && session.held === 0 && session.claimsUnderWay === 0) return 'alone';
    return this.maybeBeside && session.suspects.size === 0 && session.seeks === 'none' ? 'one' : 'none';
  }

  /** A due job was left waiting. */
  arrived(record: JobRecord): void {
    this.arrivals++;
    if (!isSuspect(record)) this.unseen++;
    else if (record.status.isAlone) this.maybeAlone = true;
    else this.maybeBeside = true;
  }

  /** Another tracker left due jobs waiting; suspects may be among them. */
  arrivedUnknown(count: number): void {
    this.arrivals += count;
    this.unseen += count;
    this.maybeBeside = true;
    this.maybeAlone = true;
  }

  /** The earliest of those that waited for their time: how many came with it is not known. */
  becameDue(): void {
    this.nextDueAt = Number.POSITIVE_INFINITY;
    this.arrivals++;
    this.forget();
  }

  /** Others may have left what no look here has seen. */
  suspectMore(): void {
    if (this.leftUnseen === 0) this.forget();
  }

  /** Back to knowing nothing of what waits in the store. */
  forget(): void {
    this.isUnknown = true;
    this.unseen = Number.POSITIVE_INFINITY;
    this.maybeBeside = true;
    this.maybeAlone = true;
  }
}
