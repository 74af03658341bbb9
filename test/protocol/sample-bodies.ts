/** One valid body per message kind, with every field, as it comes out of JSON. */
import type { BodyOf, MessageKind, SubmittedJob } from '../../src/protocol/messages.js';

export const aJob = (jobId: string): SubmittedJob => ({
  jobId,
  body: {
    nodeGroup: 'lts',
    taskId: `task-${jobId}`,
    processor: 'mail',
    params: '{"a":1}',
    submitNodeGroup: 'web',
    priority: 100,
    lane: '',
    retry: { maxRetryTimes: 3, intervalMs: 1_000, backoff: 'fixed', intervalMaxMs: 60_000 },
    timeoutMs: 5_000,
    expireAt: 4_000_000_000_000,
    needFeedback: true,
    leaseLost: 'abort',
    submittedAt: 1_700_000_000_000,
  },
  trigger: { kind: 'delay', delayMs: 0 },
  replaceOnExist: false,
  relyOnPrevCycle: true,
  misfire: 'fire-once',
});
const line = { jobId: 'j1', runId: 'r1', seq: 1, at: 5, level: 'INFO', type: 'biz', text: 'hello' } as const;
const ofSession = { session: 'worker-1-abc', runIds: ['r1', 'r2'] };

export const sampleBodies: { readonly [K in MessageKind]: readonly BodyOf<K>[] } = {
  SubmitJobs: [
    { jobs: [aJob('a'), aJob('b'), aJob('c')] },
    {
      jobs: [
        { ...aJob('d'), trigger: { kind: 'cron', expression: '0 0 * * * ?', timeZone: 'UTC' } },
        { ...aJob('e'), trigger: { kind: 'repeat', intervalMs: 1_000, count: -1, firstAt: 7 } },
        { ...aJob('f'), trigger: { kind: 'fixed-delay', delayMs: 1_000, firstAt: 7 }, replaceOnExist: true },
        { ...aJob('g'), trigger: { kind: 'at', at: 1_700_000_000_000 } },
      ],
    },
  ],
  CancelJob: [{ jobId: 'a' }, { nodeGroup: 'lts', taskId: 'task-a' }],
  SuspendJob: [{ jobId: 'a' }],
  ResumeJob: [{ jobId: 'a' }],
  TriggerJob: [{ jobId: 'd', requestId: 'q1' }],
  EditJob: [
    { jobId: 'a', edit: { params: '1', priority: 5, dueAt: 9, maxRetryTimes: 2 } },
    { jobId: 'd', edit: { trigger: { kind: 'cron', expression: '0 0 0 * * ?', timeZone: 'UTC' } } },
  ],
  GetJob: [{ jobId: 'a' }, { nodeGroup: 'lts', taskId: 'task-a' }],
  ListJobs: [{ states: ['waiting'], nodeGroup: 'lts', taskId: 'task-a', schedules: false, limit: 10 }],
  CountJobs: [{}],
  AwaitJob: [{ jobId: 'a', afterRev: 0, waitMs: 0, isLogWanted: true }],
  ReadLog: [{ jobId: 'a', limit: 10 }],
  ExplainJob: [{ jobId: 'a' }],
  StartSession: [
    {
      ...ofSession,
      identity: 'worker-1',
      nodeGroup: 'lts',
      workThreads: 4,
      processors: ['mail'],
      replaces: ['worker-1-old'],
      moves: 0,
    },
  ],
  RenewSession: [ofSession],
  EndSession: [ofSession],
  PullJobs: [{ session: 'worker-1-abc', pullId: 1, slots: 1, waitMs: 0 }],
  ReportRuns: [
    {
      session: 'worker-1-abc',
      slots: 1,
      reports: [
        { jobId: 'a', runId: 'r1', outcome: { kind: 'success', result: '1', message: 'fine' } },
        { jobId: 'b', runId: 'r1', outcome: { kind: 'later', message: 'not yet', delayMs: 5 } },
        { jobId: 'c', runId: 'r1', outcome: { kind: 'lost', others: 1 } },
      ],
    },
  ],
  AppendLog: [
    { lines: [line, { ...line, seq: 2 }], progress: [{ jobId: 'a', runId: 'r1', percent: 0.5, text: 'half' }] },
  ],
  Probe: [{ session: 'worker-1-abc' }],
  AskRuns: [{ runIds: ['r1'] }],
  CancelRun: [{ jobId: 'a', runId: 'r1' }],
  JobsTold: [{ jobIds: ['a', 'b'] }],
  JobsFinished: [
    {
      tracker: 'tracker-1',
      results: [
        {
          jobId: 'a',
          taskId: 'task-a',
          nodeGroup: 'lts',
          success: true,
          state: 'failed',
          reason: 'failed',
          message: 'm',
          endedAt: 5,
          result: '1',
        },
      ],
    },
  ],
  Hint: [
    {
      from: 'tracker-1',
      waiting: [{ nodeGroup: 'lts', count: 1, dueAt: 5 }],
      fireAt: 5,
      changed: ['a'],
      progress: [{ jobId: 'a', runId: 'r1', percent: 1 }],
    },
  ],
};
export const kinds = Object.keys(sampleBodies) as MessageKind[];
