/** The JobQueue under test in a suite, and the verbs in the short forms that its tests use. */
import { afterEach, beforeEach, expect } from 'vitest';
import { type JobRecord, withStatus } from '../../src/job/job.js';
import type { ListRequest } from '../../src/job/listing.js';
import type { ClaimOutcome, ClaimRequest, JobQueue } from '../../src/ports/job-queue.js';
import { ids } from '../helpers/records.js';

/** A fresh, opened queue, and what ends the test: closes it and checks what can be checked. */
export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** Closes the store and opens it again. */
  reopen(): Promise<JobQueue>;
  end(): Promise<void>;
}

const claimOf = (change: Partial<ClaimRequest> = {}): ClaimRequest => ({
  nodeGroup: 'g',
  max: 10,
  bytesMax: 1_000_000,
  now: 5_000,
  runId: 'r1',
  session: 's1',
  suspects: 'none',
  ...change,
});
export const settled = (record: JobRecord, change: Partial<JobRecord['status']> = {}): JobRecord =>
  withStatus(record, {
    state: 'succeeded',
    endedAt: 9_000,
    runId: undefined,
    session: undefined,
    lastRunId: record.status.runId,
    ...change,
  });
/** A queue of its own for each test of the suite that calls this. */
export function useQueue(create: () => Promise<QueueUnderTest>) {
  const under = { queue: undefined as unknown as JobQueue, reopen: async (): Promise<void> => {} };
  let end: () => Promise<void>;
  beforeEach(async () => {
    const test = await create();
    under.queue = test.queue;
    end = () => test.end();
    under.reopen = async () => {
      under.queue = await test.reopen();
    };
  });
  afterEach(() => end());
  return { under, ...verbsOf(under) };
}

function verbsOf(under: { readonly queue: JobQueue }) {
  const add = async (...added: JobRecord[]): Promise<void> => {
    const outcomes = await under.queue.add(added);
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(added.map(() => 'added'));
  };
  const claim = (change?: Partial<ClaimRequest>): Promise<ClaimOutcome> => under.queue.claim(claimOf(change));
  const claimIds = async (change?: Partial<ClaimRequest>): Promise<string[]> => ids((await claim(change)).claimed);
  const getOne = async (jobId: string): Promise<JobRecord | undefined> => (await under.queue.get([jobId]))[0];
  const update = async (before: JobRecord, after: JobRecord): Promise<JobRecord | undefined> =>
    (await under.queue.update([{ before, after }]))[0];
  const listAll = async (request: Omit<ListRequest, 'limit' | 'cursor'> = {}, limit = 2): Promise<string[]> => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await under.queue.list({ ...request, cursor, limit });
      expect(page.records.length).toBeLessThanOrEqual(limit);
      found.push(...ids(page.records));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  };
  return { add, claim, claimIds, getOne, update, listAll };
}
