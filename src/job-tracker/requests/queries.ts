/** Queries: what is known of a job, now or as soon as it changes. */
import { LtsError } from '../../errors.js';
import { type JobRecord, recordBytes } from '../../job/job.js';
import type { ListRequest } from '../../job/listing.js';
import { type JobLogLine, shownRun } from '../../job/log-line.js';
import { isJobId } from '../../job/validate.js';
import { Deferred } from '../../kit/deferred.js';
import { shown, textOf } from '../../kit/shown.js';
import { wireBytes } from '../../kit/wire-bytes.js';
import type { JobQueue } from '../../ports/job-queue.js';
import { limits } from '../../protocol/limits.js';
import type { BodyOf, JobKey, Progress, ReplyOf } from '../../protocol/messages.js';
import type { WriteObserver } from '../records/writes.js';
import type { TrackerParts } from '../tracker-ports.js';

const waitersMax = 50_000;
const waitMsMax = 30_000;
const pageMax = 1_000;
const followedMax = 1_000;
/** How often a waiter looks for itself: another tracker's hint may be lost. */
const lookAgainMs = 1_000;

/** The record of this key. Throws LTS_JOB_NOT_FOUND, naming it. */
export async function findJob(queue: JobQueue, key: JobKey): Promise<JobRecord> {
  const record = await lookUp(queue, key);
  if (record) return record;
  const name =
    'jobId' in key
      ? `Job ${named(key.jobId)} is`
      : `An open job with taskId ${named(key.taskId)} in group ${named(key.nodeGroup)} is`;
  throw new LtsError('LTS_JOB_NOT_FOUND', `${name} not known. An ended job is removed after its retention time.`);
}

/** What cannot be an id or a key is not known; the store is not asked. */
async function lookUp(queue: JobQueue, key: JobKey): Promise<JobRecord | undefined> {
  if ('jobId' in key) return isJobId(key.jobId) ? (await queue.get([key.jobId]))[0] : undefined;
  const isKey = isJobId(key.nodeGroup) && typeof key.taskId === 'string' && key.taskId.length <= limits.nameCharsMax;
  return isKey ? queue.findOpen(key.nodeGroup, key.taskId) : undefined;
}

const named = (id: unknown): string => textOf(id).slice(0, 80);

function checkList({ states, nodeGroup, taskId, cursor, limit }: ListRequest): void {
  const wrong =
    (states !== undefined &&
      !Array.isArray(states) &&
      `states: ${shown(states)} is not a list; write ['waiting'] for one`) ||
    (nodeGroup !== undefined && !isJobId(nodeGroup) && `nodeGroup: ${shown(nodeGroup)} is not a name`) ||
    (taskId !== undefined && typeof taskId !== 'string' && `taskId: ${shown(taskId)} is not a text`) ||
    (cursor !== undefined && typeof cursor !== 'string' && `cursor: ${shown(cursor)} is not a text`) ||
    (!Number.isInteger(limit) && `limit: ${shown(limit)} is not a whole number`);
  if (wrong) throw new LtsError('LTS_MESSAGE_INVALID', `${wrong}. Correct it and ask again.`);
}

/** A page that one message can carry: read again with a smaller limit while it is too large. */
async function fitting<Page>(
  limit: number,
  read: (limit: number) => Promise<Page>,
  bytesOf: (page: Page) => number,
): Promise<{ readonly page: Page; readonly isCut: boolean }> {
  for (let most = limit; ; ) {
    const page = await read(most);
    const bytes = bytesOf(page);
    if (bytes <= limits.batchBytesMax || most === 1) return { page, isCut: most < limit };
    most = Math.max(1, Math.floor((most * limits.batchBytesMax) / bytes));
  }
}

const shownJob = (record: JobRecord): JobRecord =>
  record.status.runId === undefined
    ? record
    : { ...record, status: { ...record.status, runId: shownRun(record.status.runId) } };

interface Waiter {
  readonly afterRev: number;
  readonly isLogWanted: boolean;
  readonly woken: Deferred<void>;
}

export class Queries implements WriteObserver {
  private readonly waiters = new Map<string, Set<Waiter>>();
  private waiting = 0;
  /** Only of jobs that somebody follows, or has just followed and will ask for again; the newest of each. */
  private readonly progress = new Map<string, Progress>();
  private readonly followed = new Set<string>();

  constructor(private readonly parts: Pick<TrackerParts, 'ports' | 'isAlone'>) {}

  async get(key: JobKey): Promise<ReplyOf<'GetJob'>> {
    try {
      return { job: shownJob(await findJob(this.parts.ports.queue, key)) };
    } catch (error) {
      if (LtsError.is(error, 'LTS_JOB_NOT_FOUND')) return {};
      throw error;
    }
  }

  async list(request: BodyOf<'ListJobs'>): Promise<ReplyOf<'ListJobs'>> {
    checkList(request);
    const { page } = await fitting(
      Math.max(1, Math.min(request.limit, pageMax)),
      (limit) => this.parts.ports.queue.list({ ...request, limit }),
      ({ records }) => records.reduce((sum, record) => sum + recordBytes(record), 0),
    );
    return { ...page, records: page.records.map(shownJob) };
  }

  async count(): Promise<ReplyOf<'CountJobs'>> {
    return { counts: await this.parts.ports.queue.count() };
  }

