/** Follow: waits for a job's end or tells its changes, as long polls by (jobId, rev); every wait has a deadline. */

import { ask } from '../cluster/ask.js';
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import { isEnded } from '../job/job.js';
import type { JobLogLine } from '../job/log-line.js';
import { type Duration, durationMs } from '../kit/duration.js';
import type { Progress, ReplyOf } from '../protocol/messages.js';
import type { ClientParts } from './client-ports.js';

export interface FollowOptions {
  /** Default 5 minutes. */
  readonly timeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type JobEvent =
  | { readonly kind: 'log'; readonly line: JobLogLine }
  | { readonly kind: 'state'; readonly job: JobRecord }
  | { readonly kind: 'progress'; readonly percent: number; readonly text?: string | undefined };

interface Following {
  readonly jobId: string;
  readonly sinceMono: number;
  readonly untilMono: number;
  readonly controller: AbortController;
  readonly release: () => void;
}

/** How far a follower has come. */
interface Seen {
  readonly afterRev: number;
  readonly cursor?: string | undefined;
  readonly told?: Progress | undefined;
}

/**
 * A poll that waits at a tracker that dies is never answered, whoever else knows the job: it lasts as long again as was waited before,
 * within these bounds.
 */
const pollMs = { min: 2_000, max: 20_000 };
const linesPerEventMax = 1_000;
const answerMarginMs = 2_000;
const readWithinMs = 5_000;
const againAfterMs = 500;
const lateLinesMs = 250;
const defaultTimeout = '5m';

export class Follow {
  /** One for each caller that waits: a signal shared by thousands of waits would warn of a leak. */
  private readonly open = new Set<AbortController>();
  private isStopped = false;

  constructor(private readonly parts: ClientParts) {}

  /** Every open wait ends with LTS_NOT_STARTED. */
  stop(): void {
    this.isStopped = true;
    for (const controller of this.open) controller.abort(this);
  }

  /**
   * The job's result value once it succeeded. Throws LTS_JOB_FAILED when it ended otherwise, LTS_TIMEOUT, LTS_ABORTED,
   * LTS_JOB_NOT_FOUND.
   */
  async result(jobId: string, options: FollowOptions = {}): Promise<unknown> {
    const following = this.follow(jobId, options);
    let afterRev = 0;
    try {
      for (;;) {
        const { job } = await this.poll(following, { afterRev, isLogWanted: false });
        if (job && isEnded(job.status.state)) return this.valueOf(job);
        afterRev = job?.status.rev ?? afterRev;
      }
    } finally {
      this.unfollow(following);
    }
  }

  /**
   * The present state and the lines so far, then every change, progress and line until the job has ended; states between two
   * polls may be merged. Throws as `result` does, except LTS_JOB_FAILED.
   */
  async *events(jobId: string, options: FollowOptions = {}): AsyncGenerator<JobEvent, void, void> {
    const following = this.follow(jobId, options);
    let seen: Seen = { afterRev: 0 };
    try {
      for (;;) {
        const news = await this.newsOf(following, seen);
        yield* news.events;
        if (news.isOver) return;
        seen = news.seen;
      }
    } finally {
      this.unfollow(following);
    }
  }

  private async newsOf(following: Following, seen: Seen): Promise<{ events: JobEvent[]; seen: Seen; isOver: boolean }> {
    const { afterRev, cursor, told } = seen;
    const { job, progress } = await this.poll(following, { afterRev, isLogWanted: true, cursor });
    const log = await this.readLog(following, cursor);
    const at = log.cursor ?? cursor;
    // The rest of a long log first: nothing else is told before its time, the end of the job least of all.
    if (log.lines.length >= linesPerEventMax || log.hasMore)
      return { events: log.lines.map(eventOf), seen: { ...seen, cursor: at }, isOver: false };
    const isNewer = job !== undefined && job.status.rev > afterRev;
    const isOver = isNewer && isEnded(job.status.state);
    const late = isOver && at !== undefined ? await this.lateLines(following, at) : [];
    const events: JobEvent[] = [...log.lines, ...late].map(eventOf);
    if (progress && !isSame(progress, told))
      events.push({ kind: 'progress', percent: progress.percent, text: progress.text });
    if (isNewer) events.push({ kind: 'state', job });
    const next = { afterRev: isNewer ? job.status.rev : afterRev, cursor: at, told: progress ?? told };
    return { events, seen: next, isOver };
  }

