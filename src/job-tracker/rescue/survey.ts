/**
 * Survey: looks through the leases of all sessions, whoever serves them.
 *
 *   stands still for a whole lease of this tracker's own monotonic time     killed, then rescued: silent
 *   its tracker is gone (looked for by the master), nobody listens for it   killed, then rescued: gone
 *   dead                                                                    rescued, again and again, and forgotten at last
 *   served here, but another tracker's or dead in the store                 dropped here
 */
import type { Lease } from '../../ports/leases.js';
import type { Sessions } from '../sessions/sessions.js';
import type { TrackerParts } from '../tracker-ports.js';
import type { Fallen } from './fallen.js';
import type { Grace } from './grace.js';
import type { Hearing } from './hearing.js';

/** With a store of its own a look costs nothing. */
const everyMsAlone = 1_000;
const everyMsTogether = 5_000;
const repeatRescueMs = 60_000;
/** Who killed a session rescues its runs, and knows which of its own claims never left; the others look only whether that was done. */
const leaveToKillerMs = 10_000;
/** Leases that a dead record is kept for: no message is delayed so long that it might begin the session at another tracker. */
const deadLeasesKept = 10;

interface Watched {
  lease: Lease;
  /** Since when it looks like this. */
  sinceMono: number;
  /** Nobody that is up serves it, and it has runs. */
  isOrphan: boolean;
  unheard: number;
  unheardSinceMono: number;
  rescuedMono: number;
  isEmpty: boolean;
}

export interface SurveyParts {
  readonly sessions: Sessions;
  readonly hearing: Hearing;
  readonly fallen: Fallen;
  readonly grace: Grace;
}

export class Survey {
  private readonly watched = new Map<string, Watched>();
  private listedMono: number | undefined;

  constructor(
    private readonly parts: TrackerParts,
    private readonly own: SurveyParts,
  ) {}

  /** Everything that there is to do now, each on its own. */
  async tick(): Promise<PromiseSettledResult<unknown>[]> {
    const looked = await Promise.allSettled(this.isDue() ? [this.look()] : []);
    const judged = await Promise.allSettled([...this.watched.values()].map((watched) => this.judge(watched)));
    return [...looked, ...judged];
  }

  /**
   * Sessions with runs that no record knows, because the leases went with the process that had them: they get a record, and with it
   * one full lease for their workers to show up. Answers them.
   */
  async adopt(): Promise<Lease[]> {
    const { queue, leases } = this.parts.ports;
    const found = await queue.sessions();
    const known = new Set((await leases.list()).map(({ session }) => session));
    const adopted: Lease[] = [];
    for (const session of found) {
      const run = known.has(session) ? undefined : (await queue.runsOf(session))[0];
      if (!run) continue;
      const { nodeGroup } = run.body;
      const { identity: tracker } = this.parts.settings;
      const info = { session, identity: identityOf(session), nodeGroup, workThreads: 0, processors: [] };
      const lease = await leases.begin({ ...info, tracker, moves: 0 });
      if (lease) adopted.push(lease);
    }
    return adopted;
  }

  private get everyMs(): number {
    return this.parts.isAlone ? everyMsAlone : everyMsTogether;
  }

  /** Without a master the others forget later. */
  private get deadLeasesKept(): number {
    if (this.parts.isAlone) return 1;
    return this.parts.peers.isMaster() ? deadLeasesKept : 2 * deadLeasesKept;
  }

  private isDue(): boolean {
    if (this.listedMono === undefined) return true;
    const lateMs = this.parts.ports.clock.monoMs() - this.listedMono;
    // Who could not read the store could not renew either: all are heard before any is judged.
    if (lateMs >= 2 * this.everyMs + everyMsTogether) this.own.grace.begin();
    return lateMs >= this.everyMs;
  }

  private async look(): Promise<void> {
    const { clock, leases } = this.parts.ports;
    const found = await leases.list();
    const now = clock.monoMs();
    this.listedMono = now;
    const names = new Set(found.map(({ session }) => session));
    for (const name of this.watched.keys()) if (!names.has(name)) this.watched.delete(name);
    for (const lease of found) await this.note(lease, now);
  }

  private async note(lease: Lease, now: number): Promise<void> {
    this.dropTaken(lease);
    const known = this.watched.get(lease.session);
    const isSame = known && known.lease.beats === lease.beats && known.lease.state === lease.state;
    const watched = isSame ? known : freshlySeen(lease, now);
    this.watched.set(lease.session, watched);
    const isOrphan = lease.state === 'alive' && this.isAbandoned(lease);
    if (isOrphan && !watched.isOrphan) {
      watched.isOrphan = (await this.parts.ports.queue.runsOf(lease.session)).length > 0;
    } else if (!isOrphan) watched.isOrphan = false;
  }

  /** What was read before a later beat tells nothing. */
  private dropTaken(lease: Lease): void {
    const session = this.own.sessions.find(lease.session);
    if (!session) return;
    const isTaken = lease.tracker !== this.parts.settings.identity && lease.beats > session.beats;
    const isDead = lease.state === 'dead' && lease.beats >= session.beats;
    if (isTaken || isDead) this.own.sessions.lose(session, lease);
  }

  private isAbandoned({ session, tracker }: Lease): boolean {
    const { peers, settings } = this.parts;
    if (tracker === settings.identity) return !this.own.sessions.find(session);
    return peers.isMaster() && !peers.trackers().includes(tracker);
  }

  private async judge(watched: Watched): Promise<unknown> {
    const { lease, sinceMono } = watched;
    const now = this.parts.ports.clock.monoMs();
    if (lease.state === 'dead') return this.clearUp(watched, now);
    if (this.own.sessions.find(lease.session)) return undefined;
    const isSilent = now - sinceMono > this.parts.settings.leaseMs;
    if (isSilent && !this.own.grace.isOn) return this.own.fallen.end(lease, 'its lease was not renewed');
    if (!watched.isOrphan) return undefined;
    const isGone = await this.own.hearing.isGone(lease.session, watched);
    if (isGone && !this.own.grace.isOn) await this.own.fallen.end(lease, 'nobody listens for it any more');
    return undefined;
  }

  private async clearUp(watched: Watched, now: number): Promise<void> {
    const { session } = watched.lease;
    const isOld = now - watched.sinceMono > this.deadLeasesKept * this.parts.settings.leaseMs;
    if (now - watched.rescuedMono >= repeatRescueMs) {
      watched.rescuedMono = now;
      watched.isEmpty = (await this.own.fallen.rescue(session)) === 0;
    }
    if (isOld && watched.isEmpty) await this.parts.ports.leases.forget([session]);
  }
}

function freshlySeen(lease: Lease, now: number): Watched {
  return {
    lease,
    sinceMono: now,
    isOrphan: false,
    unheard: 0,
    unheardSinceMono: 0,
    rescuedMono: now - repeatRescueMs + leaveToKillerMs,
    isEmpty: false,
  };
}

const identityOf = (session: string): string => session.slice(0, Math.max(0, session.lastIndexOf('-')));
