/** What the parts of a TaskTracker are given, and the settings they share. */

import type { LogLevel } from '../job/log-line.js';
import type { Chance } from '../ports/chance.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { FailStore } from '../ports/fail-store.js';
import type { Ids } from '../ports/ids.js';
import type { Log } from '../ports/log.js';
import type { OldDataHandler } from '../ports/old-data.js';
import type { Runners } from '../ports/runners.js';
import type { Transport } from '../ports/transport.js';
import type { Subjects } from '../protocol/subjects.js';

export interface WorkerPorts {
  readonly transport: Transport;
  readonly failStore: FailStore;
  readonly runners: Runners;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
  readonly log: Log;
  /** Decides about kept results and log lines that have waited too long. Default: all are sent. */
  readonly oldDataHandler?: OldDataHandler | undefined;
}

export interface WorkerSettings {
  readonly cluster: string;
  readonly identity: string;
  readonly nodeGroup: string;
  /** Most runs at a time. Default 64. */
  readonly workThreads?: number;
  /** What runs do when the node's lease could not be renewed in time; a job's own value wins. Default 'abort'. */
  readonly leaseLost?: 'abort' | 'continue';
  /** An aborted run that does not return within this time is given up. In ms, default 5,000. */
  readonly abortGraceMs?: number;
  /** Lines below this level are not kept. Default 'INFO'. */
  readonly bizLoggerLevel?: LogLevel;
  /** A session's right to run, in ms; the same at the JobTracker. Default 30,000. */
  readonly leaseMs?: number;
}

export interface WorkerParts {
  readonly ports: WorkerPorts;
  readonly settings: Required<WorkerSettings>;
  readonly subjects: Subjects;
}
