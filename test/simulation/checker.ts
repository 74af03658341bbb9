/**
 * Holds the promises of the product against what really happened. It keeps its own books (`ledger.ts`) and shares no
 * decision with the product: the rules stand in `check-*.ts`, each in its own words.
 */
import type { Job, JobRecord } from '../../src/job/job.js';
import type { Message } from '../../src/ports/transport.js';
import type { RunReport } from '../../src/protocol/messages.js';
import {
  type ControlSeen,
  checkControlAnswer,
  checkReportAnswer,
  checkSubmitAnswer,
  type SubmitSeen,
} from './check-answers.js';
import { checkRunEnds, checkRunStart } from './check-runs.js';
import { checkVerdictOnSession, type Verdict } from './check-sessions.js';
import { checkInLine, checkSlotStep, checkSlots, checkWithdrawal } from './check-slots.js';
import { checkStep, isOver, isUncounted, shown, stateOf } from './check-steps.js';
import { type Ledger, listOf, type RunSeen, runKey, type Step } from './ledger.js';

/** What the checker needs to know of the world: true time, and the tracker's wall clock. */
export interface TrueTime {
  readonly time: { readonly nowMs: number };
  readonly trace: { explain(who: string, what: () => string): void };
  /** The latest and earliest that the tracker's wall clock showed in the last seconds. */
  wallRange(): { readonly latest: number; readonly earliest: number };
}

export class Checker {
  constructor(
    private readonly ledger: Ledger,
    private readonly world: TrueTime,
  ) {}

  /** A commit of the store. */
  stepped(verb: Step['verb'], after: JobRecord | undefined, jobId: string): void {
    const before = this.ledger.stored.get(jobId);
    const { latest, earliest } = this.world.wallRange();
    const step: Step = { at: this.world.time.nowMs, latestWall: latest, earliestWall: earliest, verb, before, after };
    this.ledger.count(`commits-${verb}`);
    this.world.trace.explain('store', () => `${verb} ${jobId}: ${shown(before)} -> ${shown(after)}`);
    checkStep(this.ledger, jobId, step);
    checkSlotStep(this.ledger, step);
    checkWithdrawal(this.ledger, jobId, step);
    this.ledger.stepsOf(jobId).push(step);
    if (after && isOver(after) && !(before && isOver(before))) this.ledger.count(`ended-${stateOf(after)}`);
    if (isUncounted(step) && before?.status.state === 'executing') this.ledger.count('given-back');
    const runId = before?.status.runId;
    if (runId !== undefined && after?.status.runId !== runId)
      listOf(this.ledger.stepsOfRun, runKey(jobId, runId)).push(step);
    this.ledger.commit(jobId, step);
  }

  /** A handler was called. */
  started(run: RunSeen): void {
    this.ledger.count('runs');
    checkRunStart(this.ledger, run);
    this.ledger.runsOf(run.jobId).push(run);
  }

  /** A process ended; its handlers with it. */
  died(life: string): void {
    for (const runs of this.ledger.runs.values()) {
      for (const run of runs) {
        if (run.life !== life || run.exit || run.diedAt !== undefined) continue;
        run.diedAt = this.world.time.nowMs;
        run.wasCurrent = this.ledger.stored.get(run.jobId)?.status.runId === run.runId;
      }
    }
  }

  /** A tracker is about to kill a session. */
  judged(verdict: Verdict): void {
    checkVerdictOnSession(this.ledger, verdict, this.world.time.nowMs);
  }

  submitAnswered(job: Job, answer: Omit<SubmitSeen, 'answeredAt'>): void {
    checkSubmitAnswer(this.ledger, job, { ...answer, answeredAt: this.world.time.nowMs });
  }

  controlAnswered(deed: string, seen: ControlSeen): void {
    checkControlAnswer(this.ledger, deed, { ...seen, answeredAt: this.world.time.nowMs });
  }

  /** A worker's request was answered. */
  workerAnswered(message: Message, reply: unknown, sentAt: number): void {
    const { session, reports } = message.body as { session?: string; reports?: readonly RunReport[] };
    const { answer, answers } = reply as { answer?: string; answers?: readonly string[] };
    const proves = message.kind === 'RenewSession' || message.kind === 'PullJobs' || message.kind === 'ReportRuns';
    if (session !== undefined && answer === 'ok' && proves) {
      this.ledger.sessionOkAt.set(session, Math.max(sentAt, this.ledger.sessionOkAt.get(session) ?? 0));
    }
    reports?.forEach((report, i) => checkReportAnswer(this.ledger, report, answers?.[i]));
  }

  feedback(results: readonly { readonly jobId: string; readonly state: string }[]): void {
    for (const result of results) {
      this.ledger.count('feedback');
      listOf(this.ledger.feedback, result.jobId).push(result.state);
      const record = this.ledger.stored.get(result.jobId);
      if (record && record.status.state !== result.state) {
        this.ledger.violate(
          'G14',
          `feedback says ${result.jobId} is ${result.state}, the store says ${record.status.state}`,
        );
      }
    }
  }

  /** Open records, schedules included. */
  open(): JobRecord[] {
    return [...this.ledger.stored.values()].filter((record) => !isOver(record));
  }

  /** Ended records whose feedback nobody acknowledged. */
  owed(): JobRecord[] {
    return [...this.ledger.stored.values()].filter((record) => record.status.feedbackAt !== undefined);
  }

  /** After a calm time every schedule that is neither over nor suspended has fired, or its current slot is still open. */
  checkSchedulesAlive(calmMs: number): void {
    const { nowMs } = this.world.time;
    for (const schedule of this.open()) {
      if (!schedule.body.rule || schedule.status.state !== 'waiting') continue;
      this.ledger.count('schedules-alive');
      const isAlive = this.ledger.instances(schedule.jobId).some((instance) => {
        const steps = this.ledger.stepsOf(instance.jobId);
        return !isOver(instance) || (steps[0]?.at ?? 0) > nowMs - calmMs / 2;
      });
      if (!isAlive) this.ledger.violate('G11', `${schedule.jobId} fires no more: ${JSON.stringify(schedule.status)}`);
    }
    checkInLine(this.ledger);
  }

  /** Once everything is over: what only the whole history can tell. */
  finish(): void {
    for (const record of this.open()) {
      this.ledger.violate('G4', `${record.jobId} never ended: ${JSON.stringify(record.status)}`);
    }
    checkRunEnds(this.ledger);
    checkSlots(this.ledger);
    this.checkAcknowledged();
    this.checkFeedback();
  }

  private checkAcknowledged(): void {
    for (const { jobId, codes, hasKey } of this.ledger.submissions.values()) {
      const exists = this.ledger.steps.has(jobId) || this.ledger.aliases.has(jobId);
      if (codes.has('accepted') && !this.ledger.steps.has(jobId))
        this.ledger.violate('G1', `${jobId} was accepted and is nowhere`);
      if (codes.has('stored-locally') && !hasKey && !exists)
        this.ledger.violate('G2', `${jobId} was stored locally and never arrived`);
    }
  }

  private checkFeedback(): void {
    for (const { jobId, body, status } of this.ledger.stored.values()) {
      const isOwed =
        body.needFeedback && ['succeeded', 'failed', 'expired'].includes(status.state) && body.rule === undefined;
      if (isOwed && !this.ledger.feedback.has(jobId))
        this.ledger.violate('G14', `nobody got the feedback of ${jobId} (${status.state})`);
      if (status.feedbackAt !== undefined) this.ledger.violate('G14', `the feedback of ${jobId} is still owed`);
    }
  }
}
