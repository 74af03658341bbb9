/**
 * Accept: takes submitted jobs into the store and answers only after the commit.
 *
 *   new one-shot job, due, a pull parked   stored already claimed, sent by dispatch
 *   new one-shot job                       stored waiting
 *   new periodic job                       schedule stored, then the instance of its first slot
 *   the same jobId again                   the same answer, nothing changes
 *   an open job with the same key          duplicate; or replaced in place, if asked and it is not executing
 */
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import { isSchedule } from '../job/job.js';
import type { AddOutcome } from '../ports/job-queue.js';
import type { BodyOf, ReplyOf, SubmitAnswer, SubmittedJob } from '../protocol/messages.js';
import type { Dispatch, StagedClaim } from './dispatch.js';
import type { Schedules } from './records/schedules.js';
import { type Defaults, isReplaceable, recordOf, replaced } from './records/submitted.js';
import type { JobWrites } from './records/writes.js';
import type { TrackerParts } from './tracker-ports.js';

/** Rounds of replace against other changes of the same record before the caller is asked to come again. */
const replaceTriesMax = 10;

export class Accept {
  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
    private readonly dispatch: Dispatch,
    private readonly schedules: Schedules,
  ) {}

  async submit({ jobs }: BodyOf<'SubmitJobs'>): Promise<ReplyOf<'SubmitJobs'>> {
    const defaults = this.defaults();
    const plain: JobRecord[] = [];
    const answers = jobs.map((job): SubmitAnswer | Promise<SubmitAnswer> | 'plain' => {
      const record = prepared(job, defaults);
      if ('code' in record) return record;
      if (job.replaceOnExist || isSchedule(record))
        return this.acceptOne(job, record).catch((error) => busy(job, error));
      plain.push(record);
      return 'plain';
    });
    const [added, settled] = await Promise.all([
      plain.length > 0 ? this.acceptPlain(plain, defaults.now) : [],
      Promise.all(answers),
    ]);
    let next = 0;
    return { answers: settled.map((answer) => (answer === 'plain' ? (added[next++] as SubmitAnswer) : answer)) };
  }

  /** One store call for all of them; parked pulls are served on the way. */
  private async acceptPlain(records: readonly JobRecord[], now: number): Promise<SubmitAnswer[]> {
    const { batch, staged } = this.stage(records, now);
    let outcomes: AddOutcome[] = [];
    try {
      outcomes = await this.writes.add(batch);
    } finally {
      const added = outcomes.filter((outcome) => outcome.kind === 'added');
      const stored = new Map(added.map(({ record }) => [record.jobId, record.status.runId]));
      for (const claim of staged) this.send(claim, stored);
    }
    return batch.map((record, i) => answerTo(record, outcomes[i] as AddOutcome));
  }

  /** The records as they are to be stored, in the given order, due ones claimed where a pull has room for them. */
  private stage(records: readonly JobRecord[], now: number): { batch: readonly JobRecord[]; staged: StagedClaim[] } {
    const due = new Map<string, JobRecord[]>();
    const seen = new Set<string>();
    for (const record of records) {
      const { status, body } = record;
      // A submission that comes twice in one batch is one job: its second copy is answered by the store.
      if (seen.has(record.jobId)) continue;
      seen.add(record.jobId);
      if ((status.dueAt ?? 0) > now || (body.expireAt ?? Number.POSITIVE_INFINITY) <= now) continue;
      const sameGroup = due.get(body.nodeGroup);
      if (sameGroup) sameGroup.push(record);
      else due.set(body.nodeGroup, [record]);
    }
    const staged = [...due].flatMap(([nodeGroup, ofGroup]) => this.dispatch.stage(nodeGroup, ofGroup, now));
    if (staged.length === 0) return { batch: records, staged };
    const claimed = new Map(staged.flatMap((claim) => claim.records.map((record) => [record.jobId, record] as const)));
    return { batch: records.map((record) => claimed.get(record.jobId) ?? record), staged };
  }

  /** Only claims that were stored: the same jobId twice in one batch is one job, with one run. */
  private send({ pull, records }: StagedClaim, stored: ReadonlyMap<string, string | undefined>): void {
    const kept = records.filter(({ jobId, status }) => stored.get(jobId) === status.runId);
    void this.dispatch.deliver(pull, kept).catch(pull.answer.reject);
  }

  /** A periodic job, or one that may replace. */
  private async acceptOne(job: SubmittedJob, record: JobRecord): Promise<SubmitAnswer> {
    for (let tries = 0; tries < replaceTriesMax; tries++) {
      const [outcome] = await this.writes.add([record]);
      if (!outcome) break;
      if (outcome.kind !== 'conflict') {
        if (isSchedule(outcome.record)) await this.schedules.open(outcome.record);
        return answerTo(record, outcome);
      }
      if (!job.replaceOnExist || !isReplaceable(outcome.record)) return answerTo(record, outcome);
      const answer = await this.replace(outcome.record, record);
      if (answer) return answer;
    }
    throw new LtsError(
      'LTS_BUSY',
      `Job ${job.jobId} met a change of the job that it replaces ${replaceTriesMax} times. Try again.`,
    );
  }

  /** Undefined when the existing record changed meanwhile. */
  private async replace(existing: JobRecord, fresh: JobRecord): Promise<SubmitAnswer | undefined> {
    const heldBy = await this.schedules.holders(existing);
    const [after] = await this.writes.update([{ before: existing, after: replaced(existing, fresh, heldBy) }]);
    if (!after) return undefined;
    if (isSchedule(after)) await this.schedules.open(after);
    else await this.schedules.withdrawAll(heldBy);
    return { code: 'replaced', jobId: after.jobId };
  }

  private defaults(): Defaults {
    const { settings, ports } = this.parts;
    const retry = {
      maxRetryTimes: settings.maxRetryTimes,
      intervalMs: settings.retryIntervalMs,
      backoff: 'fixed',
      intervalMaxMs: 3_600_000,
    } as const;
    return { now: ports.clock.wallMs(), timeZone: settings.timeZone, retry };
  }
}