  /** The lines of a run may come after its result; who wrote some may have written more. */
  private async lateLines(following: Following, cursor: string): Promise<readonly JobLogLine[]> {
    await this.parts.ports.clock.sleep(lateLinesMs, following.controller.signal);
    return (await this.readLog(following, cursor)).lines;
  }

  private follow(jobId: string, { timeout = defaultTimeout, signal }: FollowOptions): Following {
    const sinceMono = this.parts.ports.clock.monoMs();
    const untilMono = sinceMono + durationMs(timeout, 'timeout');
    const controller = new AbortController();
    const onAbort = () => controller.abort(this);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.open.add(controller);
    const release = () => signal?.removeEventListener('abort', onAbort);
    return { jobId, sinceMono, untilMono, controller, release };
  }

  private unfollow({ controller, release }: Following): void {
    this.open.delete(controller);
    release();
  }

  /** A log that cannot be read now is read with the next event. */
  private async readLog({ jobId, controller }: Following, cursor: string | undefined): Promise<ReplyOf<'ReadLog'>> {
    const to = { subject: this.parts.subjects.tracker, deadlineMs: readWithinMs };
    const body = { jobId, cursor, limit: linesPerEventMax };
    try {
      return await ask(this.parts.ports.transport, to, { kind: 'ReadLog', body });
    } catch (error) {
      if (!LtsError.is(error) || !error.isRetryable) throw error;
      await this.parts.ports.clock.sleep(againAfterMs, controller.signal);
      return { lines: [] };
    }
  }

  private async poll(
    following: Following,
    seen: { afterRev: number; isLogWanted: boolean; cursor?: string | undefined },
  ): Promise<ReplyOf<'AwaitJob'>> {
    const { jobId, sinceMono, untilMono, controller } = following;
    const { clock, transport } = this.parts.ports;
    const now = clock.monoMs();
    const leftMs = untilMono - now;
    this.check(jobId, leftMs, controller.signal);
    const waitMs = Math.min(leftMs, pollMs.max, Math.max(pollMs.min, now - sinceMono));
    const to = { subject: this.parts.subjects.tracker, deadlineMs: waitMs + answerMarginMs, signal: controller.signal };
    try {
      return await ask(transport, to, { kind: 'AwaitJob', body: { jobId, waitMs, ...seen } });
    } catch (error) {
      if (!LtsError.is(error) || !error.isRetryable) throw error;
      await clock.sleep(Math.min(againAfterMs, Math.max(0, leftMs)), controller.signal);
      return {};
    }
  }

  private check(jobId: string, leftMs: number, signal: AbortSignal): void {
    if (this.isStopped) throw new LtsError('LTS_NOT_STARTED', `The JobClient stopped while job ${jobId} was followed.`);
    if (signal.aborted)
      throw new LtsError('LTS_ABORTED', `Waiting for job ${jobId} was given up by the caller; the job goes on.`);
    if (leftMs <= 0)
      throw new LtsError('LTS_TIMEOUT', `Job ${jobId} did not end in time; it goes on. Ask again, or explain it.`);
  }

  private valueOf({ jobId, status }: JobRecord): unknown {
    if (status.state === 'succeeded')
      return status.result === undefined ? undefined : this.parts.ports.codec.decode(status.result);
    const why = [status.reason && `(${status.reason})`, status.message].filter(Boolean).join(' ');
    throw new LtsError('LTS_JOB_FAILED', `Job ${jobId} ended as ${status.state} ${why}`.trim());
  }
}

const eventOf = (line: JobLogLine): JobEvent => ({ kind: 'log', line });

const isSame = (a: Progress, b: Progress | undefined): boolean =>
  a.percent === b?.percent && a.text === b.text && a.runId === b.runId;
