/** What the trackers of a simulated cluster know of each other: a registry that is behind the times by up to its time to live. */
import type { Peers } from '../../src/job-tracker/tracker-ports.js';
import type { NodeLife } from '../../src/testing/node-life.js';

const beatEveryMs = 1_000;
const timeToLiveMs = 10_000;
/** A master stops being sure this long after its last beat, before another one can be. */
const sureForMs = 7_000;

/** `all` and `none`: an election that went wrong, which must harm nobody. */
export type Mastership = 'elected' | 'all' | 'none';

export class SimulatedRegistry {
  private readonly beats = new Map<string, number>();
  private master: { readonly identity: string; readonly at: number } | undefined;

  constructor(
    private readonly mastership: Mastership,
    private readonly isConnected: (identity: string) => boolean,
  ) {}

  /** Everything is forgotten, as when its storage is lost. */
  wipe(): void {
    this.beats.clear();
    this.master = undefined;
  }

  leave(identity: string): void {
    this.beats.delete(identity);
    if (this.master?.identity === identity) this.master = undefined;
  }

  /** One life of a tracker joins, and beats while it is awake and connected. */
  join(identity: string, life: NodeLife): Peers {
    let masterAt = Number.NEGATIVE_INFINITY;
    const beat = () => {
      if (this.isConnected(identity) && this.isElected(identity, life.nowMs)) masterAt = life.nowMs;
      life.schedule(beatEveryMs, beat);
    };
    beat();
    const isSure = () => this.mastership === 'elected' && life.nowMs - masterAt < sureForMs;
    return {
      isMaster: () => this.mastership === 'all' || isSure(),
      trackers: () => {
        const up = [...this.beats].filter(([, at]) => life.nowMs - at <= timeToLiveMs).map(([name]) => name);
        return [...new Set([...up, identity])];
      },
    };
  }

  private isElected(identity: string, now: number): boolean {
    this.beats.set(identity, now);
    const isFree = !this.master || this.master.identity === identity || now - this.master.at > timeToLiveMs;
    if (isFree) this.master = { identity, at: now };
    return isFree;
  }
}
