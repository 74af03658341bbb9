/**
 * The TaskTracker: asks for jobs, runs them, and reports what became of them.
 *
 *   dispatch -> RECEIVE (receive.ts: pulls) -> RUN (run.ts: the user's runner) -> REPORT (report.ts) -> settle
 *
 *   session.ts   one life at the trackers: the lease that makes its runs its own
 *   slots.ts     how many runs fit            ahead.ts   jobs that wait here for a slot            voice.ts   biz-log lines and progress
 */

import { answering, ask, type Steps } from '../cluster/ask.js';
import { Malformed } from '../cluster/malformed.js';
import { Replay } from '../cluster/replay.js';
import { until, within } from '../cluster/within.js';
import type { JobRecord } from '../job/job.js';
import type { JobLogLine } from '../job/log-line.js';
import type { Subscription } from '../ports/transport.js';
import type { PullAnswer, RunReport } from '../protocol/messages.js';
import { subjectsOf } from '../protocol/subjects.js';
import { Ahead } from './ahead.js';
import { Receive } from './receive.js';
import { Report, type SlotOffer } from './report.js';
import { Run } from './run.js';
import { WorkerSession } from './session.js';
import { Slots } from './slots.js';
import { Voice } from './voice.js';
import type { WorkerParts, WorkerPorts, WorkerSettings } from './worker-ports.js';

/** What a stop found and did. */
export interface StopReport {
  /** Runs that ended with an outcome of their own, also after they were told to stop. */
  readonly finished: number;
  /** Runs that stopped when they were told to; their jobs wait again. */
  readonly handedBack: number;
  /** Runs whose code did not return in time; they can change nothing any more. */
  readonly abandoned: number;
}

/** The end of the stop deadline is kept for reporting and leaving: an eighth of it, at most this. */
const windDownMsMax = 2_000;
/** What was fetched ahead and has not started by then is handed back. */
const aheadMsMax = 1_000;
/** Run ids that the tracker was told are not held: refused for good, the newest of them remembered. */
const refusedMax = 10_000;

export class TaskTrackerRole {
  private readonly parts: WorkerParts;
  private readonly malformed: Malformed;
  private readonly slots: Slots;
  private readonly session: WorkerSession;
  private readonly receive: Receive;
  private readonly report: Report;
  private readonly voice: Voice;
  private readonly logReplay: Replay<JobLogLine>;
  private readonly runs = new Set<Run>();
  private readonly ahead = new Ahead();
  private isWatchingAhead = false;
  /** Jobs per runId that are not yet acknowledged. */
  private readonly held = new Map<string, number>();
  private readonly refused = new Set<string>();
  private isStopping = false;
  /** Since the stop began. */
  private ends = { finished: 0, handedBack: 0, abandoned: 0 };
  private subscription: { id: string; subscription: Subscription } | undefined;

  private readonly voiceOf = (job: JobRecord) => this.voice.of(job);

  constructor(ports: WorkerPorts, settings: WorkerSettings) {
    this.parts = { ports, settings: withDefaults(settings), subjects: subjectsOf(settings.cluster) };
    this.malformed = new Malformed(ports);
    this.slots = new Slots(this.parts.settings.workThreads);
    this.session = new WorkerSession(this.parts, {
      heldRunIds: () => [...this.held.keys()],
      onAlive: () => this.onAlive(),
      onLost: () => this.onLost(),
      onMoving: () => this.receive.pause(),
    });
    this.receive = new Receive(this.parts, this.slots, this.session, (jobs) => this.onJobs(jobs));
    this.report = new Report(this.parts, {
      offerSlots: (runs) => this.offerSlots(runs),
      tracker: () => this.session.subject,
      onGone: () => this.session.move(),
      answered: (offer, answer) => this.onReported(offer, answer),
    });
    this.voice = new Voice(this.parts);
    const { failStore, clock, log, oldDataHandler } = ports;
    this.logReplay = new Replay({
      topic: 'biz-logs',
      failStore,
      clock,
      log,
      everyMs: 30_000,
      oldDataHandler,
      send: async (lines) => {
        const to = { subject: this.parts.subjects.runs, deadlineMs: 5_000 };
        await ask(ports.transport, to, { kind: 'AppendLog', body: { lines, progress: [] } });
        return [];
      },
    });
  }

