/** One shape per message kind, for its body and for its reply; `messages.ts` holds the same as types, a test holds both equal. */
import { limits } from '../limits.js';
import type { MessageKind } from '../messages.js';
import {
  count,
  counts,
  editKey,
  explanation,
  finishedJob,
  id,
  jobKey,
  jobLogLine,
  jobRecord,
  name,
  runReport,
  session,
  state,
  submittedJob,
  triggerKey,
} from './job-shapes.js';
import { list, number, object, oneOf, optional, type Shape, text, truth, whole } from './shape.js';

/** More of them fit no message. */
const idsMax = 100_000;
const runIds = list(id, idsMax);
const cursor = text({ charsMax: 4_096 });
const anyWhole = whole(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
/** What is left of a wait may be a fraction, or over; the steps bound it. */
const anyNumber = number(-Number.MAX_VALUE, Number.MAX_VALUE);
const waitMs = anyNumber;
const instant = anyNumber;
const slots = whole(0, 1_000_000);
/** Of a request that offers slots of no session: ''. */
const anySession = text({ charsMax: 128 });
const batch = <Item extends Shape>(item: Item) => list(item, limits.batchJobsMax);

const nothing = object({});
const answer = oneOf('ok', 'refused', 'elsewhere');
const sessionAnswer = object({ answer });
const controlAnswer = object({ receipt: oneOf('done', 'delivered', 'asked', 'already-ended'), job: jobRecord });
const runsOfSession = object({ session, runIds });
const pullAnswer = {
  answer,
  jobs: batch(jobRecord),
  credited: optional(object({ pullId: count, slots })),
};

export const progress = object({
  jobId: id,
  runId: id,
  percent: anyNumber,
  text: optional(text({ charsMax: 2 * limits.logLineBytesMax })),
});

export const messageShapes = {
  SubmitJobs: {
    body: object({ jobs: batch(submittedJob) }),
    reply: object({
      answers: batch(
        object({
          code: oneOf('accepted', 'duplicate', 'replaced', 'rejected', 'busy'),
          jobId: text(),
          msg: optional(text()),
          errorCode: optional(text()),
        }),
      ),
    }),
  },
  CancelJob: { body: jobKey, reply: controlAnswer },
  SuspendJob: { body: jobKey, reply: controlAnswer },
  ResumeJob: { body: jobKey, reply: controlAnswer },
  TriggerJob: { body: triggerKey, reply: controlAnswer },
  EditJob: { body: editKey, reply: controlAnswer },
  GetJob: { body: jobKey, reply: object({ job: optional(jobRecord) }) },
  ListJobs: {
    body: object({
      states: optional(list(state, 100)),
      nodeGroup: optional(id),
      taskId: optional(text({ charsMax: 200 })),
      schedules: optional(truth),
      cursor: optional(cursor),
      limit: anyWhole,
    }),
    reply: object({ records: batch(jobRecord), cursor: optional(cursor) }),
  },
  CountJobs: { body: nothing, reply: object({ counts }) },
  AwaitJob: {
    body: object({
      jobId: id,
      afterRev: anyWhole,
      waitMs,
      isLogWanted: truth,
      cursor: optional(cursor),
    }),
    reply: object({ job: optional(jobRecord), progress: optional(progress) }),
  },
  ReadLog: {
    body: object({ jobId: id, cursor: optional(cursor), limit: anyWhole }),
    reply: object({ lines: batch(jobLogLine), cursor: optional(cursor), hasMore: optional(truth) }),
  },
  ExplainJob: { body: jobKey, reply: explanation },

  StartSession: {
    body: object({
      session,
      identity: name,
      nodeGroup: name,
      workThreads: whole(0, 1_000_000),
      processors: list(text({ charsMax: 128 }), 10_000),
      replaces: list(session, 1_000),
      runIds,
      moves: anyWhole,
    }),
    reply: object({ answer, tracker: name }),
  },
  RenewSession: { body: runsOfSession, reply: sessionAnswer },
  EndSession: { body: runsOfSession, reply: sessionAnswer },
  PullJobs: {
    body: object({ session, pullId: count, slots, waitMs }),
    reply: object(pullAnswer),
  },
  ReportRuns: {
    body: object({ session: anySession, reports: batch(runReport), slots }),
    reply: object({ ...pullAnswer, answers: batch(oneOf('ok', 'stale', 'unknown')) }),
  },
  AppendLog: {
    body: object({ lines: batch(jobLogLine), progress: list(progress, idsMax) }),
    reply: nothing,
  },

  Probe: { body: object({ session }), reply: sessionAnswer },
  AskRuns: { body: object({ runIds }), reply: object({ notHeld: runIds }) },
  CancelRun: { body: object({ jobId: id, runId: id }), reply: object({ isHeld: truth }) },

  JobsFinished: {
    body: object({ tracker: name, results: batch(finishedJob) }),
    reply: object({ isReceived: optional(truth) }),
  },
  JobsTold: { body: object({ jobIds: batch(id) }), reply: nothing },
  Hint: {
    body: object({
      from: name,
      waiting: list(object({ nodeGroup: name, count: anyWhole, dueAt: instant }), idsMax),
      fireAt: optional(instant),
      changed: list(id, idsMax),
      progress: list(progress, idsMax),
    }),
    reply: nothing,
  },
} as const satisfies Readonly<Record<MessageKind, { readonly body: Shape; readonly reply: Shape }>>;
