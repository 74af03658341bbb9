/**
 * Report: brings outcomes to the tracker in batches and keeps each one until a tracker acknowledged it after its commit: in
 * memory, and in the FailStore when no answer came for 200 ms. A report may arrive twice; the tracker counts it once.
 */

import { ask } from '../cluster/ask.js';
import { type Refusals, Replay, refusalsOf } from '../cluster/replay.js';
import { until } from '../cluster/within.js';
import { LtsError } from '../errors.js';
import { Batcher } from '../kit/batcher.js';
import { wireBytes } from '../kit/wire-bytes.js';
import { limits } from '../protocol/limits.js';
import type { PullAnswer, ReportAnswer, RunReport } from '../protocol/messages.js';
import type { WorkerParts } from './worker-ports.js';

const answerWithinMs = 5_000;
const keepAfterMs = 200;
const againAfterMs = 500;
const replayEveryMs = 30_000;
/** A disk takes the results of all slots within this time. */
const keptWithinMs = 10_000;

/** Free slots of a session; none of no session while it has none. */
export interface SlotOffer {
  readonly session: string;
  readonly slots: number;
}

const noOffer: SlotOffer = { session: '', slots: 0 };

/** `kept`: no tracker answered before the stop; it lies in the FailStore and is sent by the next process. */
export type Reported = 'acknowledged' | 'kept';

export interface ReportParts {
  /** What to offer with the next report; `answered` takes it back with what the tracker said. */
  readonly offerSlots: (runs: number) => SlotOffer;
  readonly answered: (offer: SlotOffer, answer: PullAnswer) => void;
  /** The subject of the tracker that serves the session. */
  readonly tracker: () => string;
  /** Nobody listens there any more. */
  readonly onGone: () => void;
}

export class Report {
  private readonly batcher: Batcher<RunReport, Reported>;
  private readonly replay: Replay<RunReport>;
  private readonly stopping = new AbortController();

  constructor(
    private readonly parts: WorkerParts,
    private readonly own: ReportParts,
  ) {
    const { clock, log, failStore, oldDataHandler } = parts.ports;
    this.batcher = new Batcher({
      name: 'reports of runs',
      batchItemsMax: limits.batchJobsMax,
      batchSizeMax: limits.batchBytesMax,
      sizeOf: sizeOfReport,
      // Bounded by the slots: a slot is offered again only with its report's answer.
      queuedItemsMax: Number.POSITIVE_INFINITY,
      flightsMax: 2,
      endOfTurn: () => clock.endOfTurn(),
      send: (reports) => this.send(reports),
    });
    const send = (reports: readonly RunReport[]) => this.sendKept(reports);
    const everyMs = replayEveryMs;
    this.replay = new Replay({ topic: 'results', failStore, clock, log, everyMs, send, oldDataHandler });
  }

  /** Left-over results of an earlier process go first. */
  async start(): Promise<void> {
    await this.replay.drain();
    this.replay.start();
  }

  /** Resolves when a tracker acknowledged the report, or when it lies in the FailStore at stop. */
  add(report: RunReport): Promise<Reported> {
    return this.batcher.add(report);
  }

  /** What is not acknowledged by now goes to the FailStore. Waits for this machine only. */
  async stop(): Promise<void> {
    this.stopping.abort(this);
    await until(this.parts.ports.clock, keptWithinMs, () => !this.batcher.isBusy);
    await this.replay.stop();
  }

  private async send(reports: readonly RunReport[]): Promise<Reported[]> {
    const kept = new AbortController();
    const keeping = this.keepSoon(reports, kept.signal);
    let answers: readonly ReportAnswer[] | undefined;
    try {
      for (let tries = 0; ; tries++) {
        answers = await this.answersTo(reports, tries);
        if (answers) break;
        if (this.stopping.signal.aborted) {
          await this.keep(reports);
          return reports.map(() => 'kept');
        }
        await this.parts.ports.clock.sleep(againAfterMs, this.stopping.signal);
      }
    } finally {
      kept.abort(kept);
    }
    if (await keeping) await this.forget(reports);
    const unknown = reports.filter((_, i) => answers[i] === 'unknown');
    // The replay asks once more, and puts aside what nobody knows.
    if (unknown.length > 0) await this.keep(unknown);
    return reports.map(() => 'acknowledged');
  }

  /** A result that stays in the FailStore after its answer is sent again, which changes nothing. */
  private async forget(reports: readonly RunReport[]): Promise<void> {
    const { failStore, log } = this.parts.ports;
    await failStore
      .remove('results', reports.map(keyOf))
      .catch((error) => log.warn({ error }, 'acknowledged results stay in the FailStore'));
  }

  /** Any tracker takes a report; the one that serves the session also gives jobs for its slots, so that one is asked first. */
  private async answersTo(reports: readonly RunReport[], tries: number): Promise<readonly ReportAnswer[] | undefined> {
    const isOwn = tries === 0;
    const offer = isOwn ? this.own.offerSlots(reports.length) : noOffer;
    const subject = isOwn ? this.own.tracker() : this.parts.subjects.runs;
    let answer: PullAnswer = { answer: 'ok', jobs: [] };
    try {
      const reply = await this.ask(subject, reports, offer);
      answer = reply;
      return reply.answers;
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      if (isOwn && error.code === 'LTS_NO_TRACKER') this.own.onGone();
      return undefined;
    } finally {
      this.own.answered(offer, answer);
    }
  }

  private ask(subject: string, reports: readonly RunReport[], offer: SlotOffer) {
    const to = { subject, deadlineMs: answerWithinMs, signal: this.stopping.signal };
    return ask(this.parts.ports.transport, to, { kind: 'ReportRuns', body: { ...offer, reports } });
  }

  /** True when the reports were written to the FailStore because no answer came in time. */
  private async keepSoon(reports: readonly RunReport[], answered: AbortSignal): Promise<boolean> {
    await this.parts.ports.clock.sleep(keepAfterMs, answered);
    if (answered.aborted) return false;
    await this.keep(reports);
    return true;
  }

  private async keep(reports: readonly RunReport[]): Promise<void> {
    const { failStore, clock, log } = this.parts.ports;
    const at = clock.wallMs();
    const entries = reports.map((report) => ({
      topic: 'results' as const,
      key: keyOf(report),
      value: JSON.stringify(report),
      at,
    }));
    await failStore
      .put(entries)
      .catch((error) => log.error({ results: reports.length, error }, 'results are kept in memory only'));
  }

  /** Kept results offer no slots: their session may be gone. */
  private async sendKept(reports: readonly RunReport[]): Promise<Refusals> {
    const { answers } = await this.ask(this.parts.subjects.runs, reports, noOffer);
    return refusalsOf(answers);
  }
}

const keyOf = ({ jobId, runId }: RunReport): string => `${jobId}/${runId}`;

const sizeOfReport = ({ outcome }: RunReport): number =>
  256 + wireBytes(outcome.message ?? '') + (outcome.kind === 'success' ? wireBytes(outcome.result ?? '') : 0);
