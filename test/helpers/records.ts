/** Builders of job records for tests: name only what the test is about. */
import type { JobBody, JobRecord, JobStatus } from '../../src/job/job.js';

type Change = { jobId?: string } & { [Field in keyof JobBody]?: JobBody[Field] } & {
  [Field in keyof JobStatus]?: JobStatus[Field];
};

const statusFields: ReadonlySet<string> = new Set<keyof JobStatus>([
  'rev',
  'state',
  'reason',
  'dueAt',
  'attempt',
  'retryTimes',
  'losses',
  'isAlone',
  'runId',
  'session',
  'claimedAt',
  'lastRunId',
  'cancelAskedAt',
  'endedAt',
  'result',
  'message',
  'feedbackAt',
  'nextSlot',
  'slot',
  'generation',
  'heldBy',
  'skipped',
  'catchUpTo',
  'aliases',
]);

/** A waiting one-shot job of group `g`, due at 1,000; fields of body and status are named side by side. */
export function aRecord({ jobId = 'J1', ...fields }: Change = {}): JobRecord {
  const body: JobBody = {
    nodeGroup: 'g',
    params: '{}',
    priority: 100,
    lane: '',
    retry: { maxRetryTimes: 10, intervalMs: 30_000, backoff: 'fixed', intervalMaxMs: 3_600_000 },
    needFeedback: false,
    submittedAt: 1_000,
  };
  const status: JobStatus = { rev: 1, state: 'waiting', dueAt: 1_000, attempt: 0, retryTimes: 0, losses: 0 };
  const entries = Object.entries(fields);
  const of = (isStatus: boolean): object =>
    Object.fromEntries(entries.filter(([field]) => statusFields.has(field) === isStatus));
  return { jobId, body: { ...body, ...of(false) }, status: { ...status, ...of(true) } };
}

/** `count` records that differ in their jobId: `<prefix>0000`, `<prefix>0001`... */
export function records(count: number, change: Change = {}, prefix = 'J'): JobRecord[] {
  return Array.from({ length: count }, (_, i) =>
    aRecord({ ...change, jobId: `${prefix}${String(i).padStart(4, '0')}` }),
  );
}

/** An executing record of run `r1`, session `s1`, claimed at 1,000. */
export function aRun(change: Change = {}): JobRecord {
  return aRecord({ state: 'executing', attempt: 1, runId: 'r1', session: 's1', claimedAt: 1_000, ...change });
}

/** A succeeded record, ended at 2,000. */
export function anEnded(change: Change = {}): JobRecord {
  return aRecord({ state: 'succeeded', attempt: 1, endedAt: 2_000, ...change });
}

/** A waiting schedule that repeats every minute; independent of the previous cycle when `dueAt` is given. */
export function aSchedule(change: Change = {}): JobRecord {
  const trigger = { kind: 'repeat', intervalMs: 60_000, count: -1, firstAt: 1_000 } as const;
  return aRecord({
    dueAt: undefined,
    rule: { trigger, relyOnPrevCycle: true, misfire: 'fire-once' },
    generation: 1,
    ...change,
  });
}

export const ids = (found: readonly (JobRecord | undefined)[]): string[] => found.map((record) => record?.jobId ?? '-');
