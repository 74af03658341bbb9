/**
 * What the nodes say to each other. A request is `{ kind, body }`; each kind names its body and its reply here.
 *
 *   JobClient   -> JobTracker    SubmitJobs, CancelJob, SuspendJob, ResumeJob, TriggerJob, EditJob,
 *                                GetJob, ListJobs, CountJobs, AwaitJob, ReadLog, ExplainJob, JobsTold
 *   TaskTracker -> JobTracker    StartSession, RenewSession, EndSession, PullJobs, ReportRuns, AppendLog
 *   JobTracker  -> TaskTracker   Probe, AskRuns, CancelRun
 *   JobTracker  -> JobClient     JobsFinished
 *   JobTracker  -> JobTrackers   Hint (published, never answered)
 *
 * `shapes/message-shapes.ts` holds the same for what comes from outside; a compile-time test holds both equal. `README.md` is for clients
 * in other languages.
 */
import type { JobBody, JobRecord, MisfirePolicy, RetryPolicy } from '../job/job.js';
import type { Counts, ListPage, ListRequest } from '../job/listing.js';
import type { JobLogLine } from '../job/log-line.js';
import type { RunOutcome } from '../job/next-step.js';
import type { JobResult } from '../job/result.js';

/** When a submitted job first runs. Relative times count from acceptance, by the JobTracker's clock. */
export type SubmittedTrigger =
  | { readonly kind: 'at'; readonly at: number }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'cron'; readonly expression: string; readonly timeZone?: string | undefined }
  | {
      readonly kind: 'repeat';
      readonly intervalMs: number;
      readonly count: number;
      readonly firstAt?: number | undefined;
    }
  | { readonly kind: 'fixed-delay'; readonly delayMs: number; readonly firstAt?: number | undefined };

/** What the job does not say itself, the JobTracker's settings fill in. */
export type SubmittedBody = Omit<JobBody, 'retry' | 'rule' | 'origin'> & { readonly retry: Partial<RetryPolicy> };

export interface SubmittedJob {
  readonly jobId: string;
  readonly body: SubmittedBody;
  readonly trigger: SubmittedTrigger;
  readonly replaceOnExist: boolean;
  readonly relyOnPrevCycle: boolean;
  readonly misfire: MisfirePolicy;
}

export interface SubmitAnswer {
  readonly code: 'accepted' | 'duplicate' | 'replaced' | 'rejected' | 'busy';
  /** The job that stands for this submission: its own, or the existing one. */
  readonly jobId: string;
  readonly msg?: string | undefined;
  /** Of `rejected`: a code of the error table; LTS_JOB_INVALID where it is absent, as from older trackers. */
  readonly errorCode?: string | undefined;
}

/** Names one job: by jobId, or by its key among open jobs. */
export type JobKey = { readonly jobId: string } | { readonly nodeGroup: string; readonly taskId: string };

export interface ControlAnswer {
  /**
   * `done`; for a cancel of an executing job: `delivered` (its worker was told) or `asked` (recorded, the worker could not be
   * told yet); `already-ended`.
   */
  readonly receipt: 'done' | 'delivered' | 'asked' | 'already-ended';
  readonly job: JobRecord;
}

/** Waiting fields that may be edited; the rule of a schedule is replaced as a whole. */
export interface JobEdit {
  readonly params?: string | undefined;
  readonly priority?: number | undefined;
  readonly dueAt?: number | undefined;
  readonly maxRetryTimes?: number | undefined;
  readonly trigger?: SubmittedTrigger | undefined;
}