  /** Sends left-over results first, then begins its session and pulls. Without a tracker it starts all the same and goes on trying. */
  async start(): Promise<void> {
    await this.report.start();
    this.logReplay.start();
    await this.session.start();
  }

  /**
   * Finishes what runs, hands back the rest, and always resolves by the deadline, but for what the FailStore on this machine takes. Runs may end by themselves until the deadline
   * less two reserves; then they are told to stop and have the first: the abort grace, at most a quarter of the deadline. The second
   * is for reporting and leaving: an eighth of the deadline, at most 2 s. Of 25 s that leaves a run 18, of 10 s 6.25.
   */
  async stop(deadlineMs = 25_000): Promise<StopReport> {
    const { clock } = this.parts.ports;
    const endMono = clock.monoMs() + deadlineMs;
    const leftMs = (reservedMs: number) => Math.max(0, endMono - clock.monoMs() - reservedMs);
    const reportMs = Math.min(windDownMsMax, deadlineMs / 8);
    const graceMs = Math.min(this.parts.settings.abortGraceMs, deadlineMs / 4);
    const isIdle = () => this.runs.size === 0;

    this.isStopping = true;
    this.ends = { finished: 0, handedBack: 0, abandoned: 0 };
    await within(clock, leftMs(graceMs + reportMs), this.receive.withdraw());
    this.handBack(this.ahead.takeOlder(Number.POSITIVE_INFINITY));
    await until(clock, leftMs(graceMs + reportMs), isIdle);
    for (const run of this.runs) run.abort('shutdown');
    await until(clock, Math.min(graceMs, leftMs(reportMs)), isIdle);
    for (const run of this.runs) run.giveUp();
    await within(clock, leftMs(reportMs / 2), this.voice.flush());
    // A result that nobody takes is kept by the stop of the report, and stays named until then.
    await until(clock, leftMs(reportMs / 2), () => this.held.size === 0);
    await this.report.stop();
    await within(clock, leftMs(0), this.leave());
    return { ...this.ends };
  }

  private async leave(): Promise<void> {
    await Promise.all([this.session.stop(), this.logReplay.stop(), this.subscription?.subscription.close()]);
  }

  private onAlive(): void {
    if (this.isStopping) return;
    void this.listen();
    this.receive.resume();
  }

  /** What runs under the lost session is another's to run now, unless job or node say to go on. */
  private onLost(): void {
    this.receive.pause();
    this.handBack(this.ahead.takeOlder(Number.POSITIVE_INFINITY));
    for (const run of this.runs) {
      if ((run.job.body.leaseLost ?? this.parts.settings.leaseLost) === 'abort') run.abort('lease-lost');
    }
  }

  private async listen(): Promise<void> {
    const { id } = this.session;
    const old = this.subscription;
    if (old?.id === id) return;
    const answer = answering(this.steps(id), 'TaskTracker', this.malformed);
    const subscription = this.parts.ports.transport.subscribe(this.parts.subjects.session(id), answer);
    this.subscription = { id, subscription };
    await old?.subscription.close();
  }

  private steps(id: string): Steps {
    return {
      Probe: async () => ({ answer: this.session.id === id && this.session.isAlive ? 'ok' : 'refused' }),
      AskRuns: async ({ runIds }) => {
        const notHeld = runIds.filter((runId) => !this.held.has(runId));
        for (const runId of notHeld) this.refuse(runId);
        return { notHeld };
      },
      CancelRun: async ({ jobId, runId }) => {
        const unstarted = this.ahead.take(jobId, runId);
        this.handBack(unstarted);
        const run = [...this.runs].find((one) => one.job.jobId === jobId && one.runId === runId);
        run?.abort('cancelled');
        return { isHeld: run !== undefined || unstarted.length > 0 };
      },
    };
  }

