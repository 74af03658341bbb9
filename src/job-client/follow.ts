/** Follow: waits for a job's end or tells its changes, as long polls by (jobId, rev); every wait has a deadline. */
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import { isEnded } from '../job/job.js';
import { type Duration, durationMs } from '../kit/duration.js';
import { ask } from '../cluster/ask.js';
import type { Progress, ReplyOf } from '../protocol/messages.js';
import type { ClientParts } from './client-ports.js';

export interface FollowOptions {
  /** Default 5 minutes. */
  readonly timeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type JobEvent =
  | { readonly kind: 'state'; readonly job: JobRecord }
  | { readonly kind: 'progress'; readonly percent: number; readonly text?: string | undefined };

const pollMs = 20_000;
const answerMarginMs = 5_000;
const againAfterMs = 500;
const defaultTimeout = '5m';

export class Follow {
  private readonly stopping = new AbortController();

  constructor(private readonly parts: ClientParts) {}

  /** Every open wait ends with LTS_NOT_STARTED. */
  stop(): void {
    this.stopping.abort();
  }

  /**
   * The job's result value once it succeeded. Throws LTS_JOB_FAILED when it ended otherwise, LTS_TIMEOUT, LTS_ABORTED,
   * LTS_JOB_NOT_FOUND.
   */
  async result(jobId: string, options: FollowOptions = {}): Promise<unknown> {
    for await (const event of this.events(jobId, options)) {
      if (event.kind === 'state' && isEnded(event.job.status.state)) return this.valueOf(event.job);
    }
    throw new LtsError('LTS_JOB_NOT_FOUND', `Job ${jobId} is not known any more.`);
  }

  /** The present state, then every change and progress until the job has ended; states between two polls may be merged. */
  async *events(jobId: string, options: FollowOptions = {}): AsyncGenerator<JobEvent, void, void> {
    const untilMono = this.parts.ports.clock.monoMs() + durationMs(options.timeout ?? defaultTimeout, 'timeout');
    let afterRev = 0;
    let told: Progress | undefined;
    for (;;) {
      const { job, progress } = await this.poll({ jobId, afterRev, untilMono }, options.signal);
      if (progress && !isSame(progress, told)) {
        told = progress;
        yield { kind: 'progress', percent: progress.percent, text: progress.text };
      }
      if (!job || job.status.rev <= afterRev) continue;
      afterRev = job.status.rev;
      yield { kind: 'state', job };
      if (isEnded(job.status.state)) return;
    }
  }

  private async poll(
    wanted: { jobId: string; afterRev: number; untilMono: number },
    signal: AbortSignal | undefined,
  ): Promise<ReplyOf<'AwaitJob'>> {
    const { jobId, afterRev, untilMono } = wanted;
    const { clock, transport } = this.parts.ports;
    const leftMs = untilMono - clock.monoMs();
    this.check(jobId, leftMs, signal);
    const waitMs = Math.min(pollMs, leftMs);
    const merged = signal ? AbortSignal.any([signal, this.stopping.signal]) : this.stopping.signal;
    const to = { subject: this.parts.subjects.tracker, deadlineMs: waitMs + answerMarginMs, signal: merged };
    try {
      return await ask(transport, to, { kind: 'AwaitJob', body: { jobId, afterRev, waitMs } });
    } catch (error) {
      if (!LtsError.is(error) || !error.isRetryable) throw error;
      await clock.sleep(Math.min(againAfterMs, Math.max(0, leftMs)), merged);
      return {};
    }
  }

  private check(jobId: string, leftMs: number, signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new LtsError('LTS_ABORTED', `Waiting for job ${jobId} was given up by the caller; the job goes on.`);
    if (this.stopping.signal.aborted) throw new LtsError('LTS_NOT_STARTED', `The JobClient stopped while job ${jobId} was followed.`);
    if (leftMs <= 0) throw new LtsError('LTS_TIMEOUT', `Job ${jobId} did not end in time; it goes on. Ask again, or explain it.`);
  }

  private valueOf({ jobId, status }: JobRecord): unknown {
    if (status.state === 'succeeded') return status.result === undefined ? undefined : this.parts.ports.codec.decode(status.result);
    const why = [status.reason && `(${status.reason})`, status.message].filter(Boolean).join(' ');
    throw new LtsError('LTS_JOB_FAILED', `Job ${jobId} ended as ${status.state} ${why}`.trim());
  }
}

const isSame = (a: Progress, b: Progress | undefined): boolean =>
  a.percent === b?.percent && a.text === b.text && a.runId === b.runId;