/** Why a job is not running, or what became of it. */
export interface Explanation {
  /** The primary reason, one code per answer. */
  readonly code: ExplainCode;
  readonly text: string;
  /** The numbers behind it. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}
export type ExplainCode =
  | 'not-due'
  | 'waiting-for-retry'
  | 'no-worker'
  | 'no-runner'
  | 'no-free-slot'
  | 'suspect-waiting'
  | 'about-to-start'
  | 'running'
  | 'cancel-asked'
  | 'suspended'
  | 'schedule-active'
  | 'ended';

/** One finished run. It counts only while (jobId, runId) is the job's current run. */
export interface RunReport {
  readonly jobId: string;
  readonly runId: string;
  readonly outcome: RunOutcome;
}

/**
 * `ok`: applied, now or by an earlier copy of this report. `stale`: another run is current; recorded, not applied. `unknown`: this
 * JobTracker's store has no such job, so nothing was done; it may have been removed after its retention, or lie in another store.
 */
export type ReportAnswer = 'ok' | 'stale' | 'unknown';

export interface SessionInfo {
  /** `identity-epoch`: one life of a TaskTracker at its trackers. */
  readonly session: string;
  readonly identity: string;
  readonly nodeGroup: string;
  readonly workThreads: number;
  readonly processors: readonly string[];
}

/**
 * `refused`: the session is dead; the worker aborts its runs and begins a new one. `elsewhere`: this tracker does not serve it (any
 * more); the worker begins the same session again, at any tracker, and its runs go on.
 */
export type SessionAnswer = { readonly answer: 'ok' | 'refused' | 'elsewhere' };

export interface PullAnswer extends SessionAnswer {
  readonly jobs: readonly JobRecord[];
  /** Slots of a report that were added to a parked pull of the session: they come back with that pull's answer. */
  readonly credited?: { readonly pullId: number; readonly slots: number } | undefined;
}

/** Message kinds with the body they carry and the reply they get. */
export interface Messages {
  SubmitJobs: {
    body: { readonly jobs: readonly SubmittedJob[] };
    reply: { readonly answers: readonly SubmitAnswer[] };
  };
  CancelJob: { body: JobKey; reply: ControlAnswer };
  SuspendJob: { body: JobKey; reply: ControlAnswer };
  ResumeJob: { body: JobKey; reply: ControlAnswer };
  TriggerJob: { body: JobKey & { readonly requestId: string }; reply: ControlAnswer };
  EditJob: { body: JobKey & { readonly edit: JobEdit }; reply: ControlAnswer };
  GetJob: { body: JobKey; reply: { readonly job?: JobRecord | undefined } };
  ListJobs: { body: ListRequest; reply: ListPage };
  CountJobs: { body: Record<string, never>; reply: { readonly counts: Counts } };
  /**
   * Answers once the job's rev is greater than `afterRev`, on progress, if `isLogWanted` once there are log lines after `cursor`,
   * or with the present state after `waitMs`.
   */
  AwaitJob: {
    body: {
      readonly jobId: string;
      readonly afterRev: number;
      readonly waitMs: number;
      readonly isLogWanted: boolean;
      readonly cursor?: string | undefined;
    };
    reply: { readonly job?: JobRecord | undefined; readonly progress?: Progress | undefined };
  };
  ReadLog: {
    body: { readonly jobId: string; readonly cursor?: string | undefined; readonly limit: number };
    /** `hasMore`: the page closed for its size, and others follow it. */
    reply: {
      readonly lines: readonly JobLogLine[];
      readonly cursor?: string | undefined;
      readonly hasMore?: boolean | undefined;
    };
  };
  ExplainJob: { body: JobKey; reply: Explanation };

  /**
   * `replaces`: sessions that this process has given up; of their claims only `runIds` ever arrived. `moves` counts the beginnings of
   * this session. The session's further requests go to the tracker that the reply names.
   */
  StartSession: {
    body: SessionInfo & {
      readonly replaces: readonly string[];
      readonly runIds: readonly string[];
      readonly moves: number;
    };
    reply: SessionAnswer & { readonly tracker: string };
  };
  /** Names every runId received and not yet acknowledged. */
  RenewSession: { body: { readonly session: string; readonly runIds: readonly string[] }; reply: SessionAnswer };
  /** Runs that are not named were never received. */
  EndSession: { body: { readonly session: string; readonly runIds: readonly string[] }; reply: SessionAnswer };
  /** Answered when there is work, or empty after `waitMs`. `pullId` names the pull within its session. */
  PullJobs: {
    body: { readonly session: string; readonly pullId: number; readonly slots: number; readonly waitMs: number };
    reply: PullAnswer;
  };
  /** The reply acknowledges after the commit and brings jobs for `slots`, if any are due. */
  ReportRuns: {
    body: { readonly session: string; readonly reports: readonly RunReport[]; readonly slots: number };
    reply: PullAnswer & { readonly answers: readonly ReportAnswer[] };
  };
  AppendLog: {
    body: { readonly lines: readonly JobLogLine[]; readonly progress: readonly Progress[] };
    reply: Record<string, never>;
  };

  Probe: { body: { readonly session: string }; reply: SessionAnswer };
  /** After this a run that is not held is refused by the worker for good. */
  AskRuns: { body: { readonly runIds: readonly string[] }; reply: { readonly notHeld: readonly string[] } };
  CancelRun: { body: { readonly jobId: string; readonly runId: string }; reply: { readonly isHeld: boolean } };

  /**
   * Answered at once with `isReceived`; JobsTold at `tracker`, the sender's identity, follows. An answer without it says that the
   * results were told already.
   */
  JobsFinished: {
    body: { readonly tracker: string; readonly results: readonly FinishedJob[] };
    reply: { readonly isReceived?: boolean | undefined };
  };
  /** The completed handler has ended; what it owed is paid. */
  JobsTold: { body: { readonly jobIds: readonly string[] }; reply: Record<string, never> };
  Hint: { body: TrackerHint; reply: Record<string, never> };
}

/** Where another tracker had better look: after one commit. Lost hints cost time only. */
export interface TrackerHint {
  /** Identity of the sender, who needs no hint of its own. */
  readonly from: string;
  /** Jobs that wait, due by `dueAt` or soon after. */
  readonly waiting: readonly { readonly nodeGroup: string; readonly count: number; readonly dueAt: number }[];
  /** Earliest instant at which a schedule is to be fired. */
  readonly fireAt?: number | undefined;
  /** Jobs whose record changed, and progress of runs: for those who follow them. */
  readonly changed: readonly string[];
  readonly progress: readonly Progress[];
}

/** A JobResult whose value still is JSON text. */
export type FinishedJob = Omit<JobResult, 'value'> & { readonly result?: string | undefined };

export interface Progress {
  readonly jobId: string;
  readonly runId: string;
  readonly percent: number;
  readonly text?: string | undefined;
}

export type MessageKind = keyof Messages;
export type BodyOf<K extends MessageKind> = Messages[K]['body'];
export type ReplyOf<K extends MessageKind> = Messages[K]['reply'];
