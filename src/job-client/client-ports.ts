/** What the parts of a JobClient are given, and the settings they share. */
import type { JobResult } from '../job/result.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { FailStore } from '../ports/fail-store.js';
import type { Ids } from '../ports/ids.js';
import type { Log } from '../ports/log.js';
import type { OldDataHandler } from '../ports/old-data.js';
import type { Transport } from '../ports/transport.js';
import type { Subjects } from '../protocol/subjects.js';

export interface ClientPorts {
  readonly transport: Transport;
  readonly failStore: FailStore;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Decides about kept submissions that have waited too long. Default: all are sent. */
  readonly oldDataHandler?: OldDataHandler | undefined;
}

export interface ClientSettings {
  readonly cluster: string;
  readonly identity: string;
  /** Results of this group's jobs come to its clients. */
  readonly nodeGroup: string;
  /** Group for jobs that name none. Default 'lts'. */
  readonly defaultNodeGroup?: string;
  /** A submission that no tracker answers goes to the FailStore and is sent later. Default true, as in LTS. */
  readonly useRetryClient?: boolean;
  /** A submit settles within this time. In ms, default 5,000. */
  readonly submitWithinMs?: number;
  /** Hears of ended jobs of this group. */
  readonly onComplete?: ((results: JobResult[]) => unknown) | undefined;
}

export interface ClientParts {
  readonly ports: ClientPorts;
  readonly settings: Required<ClientSettings>;
  readonly subjects: Subjects;
}