/** The record to store, or the refusal. */
function prepared(job: SubmittedJob, defaults: Defaults): JobRecord | SubmitAnswer {
  try {
    return recordOf(job, defaults);
  } catch (error) {
    // Whatever is wrong with one job, the others of its batch stand.
    const jobId = String(job?.jobId ?? '');
    if (LtsError.is(error)) return { code: 'rejected', jobId, msg: error.message, errorCode: error.code };
    return { code: 'rejected', jobId, msg: `The submission is malformed: ${String(error)}.` };
  }
}

/** Of one job among many: the others stand. Whether this one was stored is found out by submitting it again. */
function busy({ jobId }: SubmittedJob, error: unknown): SubmitAnswer {
  return { code: 'busy', jobId, msg: error instanceof Error ? error.message : String(error) };
}

function answerTo(record: JobRecord, { kind, record: existing }: AddOutcome): SubmitAnswer {
  if (kind === 'added') return { code: 'accepted', jobId: record.jobId };
  const key = `taskId ${existing.body.taskId ?? '(none)'} in group ${existing.body.nodeGroup}`;
  if (kind === 'conflict') {
    const msg = `Job ${existing.jobId} with ${key} is ${existing.status.state}; nothing was changed.`;
    return { code: 'duplicate', jobId: existing.jobId, msg };
  }
  if (existing.jobId !== record.jobId) return { code: 'replaced', jobId: existing.jobId };
  if (existing.body.nodeGroup === record.body.nodeGroup && existing.body.taskId === record.body.taskId) {
    return { code: 'accepted', jobId: record.jobId };
  }
  return {
    code: 'rejected',
    jobId: record.jobId,
    msg: `Job ${record.jobId} exists with ${key}. Submit with a new jobId.`,
  };
}
