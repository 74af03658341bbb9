/** The checks of all message kinds, compiled once. */
import { LtsError } from '../../errors.js';
import type { MessageKind, ReplyOf } from '../messages.js';
import { type Check, checkOf, type Fault } from './check.js';
import { jobLogLine, runReport, submittedJob } from './job-shapes.js';
import { messageShapes, progress } from './message-shapes.js';

interface KindChecks {
  readonly body: Check;
  readonly reply: Check;
}

const checks = Object.fromEntries(
  Object.entries(messageShapes).map(([kind, { body, reply }]) => [
    kind,
    { body: checkOf(body), reply: checkOf(reply) },
  ]),
) as Readonly<Record<MessageKind, KindChecks>>;

/** What is wrong with the body: `SubmitJobs.jobs[3].body.priority: 1.5 is no whole number`. Undefined where nothing is. */
export function bodyFault(kind: MessageKind, body: unknown): string | undefined {
  const fault = checks[kind].body(body);
  return fault && `${kind}${faultText(fault)}`;
}

/** The reply, if it has the shape of its kind. Throws LTS_MESSAGE_INVALID. */
export function checkedReply<K extends MessageKind>(kind: K, reply: unknown): ReplyOf<K> {
  const fault = checks[kind].reply(reply);
  if (!fault) return reply as ReplyOf<K>;
  throw new LtsError('LTS_MESSAGE_INVALID', `The reply to ${kind}${faultText(fault)}.`);
}

const faultText = ({ path, what }: Fault): string => `${path}: ${what}`;

/** The lists of which one bad item is no reason to refuse the others: each item has a check of its own. */
export const itemChecks = {
  SubmitJobs: { jobs: checkOf(submittedJob) },
  ReportRuns: { reports: checkOf(runReport) },
  AppendLog: { lines: checkOf(jobLogLine), progress: checkOf(progress) },
} as const;
