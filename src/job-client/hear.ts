/**
 * Hear: hands the results of ended jobs to the completed handler.
 *
 *   JobsFinished -> received, at once -> handler -> JobsTold
 *
 * A tracker that hears nothing of a handler within 30 s sends the same results again, here or to another client of the group.
 */

import { ask } from '../cluster/ask.js';
import { until } from '../cluster/within.js';
import type { JobResult } from '../job/result.js';
import type { BodyOf, FinishedJob, ReplyOf } from '../protocol/messages.js';
import type { ClientParts } from './client-ports.js';

/** As long as a tracker waits for JobsTold: after that the same results are handed over again. */
const handlerMs = 30_000;
const answerWithinMs = 5_000;
/** A handler that hangs must not hold the stop of its client. */
const stopMsMax = 2_000;

export class Hear {
  /** Jobs that the handler has and that were not told yet, with the end of their time, earliest first. */
  private readonly handled = new Map<string, number>();

  constructor(private readonly parts: ClientParts) {}

  async hear({ tracker, results }: BodyOf<'JobsFinished'>): Promise<ReplyOf<'JobsFinished'>> {
    this.forgetOverdue();
    const fresh = results.filter(({ jobId }) => !this.handled.has(jobId));
    if (fresh.length > 0) void this.handle(tracker, fresh);
    return { isReceived: true };
  }

  /** What the handler has is told first, if it ends soon. */
  stop(withinMs: number): Promise<void> {
    return until(this.parts.ports.clock, Math.min(stopMsMax, withinMs), () => this.handled.size === 0);
  }

  private async handle(tracker: string, results: readonly FinishedJob[]): Promise<void> {
    const untilMono = this.parts.ports.clock.monoMs() + handlerMs;
    const jobIds = results.map(({ jobId }) => jobId);
    for (const jobId of jobIds) this.handled.set(jobId, untilMono);
    // The answer leaves first: a handler may compute for longer than its tracker waits for that.
    await this.parts.ports.clock.endOfTurn();
    await this.complete(results);
    await this.tell(tracker, jobIds);
    // An entry of another time is of a later handing over.
    for (const jobId of jobIds) if (this.handled.get(jobId) === untilMono) this.handled.delete(jobId);
  }

  private forgetOverdue(): void {
    const now = this.parts.ports.clock.monoMs();
    for (const [jobId, untilMono] of this.handled) {
      if (untilMono > now) return;
      this.handled.delete(jobId);
    }
  }

  /** Told whatever the handler does: what it throws is its own affair, as in LTS, and is logged. */
  private async complete(results: readonly FinishedJob[]): Promise<void> {
    try {
      await this.parts.settings.onComplete?.(results.map((result) => this.resultOf(result)));
    } catch (error) {
      this.parts.ports.log.error(
        { jobs: results.length, error },
        'the completed handler failed; the results count as delivered',
      );
    }
  }

  /** To the tracker that sent them and waits; any other can note it as well. */
  private async tell(tracker: string, jobIds: readonly string[]): Promise<void> {
    const { subjects, ports } = this.parts;
    const tellAt = (subject: string) =>
      ask(ports.transport, { subject, deadlineMs: answerWithinMs }, { kind: 'JobsTold', body: { jobIds } });
    try {
      await tellAt(subjects.trackerOf(tracker)).catch(() => tellAt(subjects.tracker));
    } catch (error) {
      ports.log.debug({ jobs: jobIds.length, error }, 'no tracker heard that results were told; they come again');
    }
  }

  private resultOf({ result, ...rest }: FinishedJob): JobResult {
    return { ...rest, value: result === undefined ? undefined : this.valueOf(rest.jobId, result) };
  }

  /** What a worker in another language sent as a value may be no JSON; its neighbours reach the handler all the same. */
  private valueOf(jobId: string, result: string): unknown {
    try {
      return this.parts.ports.codec.decode(result);
    } catch (error) {
      this.parts.ports.log.warn(
        { jobId, error },
        'the value of an ended job cannot be read and is left out of its feedback',
      );
      return undefined;
    }
  }
}
