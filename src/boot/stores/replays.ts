/** Sends what a FailStore kept for nodes that are gone: each topic as the role would have sent it. */
import { ask } from '../../cluster/ask.js';
import { type Refusals, Replay, refusalsOf } from '../../cluster/replay.js';
import { LtsError } from '../../errors.js';
import type { JobLogLine } from '../../job/log-line.js';
import type { FailStore, FailTopic } from '../../ports/fail-store.js';
import type { Log } from '../../ports/log.js';
import type { OldDataHandler } from '../../ports/old-data.js';
import type { Transport } from '../../ports/transport.js';
import type { BodyOf, MessageKind, ReplyOf, RunReport, SubmittedJob } from '../../protocol/messages.js';
import { subjectsOf } from '../../protocol/subjects.js';
import { clock } from '../system-ports.js';

export interface ReplayPlace {
  readonly failStore: FailStore;
  readonly transport: Transport;
  readonly cluster: string;
  readonly log: Log;
  readonly oldDataHandler?: OldDataHandler | undefined;
}

/** Results first: they count before their runs are taken for lost. */
export const topics: readonly FailTopic[] = ['results', 'submissions', 'biz-logs'];

const everyMs = 30_000;
const answerWithinMs = 10_000;

export function replayOf(topic: FailTopic, place: ReplayPlace): Replay<never> {
  const { failStore, log, oldDataHandler } = place;
  const send = senderOf(topic, place) as (values: readonly unknown[]) => Promise<Refusals>;
  return new Replay<never>({ topic, failStore, clock, log, everyMs, send, oldDataHandler });
}

function senderOf(topic: FailTopic, { transport, cluster }: ReplayPlace) {
  const { tracker, runs } = subjectsOf(cluster);
  const subject = topic === 'submissions' ? tracker : runs;
  const tell = <K extends MessageKind>(kind: K, body: BodyOf<K>): Promise<ReplyOf<K>> =>
    ask(transport, { subject, deadlineMs: answerWithinMs }, { kind, body });
  const senders = {
    results: async (reports: readonly RunReport[]): Promise<Refusals> => {
      const { answers } = await tell('ReportRuns', { session: '', slots: 0, reports });
      return refusalsOf(answers);
    },
    'biz-logs': async (lines: readonly JobLogLine[]): Promise<Refusals> => {
      await tell('AppendLog', { lines, progress: [] });
      return [];
    },
    submissions: async (jobs: readonly SubmittedJob[]): Promise<Refusals> => {
      const { answers } = await tell('SubmitJobs', { jobs });
      if (answers.some(({ code }) => code === 'busy')) throw new LtsError('LTS_BUSY', 'The JobTracker is busy.');
      return answers.map(({ code, msg }) => (code === 'rejected' ? (msg ?? 'rejected') : undefined));
    },
  };
  return senders[topic];
}
