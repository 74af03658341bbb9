/**
 * Submit: brings jobs to a tracker in batches that form by themselves, and settles each caller with its own answer.
 *
 *   accepted | duplicate | replaced | rejected | busy   the tracker's answer, after its commit; rejected also what can never be sent
 *   stored-locally                                      no tracker answered; fsynced in the FailStore, sent later
 *   no-tracker                                          nobody is there and nothing was sent (without the retry client)
 *   unknown                                             it may have been accepted; submit again with the same jobId
 */

import { ask, isFaultOfMessage, isUnsendable } from '../cluster/ask.js';
import { Replay } from '../cluster/replay.js';
import { until } from '../cluster/within.js';
import { LtsError } from '../errors.js';
import { claimBytes, type Job } from '../job/job.js';
import { Batcher } from '../kit/batcher.js';
import { Outage } from '../kit/outage.js';
import { shown, textOf } from '../kit/shown.js';
import { wireBytes } from '../kit/wire-bytes.js';
import { limits } from '../protocol/limits.js';
import type { JobKey, SubmitAnswer, SubmittedJob } from '../protocol/messages.js';
import type { ClientParts } from './client-ports.js';
import { prepare } from './prepare.js';

export interface SubmitOutcome {
  readonly code: SubmitAnswer['code'] | 'stored-locally' | 'no-tracker' | 'unknown';
  readonly jobId: string;
  readonly msg?: string | undefined;
  /** Of `rejected`: a code of the error table, or of that of a later release; LTS_JOB_INVALID where it is absent. */
  readonly errorCode?: string | undefined;
}

export interface SubmitOptions {
  /** Ends the wait for the answer. One that has aborted before prevents the submit: `rejected`. */
  readonly signal?: AbortSignal | undefined;
}

/** Said by `rejected` when the caller gave up before the submit. */
export const abortedBeforeText = 'aborted before it was sent';

const queuedJobsMax = 100_000;
const replayEveryMs = 5_000;
/** Of a stop's deadline: for keeping what nobody has answered. */
const keepingMs = (deadlineMs: number): number => Math.min(2_000, deadlineMs / 8);
/** Thousands of submissions take a disk this long at most. */
const keptWithinMs = 10_000;
const behindText = 'An earlier submission of its key waits to be sent.';

interface Outgoing {
  readonly job: SubmittedJob;
  readonly untilMono: number;
}

export class Submit {
  private readonly batcher: Batcher<Outgoing, SubmitOutcome>;
  private readonly replay: Replay<SubmittedJob>;
  /** Keys with an unsent submission in the FailStore: what comes later for them queues behind it. */
  private readonly kept = new Map<string, Set<string>>();
  private readonly stopping = new AbortController();
  private sending: Promise<void> | undefined;
  private readonly outage: Outage;

  constructor(private readonly parts: ClientParts) {
    const { clock, log, failStore, oldDataHandler } = parts.ports;
    const end = parts.settings.useRetryClient
      ? 'are kept in the FailStore (stored-locally) and sent as soon as one does'
      : 'are answered no-tracker or unknown, since there is no retry client; submit them again later';
    const away = (why: string) =>
      `No JobTracker takes submits (${why}): they ${end}. Start a JobTracker, or see why it cannot`;
    this.outage = new Outage({ clock, log, quietMs: 0, away, back: 'a JobTracker takes submits again' });
    this.batcher = new Batcher({
      name: 'submissions',
      batchItemsMax: limits.batchJobsMax,
      batchSizeMax: limits.batchBytesMax,
      sizeOf: ({ job }) => bytesOf(job),
      queuedItemsMax: queuedJobsMax,
      flightsMax: 4,
      endOfTurn: () => clock.endOfTurn(),
      send: (outgoing) => this.send(outgoing),
    });
    const send = (jobs: readonly SubmittedJob[]) => this.sendKept(jobs);
    // Another client of this process may have sent what this one found in their FailStore.
    const onEmpty = () => this.kept.clear();
    const everyMs = replayEveryMs;
    this.replay = new Replay({ topic: 'submissions', failStore, clock, log, everyMs, send, oldDataHandler, onEmpty });
  }

  /** What an earlier process left in the FailStore is sent before anything new of the same key. */
  async start(): Promise<void> {
    for (const { value } of await this.parts.ports.failStore.peek('submissions', queuedJobsMax)) {
      const job = decoded(value);
      if (job) this.noteKept(job);
    }
    this.replay.start();
  }

