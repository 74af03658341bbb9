/**
 * The JobTracker: accepts jobs, brings them to TaskTrackers, and decides what follows each run.
 *
 *   submit -> ACCEPT -> (TRIGGER: periodic rules) -> DISPATCH -> run -> SETTLE -> FEEDBACK
 *                                 RESCUE enters from the side, by timer; CONTROL and QUERIES serve people
 *
 *   accept.ts     takes submitted jobs into the store        settle.ts     stores what a run means for its job
 *   trigger.ts    fires slots, mends schedules               feedback.ts   brings results to the submitting group
 *   dispatch.ts   answers pulls with claimed jobs            rescue.ts     gives back the runs of dead sessions
 *   control.ts    cancel, suspend, resume, trigger, edit     queries.ts, explain.ts    what is known of a job
 *   hints.ts      tells the other trackers where to look
 *   schedules.ts, sessions.ts, writes.ts are what the steps share.
 *
 * Any number of trackers may work on one store: each write is conditional on what it was decided on, and every session is served by one
 * of them. What one does by timer the master does; two that do it harm nothing.
 */

import { answering, ask, type Steps } from '../cluster/ask.js';
import { Duty } from '../cluster/duty.js';
import { Malformed } from '../cluster/malformed.js';
import { LtsError } from '../errors.js';
import { shownRun } from '../job/log-line.js';
import type { Subscription } from '../ports/transport.js';
import { limits } from '../protocol/limits.js';
import type { BodyOf, ReplyOf } from '../protocol/messages.js';
import { subjectsOf } from '../protocol/subjects.js';
import { Accept } from './accept.js';
import { Dispatch } from './dispatch.js';
import { Feedback } from './feedback.js';
import { Hints } from './hints.js';
import { Schedules } from './records/schedules.js';
import { TrackerLog } from './records/tracker-log.js';
import { JobWrites } from './records/writes.js';
import { Control } from './requests/control.js';
import { Explain } from './requests/explain.js';
import { Queries } from './requests/queries.js';
import { Rescue } from './rescue/rescue.js';
import { Retention } from './retention.js';
import { Sessions } from './sessions/sessions.js';
import { Settle } from './settle.js';
import type { FullSettings, TrackerParts, TrackerPorts, TrackerSettings } from './tracker-ports.js';
import { Trigger } from './trigger.js';

const sweepEveryMs = 60_000;
const resendEveryMs = 30_000;
/** Every so many rounds a tracker does what is the master's to do, for there may be none. */
const roundsWithoutMaster = 4;
/** Who serves answers at once; of who does not answer nothing is known. */
const answerWithinMs = 2_000;
const day = 86_400_000;

export class JobTrackerRole {
  private readonly parts: TrackerParts;
  private readonly malformed: Malformed;
  private readonly writes: JobWrites;
  private readonly sessions: Sessions;
  private readonly queries: Queries;
  private readonly trackerLog: TrackerLog;
  private readonly schedules: Schedules;
  private readonly feedback: Feedback;
  private readonly settle: Settle;
  private readonly dispatch: Dispatch;
  private readonly trigger: Trigger;
  private readonly rescue: Rescue;
  private readonly retention: Retention;
  private readonly duties: readonly Duty[];
  private readonly hints: Hints;
  private subscriptions: readonly Subscription[] = [];

  constructor(ports: TrackerPorts, settings: TrackerSettings) {
    const parts = partsOf(ports, withDefaults(settings));
    this.parts = parts;
    this.malformed = new Malformed(ports);
    this.writes = new JobWrites(ports.queue);
    this.sessions = new Sessions(parts);
    this.queries = new Queries(parts);
    this.trackerLog = new TrackerLog(ports);
    this.schedules = new Schedules(parts, this.writes);
    this.feedback = new Feedback(parts, this.writes);
    this.settle = new Settle(parts, this.writes, this.schedules, this.trackerLog, this.feedback);
    this.dispatch = new Dispatch(parts, this.writes, this.sessions, (expired) => {
      this.feedback.owe(expired);
      void this.schedules
        .follow(expired)
        .catch((error) => ports.log.error({ error }, 'an expired slot is left to the sweep'));
    });
    this.trigger = new Trigger(parts, this.writes, this.schedules);
    this.rescue = new Rescue(parts, this.sessions, this.dispatch, this.settle, (since) => this.trigger.catchUp(since));
    this.sessions.onLost = (session) => this.dispatch.drop(session);
    this.hints = new Hints(parts, this.dispatch);
    if (!parts.isAlone) this.writes.onCommit((records) => this.hints.committed(records));
    for (const observer of [this.sessions, this.dispatch, this.trigger, this.queries]) this.writes.observe(observer);
    this.retention = new Retention(parts);
    this.duties = this.makeDuties();
  }

