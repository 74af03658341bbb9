/**
 * The right of TaskTracker sessions to run their jobs: one small record for each session, shared by the JobTrackers of one store.
 *
 *   alive -> dead -> forgotten     dead is a state, not a moment: nothing makes a dead session alive again
 *
 * No clock takes part: `beats` grows with each renewal, and who sees it stand still for a whole lease of its own monotonic time may
 * kill the session.
 */

export interface Lease {
  /** `identity-epoch`: one life of a TaskTracker. */
  readonly session: string;
  readonly identity: string;
  readonly nodeGroup: string;
  readonly workThreads: number;
  readonly processors: readonly string[];
  /** Identity of the JobTracker that serves it. */
  readonly tracker: string;
  /** How often its worker has begun it, at whatever tracker: a message of an earlier beginning that comes late changes nothing. */
  readonly moves: number;
  readonly beats: number;
  readonly state: 'alive' | 'dead';
  /** Most runs that a rescue found with it. */
  readonly fallen: number;
}

export type NewLease = Omit<Lease, 'beats' | 'state' | 'fallen'>;

/** Every write is durable when its call resolves, and may be repeated after an unknown outcome. */
export interface Leases {
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * A session that is not known becomes alive with its first beginning (`moves` up to 1); one that is alive goes over to `tracker` if
   * `moves` is greater than before, or the same at the same tracker. Each counts as a beat. Answers the record as it then is: dead, or
   * another tracker's, if that came first; undefined: not known, for what goes on from an earlier beginning may be dead and forgotten.
   */
  begin(lease: NewLease): Promise<Lease | undefined>;
  /** One beat for each of these sessions that is alive and served by `tracker`. Answers each as it then is; undefined: not known. */
  renew(tracker: string, sessions: readonly string[]): Promise<(Lease | undefined)[]>;
  /** Dead, if tracker and beats are still those seen. Answers the record as it then is; undefined: not known. */
  kill(seen: Pick<Lease, 'session' | 'tracker' | 'beats'>): Promise<Lease | undefined>;
  /** Notes how many runs a rescue found with a dead session; answers the most that any has found. */
  noteFallen(session: string, runs: number): Promise<number>;
  /** Removes records of dead sessions. */
  forget(sessions: readonly string[]): Promise<void>;
  /** All records, dead ones too; of one group if it is named. In no order. */
  list(nodeGroup?: string): Promise<readonly Lease[]>;
}
export const Leases = Symbol.for('lts.Leases');
