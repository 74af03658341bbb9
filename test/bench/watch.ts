/** Looks on at an embedded cluster from inside its process: what it writes, what it sends, and when jobs are claimed and ended. */
import { resolve } from 'node:path';
import type { LmdbEnvironment } from '../../src/adapters/lmdb/environment.js';
import { storeChoiceOf } from '../../src/boot/node-options.js';
import { EmbeddedCluster } from '../../src/boot/places/embedded-place.js';
import { isEnded, type JobRecord } from '../../src/job/job.js';
import { Deferred } from '../../src/kit/deferred.js';
import type { AddOutcome, Change, ClaimOutcome, ClaimRequest, JobQueue } from '../../src/ports/job-queue.js';
import type { Log } from '../../src/ports/log.js';
import type { Transport } from '../../src/ports/transport.js';

/** Totals since the watch began. */
export interface Totals {
  /** Stores of a job's status: insert, claim, settle. */
  readonly recordWrites: number;
  /** Puts and deletes of keys of the job store, its indexes, counts and job logs included. */
  readonly keyOps: number;
  /** Point reads of keys; entries met in a scan are not counted. */
  readonly keyReads: number;
  readonly commits: number;
  /** Requests and publications of all nodes. */
  readonly messages: number;
  /** Jobs whose end is committed. */
  readonly ended: number;
}

/** Warnings and errors go to standard error: standard output is for the results. */
export const quietLog: Log = {
  debug() {},
  info() {},
  warn: (...line) => console.error(...line),
  error: (...line) => console.error(...line),
};

export class Watch {
  /** When a job's claim and end were committed, by the monotonic clock, in ms. */
  readonly claimedAt = new Map<string, number>();
  readonly endedAt = new Map<string, number>();
  private environment: LmdbEnvironment | undefined;
  private recordWrites = 0;
  private messages = 0;
  private ended = 0;
  private awaited: { readonly ended: number; readonly reached: Deferred<void> } | undefined;

  private constructor(private readonly cluster: EmbeddedCluster) {}

  /** To be called before any node starts on this data path; what starts there later in this process is looked at. */
  static async enter(dataPath: string): Promise<Watch> {
    const cluster = await EmbeddedCluster.enter({
      path: resolve(dataPath),
      choice: storeChoiceOf({}),
      cluster: 'lts',
      log: quietLog,
    });
    const watch = new Watch(cluster);
    watch.lookAtStores();
    watch.lookAtMessages();
    return watch;
  }

  leave(): Promise<void> {
    return this.cluster.leave();
  }

  totals(): Totals {
    const { puts = 0, deletes = 0, gets = 0, commits = 0 } = this.environment?.counters ?? {};
    const { recordWrites, messages, ended } = this;
    return { recordWrites, keyOps: puts + deletes, keyReads: gets, commits, messages, ended };
  }

  /** Resolves once so many jobs have ended since the watch began. One caller at a time. */
  async untilEnded(ended: number): Promise<void> {
    if (this.ended >= ended) return;
    this.awaited = { ended, reached: new Deferred() };
    await this.awaited.reached.promise;
  }

  /** Of every job ended since the last `forgetTimes`, in ms. */
  claimToEnd(): number[] {
    return [...this.endedAt].map(([jobId, at]) => at - (this.claimedAt.get(jobId) ?? at));
  }

  /** The times of single jobs so far are of no more use. */
  forgetTimes(): void {
    this.claimedAt.clear();
    this.endedAt.clear();
  }

  private lookAtStores(): void {
    const { cluster } = this;
    const open = cluster.openStores.bind(cluster);
    cluster.openStores = async (request) => {
      const stores = await open(request);
      this.environment = stores.environment;
      return { ...stores, queue: this.watched(stores.queue) };
    };
  }

  private lookAtMessages(): void {
    const { network } = this.cluster;
    const make = network.transport.bind(network);
    network.transport = () => this.counted(make());
  }

  private counted(transport: Transport): Transport {
    return {
      request: (subject, message, options) => {
        this.messages++;
        return transport.request(subject, message, options);
      },
      publish: (subject, message) => {
        this.messages++;
        transport.publish(subject, message);
      },
      subscribe: (subject, handler, options) => transport.subscribe(subject, handler, options),
      isUp: () => transport.isUp(),
      close: () => transport.close(),
    };
  }

  /** The same queue; the three verbs that write jobs tell what they wrote. */
  private watched(queue: JobQueue): JobQueue {
    const looking: Pick<JobQueue, 'add' | 'claim' | 'update'> = {
      add: async (records: readonly JobRecord[]) => {
        const outcomes = await queue.add(records);
        this.saw(outcomes.filter(isAdded).map(({ record }) => record));
        return outcomes;
      },
      claim: async (request: ClaimRequest): Promise<ClaimOutcome> => {
        const outcome = await queue.claim(request);
        this.saw(outcome.claimed);
        this.saw(outcome.expired);
        return outcome;
      },
      update: async (changes: readonly Change[]) => {
        const records = await queue.update(changes);
        this.saw(records.filter((record) => record !== undefined));
        return records;
      },
    };
    return Object.assign(Object.create(queue) as JobQueue, looking);
  }

  private saw(records: readonly JobRecord[]): void {
    const at = performance.now();
    this.recordWrites += records.length;
    for (const { jobId, status } of records) {
      if (status.state === 'executing') this.claimedAt.set(jobId, at);
      if (!isEnded(status.state)) continue;
      this.endedAt.set(jobId, at);
      this.ended++;
    }
    if (this.awaited && this.ended >= this.awaited.ended) this.awaited.reached.resolve();
  }
}

const isAdded = ({ kind }: AddOutcome): boolean => kind === 'added';