  async start(): Promise<void> {
    await this.catchUpAtStart();
    await this.trigger.sweep();
    await this.rescue.start();
    this.dispatch.start();
    this.trigger.start();
    for (const duty of this.duties) duty.start();
    this.subscriptions = this.subscribe();
  }

  private subscribe(): Subscription[] {
    const { ports, subjects, settings, isAlone } = this.parts;
    const answer = answering(this.steps(), 'JobTracker', this.malformed);
    const hear = answering({ Hint: (body) => this.hear(body) }, 'JobTracker', this.malformed);
    return [
      ports.transport.subscribe(subjects.tracker, answer, { queue: 'tracker' }),
      ports.transport.subscribe(subjects.trackerOf(settings.identity), answer),
      ...(isAlone ? [] : [ports.transport.subscribe(subjects.hints, hear)]),
    ];
  }

  /**
   * Before it serves anybody: slots that nobody could fire are judged. Asked are the trackers themselves, for the registry knows of
   * those too that are only starting: of several that start at once, none would judge.
   */
  private async catchUpAtStart(): Promise<void> {
    if (this.parts.isAlone || !(await this.isAnyServing())) await this.trigger.catchUp();
  }

  private async isAnyServing(): Promise<boolean> {
    const { ports, subjects, settings } = this.parts;
    const to = { subject: subjects.tracker, deadlineMs: answerWithinMs };
    try {
      await ask(ports.transport, to, { kind: 'GetJob', body: { jobId: settings.identity } });
      return true;
    } catch (error) {
      return !LtsError.is(error, 'LTS_NO_TRACKER');
    }
  }

  /** The process that held the sessions found in the store at start is dead: their runs are given back at once. */
  rescueDeadProcess(): Promise<void> {
    return this.rescue.rescueRestored();
  }

  /** Accepts nothing more; every open request is answered. */
  async stop(): Promise<void> {
    this.feedback.stop();
    this.retention.stop();
    await this.dispatch.stop();
    this.queries.stop();
    for (const subscription of this.subscriptions) await subscription.close();
    await Promise.all([...this.duties.map((duty) => duty.stop()), this.rescue.stop(), this.trigger.stop()]);
    await this.trackerLog.flush();
  }

  /** Messages from outside that had not the shape of their kind, by kind, since the start. */
  malformedCounts(): Readonly<Record<string, number>> {
    return this.malformed.counts();
  }

  /** The one table: message kind -> step. */
  private steps(): Steps {
    const { parts, queries, sessions, dispatch } = this;
    const accept = new Accept(parts, this.writes, dispatch, this.schedules);
    const { writes, schedules, trackerLog: log } = this;
    const control = new Control(parts, { writes, schedules, sessions, log });
    const explain = new Explain(parts, sessions, dispatch);
    return {
      SubmitJobs: (body) => accept.submit(body),
      CancelJob: (body) => control.cancel(body),
      SuspendJob: (body) => control.suspend(body),
      ResumeJob: (body) => control.resume(body),
      TriggerJob: (body) => control.trigger(body),
      EditJob: (body) => control.edit(body),
      GetJob: (body) => queries.get(body),
      ListJobs: (body) => queries.list(body),
      CountJobs: () => queries.count(),
      AwaitJob: (body) => queries.await(body),
      ReadLog: (body) => queries.readLog(body),
      ExplainJob: (body) => explain.explain(body),
      StartSession: (body) => this.startSession(body),
      RenewSession: async ({ session, runIds }) => ({ answer: await sessions.renew(session, runIds) }),
      EndSession: ({ session, runIds }) => this.endSession(session, runIds),
      PullJobs: (body) => dispatch.pull(body),
      ReportRuns: (body) => this.report(body),
      AppendLog: (body) => this.appendLog(body),
    };
  }