  /** What is under way gets its answer; towards the deadline it is given up, and ends as what nobody has answered. */
  async stop(deadlineMs: number): Promise<void> {
    const { clock } = this.parts.ports;
    const isIdle = () => !this.batcher.isBusy;
    await until(clock, deadlineMs - keepingMs(deadlineMs), isIdle);
    this.stopping.abort(this);
    await until(clock, keptWithinMs, isIdle);
    await this.replay.stop();
  }

  /** Throws LTS_NO_TRACKER while a submission of this key still waits in the FailStore. */
  async sendKeptOf(key: JobKey): Promise<void> {
    if (this.isKept(key)) await this.sendKeptNow();
    if (!this.isKept(key)) return;
    const name = 'jobId' in key ? key.jobId : `${key.nodeGroup}/${key.taskId}`;
    throw new LtsError(
      'LTS_NO_TRACKER',
      `The submission of ${name} still waits in the FailStore; no JobTracker answers. Try again later.`,
    );
  }

  /** Once for all who ask at the same time. */
  private sendKeptNow(): Promise<void> {
    this.sending ??= this.replay.drain().finally(() => {
      this.sending = undefined;
    });
    return this.sending;
  }

  private isKept(key: JobKey): boolean {
    if (!('jobId' in key)) return this.kept.has(`${key.nodeGroup}/${key.taskId}`);
    for (const jobIds of this.kept.values()) if (jobIds.has(key.jobId)) return true;
    return false;
  }

  /** Never throws and always settles within the deadline; what is wrong with the job is said in `msg`. */
  async submit(job: Job, { signal }: SubmitOptions = {}): Promise<SubmitOutcome> {
    let prepared: SubmittedJob;
    try {
      checkSignal(signal);
      prepared = prepare(job, this.parts);
    } catch (error) {
      // A getter of the job may throw anything; its neighbours in a list have nothing to do with it.
      const jobId = jobIdOf(job);
      if (LtsError.is(error)) return { code: 'rejected', jobId, msg: error.message, errorCode: error.code };
      return { code: 'rejected', jobId, msg: `The job cannot be read: ${textOf(error)}.` };
    }
    if (signal?.aborted) return { code: 'rejected', jobId: prepared.jobId, msg: abortedBeforeText };
    const untilMono = this.parts.ports.clock.monoMs() + this.parts.settings.submitWithinMs;
    const answer = this.add({ job: prepared, untilMono });
    return signal ? untilAborted(answer, prepared.jobId, signal) : answer;
  }

  private async add(outgoing: Outgoing): Promise<SubmitOutcome> {
    if (this.isBehindKept(outgoing.job))
      return this.keep([outgoing.job], behindText).then(([one]) => one as SubmitOutcome);
    try {
      return await this.batcher.add(outgoing);
    } catch (error) {
      if (LtsError.is(error, 'LTS_BUSY')) return { code: 'busy', jobId: outgoing.job.jobId, msg: error.message };
      throw error;
    }
  }

  private async send(outgoing: readonly Outgoing[]): Promise<SubmitOutcome[]> {
    const jobs = outgoing.map(({ job }) => job);
    const untilMono = Math.min(...outgoing.map((one) => one.untilMono));
    const leftMs = Math.ceil(untilMono - this.parts.ports.clock.monoMs());
    if (leftMs <= 0) return this.unanswered(jobs, 'no-tracker', 'The deadline passed before it could be sent.');
    if (this.stopping.signal.aborted)
      return this.unanswered(jobs, 'no-tracker', 'The JobClient stopped before it could be sent.');
    try {
      return [...(await this.ask(jobs, leftMs))];
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      if (error.code === 'LTS_BUSY') return jobs.map(({ jobId }) => ({ code: 'busy', jobId, msg: error.message }));
      if (isFaultOfMessage(error) && outgoing.length > 1) return this.sendAlone(outgoing);
      if (isRefused(error))
        return jobs.map(({ jobId }) => ({ code: 'rejected', jobId, msg: error.message, errorCode: error.code }));
      if (isFaultOfMessage(error)) return jobs.map(({ jobId }) => ({ code: 'unknown', jobId, msg: error.message }));
      return this.unanswered(jobs, error.code === 'LTS_NO_TRACKER' ? 'no-tracker' : 'unknown', error.message);
    }
  }

  /** What is wrong with one job is nothing to its neighbours. */
  private async sendAlone(outgoing: readonly Outgoing[]): Promise<SubmitOutcome[]> {
    return (await Promise.all(outgoing.map((one) => this.send([one])))).flat();
  }

  private async ask(jobs: readonly SubmittedJob[], deadlineMs: number): Promise<readonly SubmitAnswer[]> {
    const to = { subject: this.parts.subjects.tracker, deadlineMs, signal: this.stopping.signal };
    try {
      const { answers } = await ask(this.parts.ports.transport, to, { kind: 'SubmitJobs', body: { jobs } });
      this.outage.over();
      return answers;
    } catch (error) {
      this.heed(error);
      throw error;
    }
  }

