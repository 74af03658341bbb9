/**
 * Settle: stores what a finished run means for its job, as `nextStep` decides, and answers after the commit.
 *
 *   the job's current run       applied: ended, waiting for a retry, or waiting at once
 *   the run settled last        a repeated report: ok, nothing changes
 *   any other run               stale: recorded in the job's log, never applied
 *   a run of no job here        unknown: nothing is recorded, so its worker keeps the report
 *
 * The write is conditional on the record it was decided on; what misses is read again and decided again, so a cancel that was
 * asked meanwhile is never lost.
 */
import { LtsError } from '../errors.js';
import { afterRun } from '../job/ending.js';
import type { JobRecord } from '../job/job.js';
import { isEnded } from '../job/job.js';
import { shownRun } from '../job/log-line.js';
import { nextStep, type RunOutcome } from '../job/next-step.js';
import type { Change } from '../ports/job-queue.js';
import { limits } from '../protocol/limits.js';
import type { ReportAnswer, RunReport } from '../protocol/messages.js';
import type { Feedback } from './feedback.js';
import type { Following, Schedules } from './records/schedules.js';
import type { TrackerLog } from './records/tracker-log.js';
import type { JobWrites } from './records/writes.js';
import type { TrackerParts } from './tracker-ports.js';

/** Rounds of deciding again; each miss means that somebody else's write went through. */
const roundsMax = 20;

export class Settle {
  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
    private readonly schedules: Schedules,
    private readonly log: TrackerLog,
    private readonly feedback: Feedback,
  ) {}

  /** What workers say. That a run was lost is not theirs to say: answered `stale`, whoever it was. */
  async reported(reports: readonly RunReport[]): Promise<ReportAnswer[]> {
    const theirs = reports.filter((report) => !saysLost(report));
    const answers = await this.verdicts(theirs);
    if (theirs.length === reports.length) return answers;
    return reports.map((report) => (saysLost(report) ? 'stale' : (answers.shift() ?? 'stale')));
  }

  /**
   * Answers in the order given. The same steps serve the tracker's own verdicts on runs that nobody reports. Throws LTS_BUSY for
   * a record that changed again and again; what was settled until then is answered as repeated when it comes again.
   */
  async verdicts(reports: readonly RunReport[]): Promise<ReportAnswer[]> {
    const answers: ReportAnswer[] = new Array(reports.length).fill('stale');
    for (let from = 0; from < reports.length; from += limits.batchJobsMax) {
      const places = reports.slice(from, from + limits.batchJobsMax).map((_, n) => from + n);
      await this.settleAll(reports, places, answers);
    }
    return answers;
  }

  /** What expired while it waited; nobody waits for what follows. */
  expired(records: readonly JobRecord[]): void {
    const { log } = this.parts.ports;
    this.afterwards(records).catch((error: unknown) => log.error({ error }, 'an expired slot is left to the sweep'));
  }

  private async settleAll(
    reports: readonly RunReport[],
    places: readonly number[],
    answers: ReportAnswer[],
  ): Promise<void> {
    let open = places;
    for (let round = 0; round < roundsMax && open.length > 0; round++) {
      open = await this.settleOnce(reports, open, answers);
    }
    if (open.length === 0) return;
    const { jobId } = reports[open[0] as number] as RunReport;
    throw new LtsError(
      'LTS_BUSY',
      `Job ${jobId} changed ${roundsMax} times while its run was being settled. Report it again.`,
    );
  }

  /** One round: read, decide, write. Answers the places whose record changed meanwhile. */
  private async settleOnce(
    reports: readonly RunReport[],
    places: readonly number[],
    answers: ReportAnswer[],
  ): Promise<number[]> {
    const verdicts = places.map((place) => reports[place] as RunReport);
    const records = await this.parts.ports.queue.get(verdicts.map((verdict) => verdict.jobId));
    const current = records.map((record, n) =>
      record && isCurrentRun(record, verdicts[n] as RunReport) ? record : undefined,
    );
    const following = await this.schedules.following(current.filter((record) => record !== undefined));
    const changes: Change[] = [];
    const changing: number[] = [];
    const repeated: JobRecord[] = [];
    for (const [n, place] of places.entries()) {
      const verdict = verdicts[n] as RunReport;
      const before = current[n];
      if (before) {
        changes.push({ before, after: this.decide(before, verdict.outcome, following.get(before.jobId)) });
        changing.push(place);
      } else if (records[n]?.status.lastRunId === verdict.runId) {
        answers[place] = 'ok';
        repeated.push(records[n]);
      } else answers[place] = this.notCurrent(verdict, records[n]);
      if (!before && records[n]) this.writes.saw(records[n]);
    }
    const written = await this.writes.update(changes);
    written.forEach((record, n) => {
      if (record) answers[changing[n] as number] = 'ok';
    });
    this.log.steps(changes, written);
    await this.afterwards([...written.filter((record) => record !== undefined), ...repeated]);
    return changing.filter((_, n) => !written[n]);
  }

  private decide(before: JobRecord, outcome: RunOutcome, following: Following | undefined): JobRecord {
    const { clock, chance } = this.parts.ports;
    const now = clock.wallMs();
    const step = nextStep(before, outcome, { now, nextSlotAt: following?.nextSlot?.at, chance: chance.next() });
    const result = outcome.kind === 'success' ? outcome.result : undefined;
    const { nextSlot, skipped } = following ?? {};
    return afterRun(before, step, { now, outcome, message: outcome.message, result, nextSlot, skipped });
  }

  /** What an ended record still owes; a repeated report finds it done and changes nothing. */
  private async afterwards(records: readonly JobRecord[]): Promise<void> {
    const over = records.filter((record) => isEnded(record.status.state));
    this.feedback.owe(over);
    await this.schedules.follow(records.filter((record) => record.body.origin));
  }

  private notCurrent(verdict: RunReport, record: JobRecord | undefined): ReportAnswer {
    const { kind } = verdict.outcome;
    if (!record) return 'unknown';
    // Its own verdicts come too late when a report, or another tracker, was quicker.
    if (kind === 'missed' || kind === 'lost') return 'stale';
    const text = `${verdict.outcome.kind} of run ${shownRun(verdict.runId)} came when the job was ${record.status.state}; not applied`;
    this.log.write({ jobId: record.jobId, type: 'stale', level: 'WARN', text });
    return 'stale';
  }
}

/** Of a foreign report nothing is sure. */
const saysLost = ({ outcome }: RunReport): boolean => (outcome as RunOutcome | undefined)?.kind === 'lost';

const isCurrentRun = ({ status }: JobRecord, verdict: RunReport): boolean =>
  status.state === 'executing' && status.runId === verdict.runId;
