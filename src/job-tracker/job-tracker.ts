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
 *   schedules.ts, sessions.ts, writes.ts are what the steps share.
 */

import { answering, type Steps } from '../cluster/ask.js';
import { Duty } from '../cluster/duty.js';
import { Malformed } from '../cluster/malformed.js';
import type { Subscription } from '../ports/transport.js';
import { limits } from '../protocol/limits.js';
import type { BodyOf, ReplyOf } from '../protocol/messages.js';
import { subjectsOf } from '../protocol/subjects.js';
import { Accept } from './accept.js';
import { Dispatch } from './dispatch.js';
import { Feedback } from './feedback.js';
import { Schedules } from './records/schedules.js';
import { TrackerLog } from './records/tracker-log.js';
import { JobWrites } from './records/writes.js';
import { Control } from './requests/control.js';
import { Explain } from './requests/explain.js';
import { Queries } from './requests/queries.js';
import { Rescue } from './rescue.js';
import { Retention } from './retention.js';
import { Sessions } from './sessions.js';
import { Settle } from './settle.js';
import type { FullSettings, TrackerParts, TrackerPorts, TrackerSettings } from './tracker-ports.js';
import { Trigger } from './trigger.js';

const sweepEveryMs = 60_000;
const resendEveryMs = 30_000;
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
  private subscription: Subscription | undefined;

  constructor(ports: TrackerPorts, settings: TrackerSettings) {
    const parts = { ports, settings: withDefaults(settings), subjects: subjectsOf(settings.cluster) };
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
    this.rescue = new Rescue(parts, this.sessions, this.dispatch, this.settle, () => this.trigger.catchUp());
    for (const observer of [this.sessions, this.dispatch, this.trigger, this.queries]) this.writes.observe(observer);
    this.retention = new Retention(parts);
    this.duties = this.makeDuties();
  }

  async start(): Promise<void> {
    await this.trigger.catchUp();
    await this.trigger.sweep();
    await this.rescue.start();
    this.dispatch.start();
    this.trigger.start();
    for (const duty of this.duties) duty.start();
    const { ports, subjects } = this.parts;
    const answer = answering(this.steps(), 'JobTracker', this.malformed);
    this.subscription = ports.transport.subscribe(subjects.tracker, answer, { queue: 'tracker' });
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
    await this.subscription?.close();
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
      RenewSession: async ({ session, runIds }) => ({ answer: sessions.renew(session, runIds) ? 'ok' : 'refused' }),
      EndSession: (body) => this.endSession(body),
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
      this.settle.verdicts(reports),
      session ? this.dispatch.takeDue(session, slots) : undefined,
    ]);
    if (!session || early?.answer === 'refused') return { answers, answer: 'refused', jobs: [] };
    if (early && early.jobs.length > 0) return { ...early, answers };
    const due = await this.dispatch.takeDue(session, slots);
    const credited = due.answer === 'ok' && due.jobs.length === 0 ? this.dispatch.credit(session, slots) : undefined;
    return { ...due, answers, credited };
  }

  /** A session that was replaced or ended meanwhile is not begun again by a late message. */
  private async startSession({ replaces, runIds, ...info }: BodyOf<'StartSession'>): Promise<ReplyOf<'StartSession'>> {
    for (const id of replaces) {
      const session = this.sessions.giveUp(id);
      if (session) await this.rescue.replace(session, runIds);
    }
    return { answer: this.sessions.begin(info) ? 'ok' : 'refused' };
  }

  private async endSession({ session: id, runIds }: BodyOf<'EndSession'>): Promise<ReplyOf<'EndSession'>> {
    const session = this.sessions.giveUp(id);
    if (session) await this.rescue.leave(session, runIds);
    return { answer: 'ok' };
  }

  private async appendLog({ lines, progress }: BodyOf<'AppendLog'>): Promise<ReplyOf<'AppendLog'>> {
    this.queries.noteProgress(progress);
    if (lines.length === 0) return {};
    await this.parts.ports.logger.append(lines);
    this.queries.noteLines(lines);
    return {};
  }

  private makeDuties(): Duty[] {
    const { clock, log } = this.parts.ports;
    const sweep = async () => {
      await this.rescue.sweep();
      await this.trigger.sweep();
      this.dispatch.lookAgain();
    };
    return [
      new Duty({ name: 'sweep', everyMs: sweepEveryMs, clock, log, run: sweep }),
      new Duty({ name: 'retention', everyMs: sweepEveryMs, clock, log, run: () => this.retention.sweep() }),
      new Duty({ name: 'resend of feedback', everyMs: resendEveryMs, clock, log, run: () => this.feedback.resend() }),
    ];
  }
}

function withDefaults(settings: TrackerSettings): FullSettings {
  return {
    cluster: settings.cluster,
    maxRetryTimes: settings.maxRetryTimes ?? 10,
    retryIntervalMs: settings.retryIntervalMs ?? 30_000,
    leaseMs: settings.leaseMs ?? limits.leaseMs,
    keepEndedMs: settings.keepEndedMs ?? 7 * day,
    keepEndedMax: settings.keepEndedMax ?? 1_000_000,
    timeZone: settings.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