  /** While the node itself is cut off, that is told where it is met; what was refused is told to the caller. */
  private heed(error: unknown): void {
    if (!LtsError.is(error) || isFaultOfMessage(error) || isRefused(error)) return;
    const isUnanswered = error.code !== 'LTS_BUSY' && error.code !== 'LTS_ABORTED';
    if (isUnanswered && this.parts.ports.transport.isUp()) this.outage.met(error.message);
  }

  private unanswered(
    jobs: readonly SubmittedJob[],
    code: 'no-tracker' | 'unknown',
    msg: string,
  ): Promise<SubmitOutcome[]> {
    if (this.parts.settings.useRetryClient) return this.keep(jobs, msg);
    return Promise.resolve(jobs.map(({ jobId }) => ({ code, jobId, msg })));
  }

  /** Fsynced before the answer; the same jobId makes the later sending safe whatever became of an earlier one. */
  private async keep(jobs: readonly SubmittedJob[], why: string): Promise<SubmitOutcome[]> {
    const { failStore, clock } = this.parts.ports;
    const at = clock.wallMs();
    const entries = jobs.map((job) => ({
      topic: 'submissions' as const,
      key: job.jobId,
      value: JSON.stringify(job),
      at,
    }));
    try {
      await failStore.put(entries);
    } catch (error) {
      if (!LtsError.is(error)) throw error;
      return jobs.map(({ jobId }) => ({ code: 'unknown', jobId, msg: error.message }));
    }
    for (const job of jobs) this.noteKept(job);
    return jobs.map(({ jobId }) => ({ code: 'stored-locally', jobId, msg: `Kept, and sent later: ${why}` }));
  }

  private async sendKept(jobs: readonly SubmittedJob[]): Promise<(string | undefined)[]> {
    const answers = await this.ask(jobs, this.parts.settings.submitWithinMs);
    if (answers.some(({ code }) => code === 'busy')) throw new LtsError('LTS_BUSY', 'The JobTracker is busy.');
    for (const job of jobs) this.forgetKept(job);
    return answers.map(({ code, msg }) => (code === 'rejected' ? (msg ?? 'rejected') : undefined));
  }

  private isBehindKept(job: SubmittedJob): boolean {
    return this.kept.size > 0 && this.kept.has(keyOf(job));
  }

  private noteKept(job: SubmittedJob): void {
    const key = keyOf(job);
    this.kept.set(key, (this.kept.get(key) ?? new Set()).add(job.jobId));
  }

  private forgetKept(job: SubmittedJob): void {
    const key = keyOf(job);
    const jobIds = this.kept.get(key);
    if (jobIds?.delete(job.jobId) && jobIds.size === 0) this.kept.delete(key);
  }
}

/** Not taken by anybody, nor will it be: another try would meet the same. */
const isRefused = (error: LtsError): boolean => isUnsendable(error) || error.code === 'LTS_NOT_PERMITTED';

/** Throws LTS_JOB_INVALID for what is no AbortSignal; those of other libraries are taken as well. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal === null) return;
  const { aborted, addEventListener, removeEventListener } = signal as Partial<AbortSignal>;
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  if (typeof aborted === 'boolean' && listens) return;
  const text = `signal: ${shown(signal)} is no AbortSignal. Pass the signal of an AbortController, or leave it out.`;
  throw new LtsError('LTS_JOB_INVALID', text);
}

/** Of a job that could not be read, if that much of it can. */
function jobIdOf(job: Job): string {
  try {
    return job?.jobId ?? '';
  } catch {
    return '';
  }
}

const keyOf = ({ jobId, body }: SubmittedJob): string =>
  body.taskId === undefined ? jobId : `${body.nodeGroup}/${body.taskId}`;

const bytesOf = (job: SubmittedJob): number =>
  claimBytes(job) + (job.trigger.kind === 'cron' ? wireBytes(job.trigger.expression) : 0);

/** Undefined for what cannot be read; the replay sets it aside. */
function decoded(value: string): SubmittedJob | undefined {
  try {
    return JSON.parse(value) as SubmittedJob;
  } catch {
    return undefined;
  }
}

/** The caller stops waiting; the submission itself may still be accepted. */
function untilAborted(answer: Promise<SubmitOutcome>, jobId: string, signal: AbortSignal): Promise<SubmitOutcome> {
  const msg = 'The caller gave up; it may have been accepted. Submit again with the same jobId to find out.';
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve({ code: 'unknown', jobId, msg });
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