  async readLog({ jobId, cursor, limit }: BodyOf<'ReadLog'>): Promise<ReplyOf<'ReadLog'>> {
    if (!isJobId(jobId)) throw new LtsError('LTS_JOB_NOT_FOUND', `${shown(jobId)} is not a jobId.`);
    const { page, isCut } = await fitting(
      Math.max(1, Math.min(limit, pageMax)),
      (most) => this.parts.ports.logger.read(jobId, { cursor, limit: most }),
      ({ lines }) => lines.reduce((sum, { text }) => sum + 256 + wireBytes(text), 0),
    );
    return isCut ? { ...page, hasMore: true } : page;
  }

  private newsOf(job: JobRecord): ReplyOf<'AwaitJob'> {
    const progress = this.progress.get(job.jobId);
    return { job: shownJob(job), progress: progress && { ...progress, runId: shownRun(progress.runId) } };
  }

  /** A long poll: the present state once its rev is greater, or when the wait is over. */
  async await({ jobId, afterRev, waitMs, isLogWanted, cursor }: BodyOf<'AwaitJob'>): Promise<ReplyOf<'AwaitJob'>> {
    const waiter = this.register(jobId, { afterRev, isLogWanted, woken: new Deferred() });
    const over = new AbortController();
    try {
      const job = await this.newer(jobId, afterRev);
      if (job) return this.newsOf(job);
      // Lines that came between the caller's last look and this one: nobody will wake it for them any more.
      if (isLogWanted && (await this.readLog({ jobId, cursor, limit: 1 })).lines.length > 0) return {};
      const untilMono = this.parts.ports.clock.monoMs() + Math.min(Math.max(0, waitMs), waitMsMax);
      for (;;) {
        const isOver = await this.rest(waiter, untilMono, over.signal);
        const [now] = await this.parts.ports.queue.get([jobId]);
        if (isOver || (now?.status.rev ?? 0) > afterRev) return now ? this.newsOf(now) : {};
        if (isLogWanted && (await this.readLog({ jobId, cursor, limit: 1 })).lines.length > 0) return {};
      }
    } finally {
      over.abort(over);
      this.unregister(jobId, waiter);
    }
  }

  /** True when the waiter was woken or its time is up, and not only to look for itself what another tracker has done. */
  private async rest(waiter: Waiter, untilMono: number, over: AbortSignal): Promise<boolean> {
    const { clock } = this.parts.ports;
    const leftMs = untilMono - clock.monoMs();
    const restMs = this.parts.isAlone ? leftMs : Math.min(leftMs, lookAgainMs);
    const isWoken = waiter.woken.promise.then(() => true);
    return Promise.race([isWoken, clock.sleep(restMs, over).then(() => restMs >= leftMs)]);
  }

  /** Another tracker changed these jobs. */
  hear(jobIds: readonly string[]): void {
    if (this.waiting === 0) return;
    for (const jobId of jobIds) for (const waiter of this.waiters.get(jobId) ?? []) waiter.woken.resolve();
  }

  written({ jobId, status }: JobRecord): void {
    if (this.waiting === 0) return;
    for (const waiter of this.waiters.get(jobId) ?? []) if (status.rev > waiter.afterRev) waiter.woken.resolve();
  }

  /** Kept and passed on only while somebody follows the job. */
  noteProgress(progress: readonly Progress[]): void {
    for (const one of progress) {
      const waiters = this.waiters.get(one.jobId);
      if (!waiters && !this.followed.has(one.jobId)) continue;
      this.progress.set(one.jobId, one);
      for (const waiter of waiters ?? []) waiter.woken.resolve();
    }
  }

  /** Wakes those who follow the lines of these jobs. */
  noteLines(lines: readonly JobLogLine[]): void {
    if (this.waiting === 0) return;
    for (const { jobId } of lines) {
      for (const waiter of this.waiters.get(jobId) ?? []) if (waiter.isLogWanted) waiter.woken.resolve();
    }
  }

  /** Ends every long poll. */
  stop(): void {
    for (const waiters of this.waiters.values()) for (const waiter of waiters) waiter.woken.resolve();
  }

  private async newer(jobId: string, afterRev: number): Promise<JobRecord | undefined> {
    const job = await findJob(this.parts.ports.queue, { jobId });
    return job.status.rev > afterRev ? job : undefined;
  }

  /** Before the first look, so that no change falls between the look and the wait. */
  private register(jobId: string, waiter: Waiter): Waiter {
    if (this.waiting >= waitersMax) {
      throw new LtsError(
        'LTS_BUSY',
        `${waitersMax} callers wait for jobs at this JobTracker, which is the bound. Try again in a second.`,
      );
    }
    const waiters = this.waiters.get(jobId) ?? new Set();
    this.waiters.set(jobId, waiters.add(waiter));
    this.waiting++;
    return waiter;
  }

  private unregister(jobId: string, waiter: Waiter): void {
    const waiters = this.waiters.get(jobId);
    if (!waiters?.delete(waiter)) return;
    this.waiting--;
    if (waiter.isLogWanted) this.remember(jobId);
    if (waiters.size > 0) return;
    this.waiters.delete(jobId);
    if (!this.followed.has(jobId)) this.progress.delete(jobId);
  }

  /** Between two polls of a follower nobody waits; what comes then is told with the next one. */
  private remember(jobId: string): void {
    this.followed.delete(jobId);
    this.followed.add(jobId);
    const [oldest] = this.followed;
    if (this.followed.size <= followedMax || oldest === undefined) return;
    this.followed.delete(oldest);
    this.progress.delete(oldest);
  }
}
