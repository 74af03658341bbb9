/** What a record is said to weigh, against what it does: a batch that closes at 512 KiB must fit a message of 1 MiB. */
import { expect, it } from 'vitest';
import { claimBytes, type JobBody, type JobRecord, type JobStatus, recordBytes } from '../../src/job/job.js';
import { limits } from '../../src/protocol/limits.js';
import { aRecord } from '../helpers/records.js';

const real = (record: JobRecord): number => Buffer.byteLength(JSON.stringify(record));
const least = -8.64e15;
const most = Number.MAX_SAFE_INTEGER;
const slot = { id: `manual:${'x'.repeat(64)}`, at: least, run: most };
const half = '\ud800';

const shortBody: Partial<JobBody> = { params: '{}', taskId: undefined, processor: undefined, lane: '' };
const longNumbers: Partial<JobBody> = {
  priority: -1_000_000_000,
  retry: {
    maxRetryTimes: 1_000_000,
    intervalMs: 31_622_400_000,
    backoff: 'exponential',
    intervalMaxMs: 31_622_400_000,
  },
  timeoutMs: 31_622_400_000,
  expireAt: least,
  submittedAt: least,
  leaseLost: 'continue',
};
const longTexts: Partial<JobBody> = {
  nodeGroup: 'g'.repeat(64),
  submitNodeGroup: 's'.repeat(64),
  lane: 'l'.repeat(64),
  taskId: half.repeat(64),
  processor: half.repeat(128),
};
const executing: Partial<JobStatus> = {
  rev: most,
  state: 'executing',
  dueAt: least,
  attempt: most,
  retryTimes: 1_000_000,
  losses: 1_000,
  isAlone: true,
  runId: 'r'.repeat(32),
  session: 's'.repeat(81),
  claimedAt: least,
  lastRunId: 'r'.repeat(32),
};
const origin = { scheduleId: 'j'.repeat(128), generation: most, slot };
const recordOf = (jobId: string, body: Partial<JobBody>, status: Partial<JobStatus>): JobRecord => {
  const plain = aRecord({ jobId });
  return { jobId, body: { ...plain.body, ...shortBody, ...body }, status: { ...plain.status, ...status } };
};

it.each([
  ['plain', recordOf('j'.repeat(26), {}, { state: 'executing', runId: 'r'.repeat(32), session: 's'.repeat(28) })],
  ['of long numbers', recordOf('j', longNumbers, executing)],
  ['of long texts', recordOf('j'.repeat(128), longTexts, {})],
  ['of a schedule', recordOf('j'.repeat(200), { ...longNumbers, ...longTexts, origin }, executing)],
])('claimed records, %s, that are weighed as 512 KiB fit 1 MiB', (_, record) => {
  expect(real(record)).toBeLessThan(1.9 * claimBytes(record));
});

it('the heaviest records that can be stored fit 1 MiB alone, and their pages do', () => {
  const params = '"'.repeat((limits.paramsBytesMax - 2) / 2);
  const message = '\u0001'.repeat(limits.messageCharsMax);
  const ids = (count: number) => Array.from({ length: count }, () => 'i'.repeat(200));
  const body = { ...longNumbers, ...longTexts, params };
  const over = { ...executing, message, endedAt: least, feedbackAt: least, nextSlot: slot, aliases: ids(64) };
  const ended = recordOf('j'.repeat(200), { ...body, origin }, { ...over, state: 'succeeded', result: params });
  const trigger = { kind: 'cron', expression: half.repeat(1_000), timeZone: 'z'.repeat(100) } as const;
  const rule = { trigger, relyOnPrevCycle: true, misfire: 'fire-once' } as const;
  const of = { slot, generation: most, heldBy: ids(1_000), skipped: most, catchUpTo: least, aliases: ids(64) };
  const schedule = recordOf('j'.repeat(128), { ...body, rule }, of);
  for (const record of [ended, schedule]) {
    expect(real(record)).toBeLessThan(800 * 1024);
    expect(real(record)).toBeLessThan(1.1 * recordBytes(record));
  }
  const bare = { ...schedule, body: { ...schedule.body, params: '{}' }, status: { ...schedule.status, heldBy: [] } };
  expect(real(bare)).toBeLessThan(1.1 * recordBytes(bare));
});
