/** What the checker itself has seen: client answers, handler entries and exits, every commit of the store, every incident. */
import type { JobRecord } from '../../src/job/job.js';

/** One handler call. All instants are true time. */
export interface RunSeen {
  readonly jobId: string;
  readonly runId: string;
  readonly node: string;
  readonly life: string;
  readonly startedAt: number;
  readonly heedsAbort: boolean;
  readonly isPoison: boolean;
  exit?: { readonly at: number; readonly how: RunExit; readonly value?: string | undefined } | undefined;
  /** The reason in its AbortSignal, and when it fired. */
  aborted?: { readonly at: number; readonly reason: string } | undefined;
  /** Its process died under it. */
  diedAt?: number | undefined;
  /** At that moment it was the job's current run. */
  wasCurrent?: boolean | undefined;
}
export type RunExit = 'success' | 'failed' | 'later' | 'exception';

/** One commit of one record. */
export interface Step {
  readonly at: number;
  /** The latest that the tracker's wall clock showed in the last seconds: the decision may be that old, and the clock set back since. */
  readonly latestWall: number;
  /** The earliest, likewise, for a clock that was set forward. */
  readonly earliestWall: number;
  readonly verb: 'add' | 'claim' | 'update' | 'purge';
  readonly before?: JobRecord | undefined;
  readonly after?: JobRecord | undefined;
}

/** One submission as its user knows it; repeats of a jobId share one. */
export interface Submission {
  readonly jobId: string;
  readonly codes: Set<string>;
  readonly hasKey: boolean;
}

/** A node that was not itself for a while. */
export interface Incident {
  readonly kind:
    | 'freeze'
    | 'disconnect'
    | 'cut'
    | 'partition'
    | 'store-cut'
    | 'registry-wipe'
    | 'clog'
    | 'network-down'
    | 'trackers-crash'
    | 'store-down'
    | 'leases-down'
    | 'store-clock-set'
    | 'crash'
    | 'stop'
    | 'wall-jump';
  readonly node: string;
  readonly from: number;
  to: number;
  /** Of a wall clock. */
  jumpMs?: number;
}

export class Ledger {
  /** By jobId, of what the store holds now. */
  readonly stored = new Map<string, JobRecord>();
  private readonly instanceIds = new Map<string, string[]>();
  private readonly held = new Map<string, Set<string>>();
  readonly steps = new Map<string, Step[]>();
  readonly stepsOfRun = new Map<string, Step[]>();
  readonly runs = new Map<string, RunSeen[]>();
  readonly submissions = new Map<string, Submission>();
  readonly feedback = new Map<string, string[]>();
  readonly incidents: Incident[] = [];
  /** Sent instant of the last request of a session that was answered `ok`. */
  readonly sessionOkAt = new Map<string, number>();
  readonly revsSeen = new Map<string, { readonly rev: number; readonly answeredAt: number }>();
  /** jobId of a replacing submission -> the job that it replaced in place. */
  readonly aliases = new Map<string, string>();
  /** No message is lost or late in this world. */
  isNetworkSound = false;
  /** The job store refuses nothing and is never slow. */
  isStoreSound = false;
  /** The FailStores are never slow. */
  areFailStoresQuick = false;
  /** Waiting instances whose schedule was cancelled, suspended or changed at that moment: they are to be withdrawn. */
  readonly doomed = new Map<string, number>();
  readonly violations: string[] = [];
  readonly counts: Record<string, number> = {};

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** Violations that contain one of these are passed over: to look behind a known bug, never to pass a check. */
  constructor(private readonly ignored: readonly string[] = []) {}

  violate(rule: string, text: string): void {
    const violation = `${rule}: ${text}`;
    if (!this.ignored.some((part) => violation.includes(part))) this.violations.push(violation);
  }

  stepsOf(jobId: string): Step[] {
    return listOf(this.steps, jobId);
  }

  runsOf(jobId: string): RunSeen[] {
    return listOf(this.runs, jobId);
  }

  /** The one handler call of a run. */
  run(jobId: string, runId: string): RunSeen | undefined {
    return this.runs.get(jobId)?.find((run) => run.runId === runId);
  }

  /** The node was asked to stop at some time since `from`: what it could not report in time goes back. */
  wasStopped(node: string, from: number): boolean {
    return this.incidents.some((incident) => incident.kind === 'stop' && incident.node === node && incident.to >= from);
  }

  /** Notes a commit: what the store holds from now on, and who holds which run. */
  commit(jobId: string, { before, after }: Pick<Step, 'before' | 'after'>): void {
    const scheduleId = before ? undefined : after?.body.origin?.scheduleId;
    if (scheduleId !== undefined) listOf(this.instanceIds, scheduleId).push(jobId);
    if (before?.status.session !== undefined) this.held.get(before.status.session)?.delete(jobId);
    if (after?.status.session !== undefined) this.heldBy(after.status.session).add(jobId);
    if (after) this.stored.set(jobId, after);
    else this.stored.delete(jobId);
    for (const alias of after?.status.aliases ?? []) this.aliases.set(alias, jobId);
  }

  /** The jobs whose current run a session has. */
  heldBy(session: string): Set<string> {
    const known = this.held.get(session);
    if (known) return known;
    const held = new Set<string>();
    this.held.set(session, held);
    return held;
  }

  /** Every instance that a schedule ever had, in the order of their insertion, as it is now or was at last. */
  instances(scheduleId: string): JobRecord[] {
    return listOf(this.instanceIds, scheduleId).flatMap((jobId) => {
      const last = this.stepsOf(jobId).at(-1);
      return last?.after ?? last?.before ?? [];
    });
  }
}

export const runKey = (jobId: string, runId: string): string => `${jobId}/${runId}`;

export function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  const known = map.get(key);
  if (known) return known;
  const list: T[] = [];
  map.set(key, list);
  return list;
}