  /** The reply brings due jobs for the freed slots; slots that found none join the session's parked pull. */
  private async report({ session: id, reports, slots }: BodyOf<'ReportRuns'>): Promise<ReplyOf<'ReportRuns'>> {
    const session = this.sessions.find(id);
    // Both join one commit; what the settled runs make possible (a suspect, a parked pull) is looked at afterwards.
    const [answers, early] = await Promise.all([
      this.settle.reported(reports),
      session ? this.dispatch.takeDue(session, slots) : undefined,
    ]);
    if (!session) return { answers, answer: this.sessions.absent(id), jobs: [] };
    if (early && (early.answer !== 'ok' || early.jobs.length > 0)) return { ...early, answers };
    const due = await this.dispatch.takeDue(session, slots);
    const credited = due.answer === 'ok' && due.jobs.length === 0 ? this.dispatch.credit(session, slots) : undefined;
    return { ...due, answers, credited };
  }

  /** A session that was replaced or ended meanwhile is not begun again by a late message. */
  private async startSession(body: BodyOf<'StartSession'>): Promise<ReplyOf<'StartSession'>> {
    const { replaces, runIds, moves = 1, ...info } = body;
    for (const id of replaces) await this.rescue.replace(id, runIds);
    const answer = await this.sessions.begin(info, moves);
    if (answer === 'ok' && moves > 1) await this.rescue.takeOver(info.session, runIds);
    return { answer, tracker: this.parts.settings.identity };
  }

  private async endSession(id: string, runIds: readonly string[]): Promise<ReplyOf<'EndSession'>> {
    await this.rescue.leave(id, runIds);
    return { answer: 'ok' };
  }

  /** What another tracker says is looked at, never believed. */
  private async hear({ from, waiting, fireAt, changed, progress }: BodyOf<'Hint'>): Promise<Record<string, never>> {
    if (from === this.parts.settings.identity) return {};
    for (const group of waiting) this.dispatch.hear(group);
    if (fireAt !== undefined) this.trigger.expect(fireAt);
    this.queries.hear(changed);
    this.queries.noteProgress(progress);
    const held = changed.filter((jobId) => this.sessions.holderOf(jobId));
    if (held.length === 0) return {};
    for (const record of await this.parts.ports.queue.get(held)) if (record) this.writes.saw(record);
    return {};
  }

  private async appendLog({ lines, progress }: BodyOf<'AppendLog'>): Promise<ReplyOf<'AppendLog'>> {
    this.queries.noteProgress(progress);
    if (progress.length > 0 && !this.parts.isAlone) this.hints.progressed(progress);
    if (lines.length === 0) return {};
    await this.parts.ports.logger.append(lines.map((line) => ({ ...line, runId: shownRun(line.runId) })));
    this.queries.noteLines(lines);
    return {};
  }

  private makeDuties(): Duty[] {
    const { peers, ports } = this.parts;
    const { clock, log } = ports;
    const byMaster = (work: () => Promise<void>) => {
      let rounds = 0;
      return async () => {
        if (peers.isMaster() || ++rounds % roundsWithoutMaster === 0) await work();
      };
    };
    const mend = byMaster(() => this.trigger.sweep());
    const sweep = async () => {
      await this.rescue.sweep();
      await mend();
      this.dispatch.lookAgain();
    };
    const retain = byMaster(() => this.retention.sweep());
    const resend = byMaster(() => this.feedback.resend());
    return [
      new Duty({ name: 'sweep', everyMs: sweepEveryMs, clock, log, run: sweep }),
      new Duty({ name: 'retention', everyMs: sweepEveryMs, clock, log, run: retain }),
      new Duty({ name: 'resend of feedback', everyMs: resendEveryMs, clock, log, run: resend }),
    ];
  }
}

function partsOf(ports: TrackerPorts, settings: FullSettings): TrackerParts {
  const peers = ports.peers ?? { isMaster: () => true, trackers: () => [settings.identity] };
  return { ports, settings, subjects: subjectsOf(settings.cluster), peers, isAlone: ports.peers === undefined };
}

function withDefaults(settings: TrackerSettings): FullSettings {
  return {
    identity: settings.identity ?? 'tracker',
    cluster: settings.cluster,
    maxRetryTimes: settings.maxRetryTimes ?? 10,
    retryIntervalMs: settings.retryIntervalMs ?? 30_000,
    leaseMs: settings.leaseMs ?? limits.leaseMs,
    keepEndedMs: settings.keepEndedMs ?? 7 * day,
    keepEndedMax: settings.keepEndedMax ?? 1_000_000,
    timeZone: settings.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