  private onJobs(jobs: readonly JobRecord[]): void {
    // What comes after the stop began was never received: it is not named, so the tracker gives it back.
    if (this.isStopping) return;
    for (const job of jobs) {
      const runId = job.status.runId ?? '';
      if (this.refused.has(runId)) continue;
      this.held.set(runId, (this.held.get(runId) ?? 0) + 1);
      this.slots.receive();
      this.ahead.add(job, this.parts.ports.clock.monoMs());
    }
    this.startNext();
    if (!this.ahead.isEmpty && !this.isWatchingAhead) void this.watchAhead();
  }

  private startNext(): void {
    while (this.slots.canStart) {
      const job = this.ahead.next();
      if (!job) return;
      this.slots.start();
      void this.execute(new Run(this.parts, job, this.voiceOf));
    }
  }

  private async execute(run: Run): Promise<void> {
    const { clock } = this.parts.ports;
    const startedMono = clock.monoMs();
    this.runs.add(run);
    const outcome = await run.execute();
    this.runs.delete(run);
    if (!run.isReturned) this.ends.abandoned++;
    else if (outcome.kind === 'returned') this.ends.handedBack++;
    else this.ends.finished++;
    this.slots.end(clock.monoMs() - startedMono);
    this.startNext();
    await this.tell({ jobId: run.job.jobId, runId: run.runId, outcome });
  }

  private async tell(report: RunReport): Promise<void> {
    try {
      const reported = await this.report.add(report);
      // A run whose result is only kept stays named, so that the tracker does not take it for one that never arrived.
      if (reported === 'kept') return;
    } catch (error) {
      const { jobId } = report;
      this.parts.ports.log.error({ jobId, error }, 'a result could not be reported; its run will be taken for lost');
    }
    this.acknowledged(report.runId);
  }

  /** Runs turned out longer than those before: what waits too long here may start elsewhere. */
  private async watchAhead(): Promise<void> {
    const { clock } = this.parts.ports;
    this.isWatchingAhead = true;
    while (!this.ahead.isEmpty) {
      await clock.sleep(aheadMsMax / 4);
      const late = this.ahead.takeOlder(clock.monoMs() - aheadMsMax);
      if (late.length > 0) this.slots.expectLongRuns();
      this.handBack(late);
    }
    this.isWatchingAhead = false;
  }

  /** Gives back jobs that never started, as if they had not been claimed. */
  private handBack(jobs: readonly JobRecord[]): void {
    for (const { jobId, status } of jobs) {
      this.slots.giveUp();
      void this.tell({ jobId, runId: status.runId ?? '', outcome: { kind: 'missed' } });
    }
  }

  private acknowledged(runId: string): void {
    const left = (this.held.get(runId) ?? 1) - 1;
    if (left > 0) this.held.set(runId, left);
    else this.held.delete(runId);
  }

  /** A report offers the slots that its runs have left; the others wait at the tracker, with the pulls. */
  private offerSlots(runs: number): SlotOffer {
    if (!this.session.isServed || this.isStopping) return { session: '', slots: 0 };
    const slots = Math.min(this.slots.free, runs);
    this.slots.promise(slots);
    return { session: this.session.id, slots };
  }

  private onReported({ session, slots }: SlotOffer, answer: PullAnswer): void {
    this.slots.takeBack(slots);
    if (answer.credited) this.receive.credit(answer.credited);
    this.receive.take(answer, session);
    this.receive.fill();
  }

  private refuse(runId: string): void {
    this.refused.add(runId);
    const [oldest] = this.refused;
    if (this.refused.size > refusedMax && oldest !== undefined) this.refused.delete(oldest);
  }
}

function withDefaults(settings: WorkerSettings): Required<WorkerSettings> {
  return {
    workThreads: 64,
    leaseLost: 'abort',
    abortGraceMs: 5_000,
    bizLoggerLevel: 'INFO',
    leaseMs: 30_000,
    ...settings,
  };
}
