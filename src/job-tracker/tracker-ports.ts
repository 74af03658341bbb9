/** What the steps of a JobTracker are given, and the settings they share. */

import type { Chance } from '../ports/chance.js';
import type { Clock } from '../ports/clock.js';
import type { Ids } from '../ports/ids.js';
import type { JobLogger } from '../ports/job-logger.js';
import type { JobQueue } from '../ports/job-queue.js';
import type { Leases } from '../ports/leases.js';
import type { Log } from '../ports/log.js';
import type { OldDataHandler } from '../ports/old-data.js';
import type { Transport } from '../ports/transport.js';
import { limits } from '../protocol/limits.js';
import { type Subjects, subjectsOf } from '../protocol/subjects.js';

export interface TrackerPorts {
  readonly queue: JobQueue;
  readonly logger: JobLogger;
  readonly leases: Leases;
  /** The JobTrackers on the same store. Absent where it can have one only: then this one knows of every write. */
  readonly peers?: Peers | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
  readonly log: Log;
  /** Decides about feedback that was owed too long. Default: after 7 days it is dropped. */
  readonly oldDataHandler?: OldDataHandler | undefined;
}

/** What the registry says; it may be behind the times, which costs duplicate work or a delay. */
export interface Peers {
  /** True while this tracker is surely the master of the trackers. */
  isMaster(): boolean;
  /** Identities of the trackers that are up, this one included. */
  trackers(): readonly string[];
}

export interface TrackerSettings {
  readonly cluster: string;
  /** Of its own among the trackers of the cluster. Default 'tracker'. */
  readonly identity?: string | undefined;
  /** For jobs that do not name their own: LTS's job.max.retry.times. Default 10. */
  readonly maxRetryTimes?: number | undefined;
  /** For jobs that do not name their own: LTS's jobtracker.job.retry.interval.millis. Default 30,000. */
  readonly retryIntervalMs?: number | undefined;
  /** A session's right to run, in ms. Default 30,000. */
  readonly leaseMs?: number | undefined;
  /** Ended jobs are kept this long, in ms. Default 7 days. */
  readonly keepEndedMs?: number | undefined;
  /** Most ended jobs kept. Default 1,000,000. */
  readonly keepEndedMax?: number | undefined;
  /** Zone of cron expressions that name none. Default: the zone of the tracker's process. */
  readonly timeZone?: string | undefined;
}

/** Every setting has a value. */
export type FullSettings = { readonly [Key in keyof TrackerSettings]-?: NonNullable<TrackerSettings[Key]> };

/** Ports, settings with their defaults, and subjects: what a step's constructor takes first. */
export interface TrackerParts {
  readonly ports: TrackerPorts;
  /** Of a tracker that has its store for itself: none but itself, and master. */
  readonly peers: Peers;
  /** No other tracker writes to the store. */
  readonly isAlone: boolean;
  readonly settings: FullSettings;
  readonly subjects: Subjects;
}

const day = 86_400_000;

export function partsOf(ports: TrackerPorts, given: TrackerSettings): TrackerParts {
  const settings = withDefaults(given);
  const peers = ports.peers ?? { isMaster: () => true, trackers: () => [settings.identity] };
  return { ports, settings, subjects: subjectsOf(settings.cluster), peers, isAlone: ports.peers === undefined };
}

function withDefaults(settings: TrackerSettings): FullSettings {
  return {
    identity: settings.identity ?? 'tracker',
    cluster: settings.cluster,
    maxRetryTimes: settings.maxRetryTimes ?? 10,
    retryIntervalMs: settings.retryIntervalMs ?? 30_000,
    leaseMs: settings.leaseMs ?? limits.leaseMs,
    keepEndedMs: settings.keepEndedMs ?? 7 * day,
    keepEndedMax: settings.keepEndedMax ?? 1_000_000,
    timeZone: settings.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
