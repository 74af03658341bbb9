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
 *   hints.ts      where the trackers tell each other to look duties.ts     what is done again and again
 *   session-requests.ts, append-log.ts are the worker's side; schedules.ts, sessions.ts, writes.ts are what the steps share.
 *
 * Any number of trackers may work on one store: each write is conditional on what it was decided on, and every session is served by one
 * of them. What one does by timer the master does; two that do it harm nothing.
 */

import { answering, type Steps } from '../cluster/ask.js';
import type { Duty } from '../cluster/duty.js';
import { Malformed } from '../cluster/malformed.js';
import type { Subscription } from '../ports/transport.js';
import { Accept } from './accept.js';
import { Dispatch } from './dispatch.js';
import { dutiesOf } from './duties.js';
import { Feedback } from './feedback.js';
import { Hints } from './hints.js';
import { Schedules } from './records/schedules.js';
import { TrackerLog } from './records/tracker-log.js';
import { JobWrites } from './records/writes.js';
import { AppendLog } from './requests/append-log.js';
import { Control } from './requests/control.js';
import { Explain } from './requests/explain.js';
import { Queries } from './requests/queries.js';
import { SessionRequests } from './requests/session-requests.js';
import { Rescue } from './rescue/rescue.js';
import { Retention } from './retention.js';
import { Sessions } from './sessions/sessions.js';
import { Settle } from './settle.js';
import { partsOf, type TrackerParts, type TrackerPorts, type TrackerSettings } from './tracker-ports.js';
import { Trigger } from './trigger.js';

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
    const parts = partsOf(ports, settings);
    this.parts = parts;
    this.malformed = new Malformed(ports);
    this.writes = new JobWrites(ports.queue);
    this.sessions = new Sessions(parts);
    this.queries = new Queries(parts);
    this.trackerLog = new TrackerLog(ports);
    this.schedules = new Schedules(parts, this.writes);
    this.feedback = new Feedback(parts, this.writes);
    this.settle = new Settle(parts, this.writes, this.schedules, this.trackerLog, this.feedback);
    this.dispatch = new Dispatch(parts, this.writes, this.sessions, (expired) => this.settle.expired(expired));
    this.trigger = new Trigger(parts, this.writes, this.schedules);
    this.rescue = new Rescue(parts, this.sessions, this.dispatch, this.settle, (since) => this.trigger.catchUp(since));
    this.sessions.onLost = (session) => this.dispatch.drop(session);
    const { writes, sessions, queries, dispatch, trigger, rescue, feedback } = this;
    this.hints = new Hints(parts, { writes, sessions, queries, dispatch, trigger });
    if (!parts.isAlone) writes.onCommit((records) => this.hints.committed(records));
    for (const observer of [sessions, dispatch, trigger, queries]) writes.observe(observer);
    this.retention = new Retention(parts);
    this.duties = dutiesOf(parts, { rescue, trigger, dispatch, retention: this.retention, feedback });
  }

  async start(): Promise<void> {
    await this.trigger.catchUpAtStart();
    await this.trigger.sweep();
    await this.rescue.start();
    this.dispatch.start();
    this.trigger.start();
    for (const duty of this.duties) duty.start();
    this.subscriptions = this.subscribe();
  }

  private subscribe(): Subscription[] {
    const { ports, subjects, settings, isAlone } = this.parts;
    const toClients = answering(this.clientSteps(), 'JobTracker', this.malformed);
    const toWorkers = answering(this.workerSteps(), 'JobTracker', this.malformed);
    const hear = answering({ Hint: (body) => this.hints.hear(body) }, 'JobTracker', this.malformed);
    return [
      ports.transport.subscribe(subjects.tracker, toClients, { queue: 'tracker' }),
      ports.transport.subscribe(subjects.trackerOf(settings.identity), toClients),
      ports.transport.subscribe(subjects.runs, toWorkers, { queue: 'tracker' }),
      ports.transport.subscribe(subjects.runsOf(settings.identity), toWorkers),
      ...(isAlone ? [] : [ports.transport.subscribe(subjects.hints, hear)]),
    ];
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

  /** What JobClients ask: message kind -> step. */
  private clientSteps(): Steps {
    const { parts, writes, schedules, sessions, dispatch, queries, trackerLog, feedback } = this;
    const accept = new Accept(parts, writes, dispatch, schedules);
    const control = new Control(parts, { writes, schedules, sessions, log: trackerLog });
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
      JobsTold: (body) => feedback.told(body),
    };
  }

  /** What TaskTrackers ask. */
  private workerSteps(): Steps {
    const { parts, sessions, settle, dispatch, rescue, queries } = this;
    const session = new SessionRequests({ identity: parts.settings.identity, sessions, rescue, settle, dispatch });
    const log = new AppendLog(parts, queries, this.hints);
    return {
      StartSession: (body) => session.start(body),
      RenewSession: (body) => session.renew(body),
      EndSession: (body) => session.end(body),
      PullJobs: (body) => dispatch.pull(body),
      ReportRuns: (body) => session.report(body),
      AppendLog: (body) => log.append(body),
    };
  }
}
