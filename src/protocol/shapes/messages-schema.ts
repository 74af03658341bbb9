/** The JSON Schema of the whole protocol: each message kind with its body and its reply. */
import * as jobs from './job-shapes.js';
import { type JsonSchema, jsonSchemaOf, spelledOut } from './json-schema.js';
import { messageShapes, progress } from './message-shapes.js';

/** Shapes that are written once, by their name. */
const named = {
  JobKey: jobs.jobKey,
  SubmittedJob: jobs.submittedJob,
  SubmittedTrigger: jobs.submittedTrigger,
  JobRecord: jobs.jobRecord,
  RunOutcome: jobs.runOutcome,
  RunReport: jobs.runReport,
  JobLogLine: jobs.jobLogLine,
  FinishedJob: jobs.finishedJob,
  Progress: progress,
};

/** `$defs` has the parts by name, and `<Kind>.body` and `<Kind>.reply` for each kind. */
export function messagesSchema(): JsonSchema {
  const names = new Map(Object.entries(named).map(([name, shape]) => [shape, name] as const));
  const parts = Object.entries(named).map(([name, shape]) => [name, spelledOut(shape, names)] as const);
  const messages = Object.entries(messageShapes).flatMap(([kind, { body, reply }]) => [
    [`${kind}.body`, jsonSchemaOf(body, names)] as const,
    [`${kind}.reply`, jsonSchemaOf(reply, names)] as const,
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'light-task-scheduler messages, protocol version 1',
    description:
      'Body and reply of each message kind. Fields that are not named here are allowed, kept and ignored, at most 32 levels deep; keys named __proto__ or constructor are refused.',
    $defs: Object.fromEntries([...parts, ...messages]),
  };
}
