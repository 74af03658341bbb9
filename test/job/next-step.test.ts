/** What follows a run, row by row of the table in next-step.ts. */
import { describe, expect, it } from 'vitest';
import type { RetryPolicy } from '../../src/job/job.js';
import { lossesMax, nextStep, type RunOutcome, retryDelayMs } from '../../src/job/next-step.js';
import { aRun } from '../helpers/records.js';

const now = 50_000;
const around = { now, chance: 0.5 };
/** When the run that is looked at was due. */
const turn = aRun().status.dueAt;
const success: RunOutcome = { kind: 'success' };
const failed: RunOutcome = { kind: 'failed' };
const later: RunOutcome = { kind: 'later' };
const exception: RunOutcome = { kind: 'exception' };
const timeout: RunOutcome = { kind: 'timeout' };
const returned: RunOutcome = { kind: 'returned' };
const missed: RunOutcome = { kind: 'missed' };
const lostWith = (others: number): RunOutcome => ({ kind: 'lost', others });
const retryable = [later, exception, timeout];
const everyOther = [failed, ...retryable, returned, missed, lostWith(0), lostWith(5)];

describe('nextStep', () => {
  it('a success is succeeded, also when cancel was asked and whatever was counted before', () => {
    for (const cancelAskedAt of [undefined, 40_000]) {
      const step = nextStep(aRun({ cancelAskedAt, retryTimes: 10, losses: 2 }), success, around);
      expect(step).toEqual({ state: 'succeeded', retryTimes: 10, losses: 2 });
    }
  });

  it.each(everyOther)('cancel was asked: %j ends as cancelled and counts nothing', (outcome) => {
    const step = nextStep(aRun({ cancelAskedAt: 40_000, retryTimes: 3, losses: 2 }), outcome, {
      ...around,
      nextSlotAt: 50_001,
    });
    expect(step).toEqual({ state: 'cancelled', retryTimes: 3, losses: 2 });
  });

  it('EXECUTE_FAILED is final, however many retries are left', () => {
    expect(nextStep(aRun(), failed, around)).toEqual({ state: 'failed', reason: 'failed', retryTimes: 0, losses: 0 });
  });

  it.each([returned, missed])(
    '%j waits at once in its old turn and is counted nowhere, even with all retries used',
    (outcome) => {
      const step = nextStep(aRun({ retryTimes: 10, losses: 2 }), outcome, { ...around, nextSlotAt: 50_001 });
      expect(step).toEqual({ state: 'waiting', dueAt: turn, retryTimes: 10, losses: 2 });
    },
  );

  it('the first two losses wait at once in their old turn, whoever fell with it', () => {
    for (const others of [0, 63]) {
      expect(nextStep(aRun(), lostWith(others), around)).toEqual({
        state: 'waiting',
        dueAt: turn,
        retryTimes: 0,
        losses: 1,
      });
      const second = nextStep(aRun({ losses: 1 }), lostWith(others), around);
      expect(second).toEqual({ state: 'waiting', dueAt: turn, retryTimes: 0, losses: 2 });
    }
  });

  it('what was claimed by a clock that goes before this one waits no longer than now', () => {
    expect(nextStep(aRun({ dueAt: now + 5 }), lostWith(0), around).dueAt).toBe(now);
  });

  it('the third loss convicts a job that was alone on its node', () => {
    expect(lossesMax).toBe(3);
    const step = nextStep(aRun({ losses: 2, retryTimes: 4 }), lostWith(0), around);
    expect(step).toEqual({ state: 'failed', reason: 'lost', retryTimes: 4, losses: 3 });
  });

  it('a third loss with others beside it asks for a run alone, and so does every later one', () => {
    for (const losses of [2, 3, 7]) {
      const step = nextStep(aRun({ losses }), lostWith(1), around);
      expect(step).toEqual({ state: 'waiting', dueAt: turn, retryTimes: 0, losses: losses + 1, isAlone: true });
    }
  });

  it.each(retryable)('%j is retried exactly maxRetryTimes times', (outcome) => {
    let run = aRun();
    let runs = 0;
    for (;;) {
      runs++;
      const step = nextStep(run, outcome, around);
      if (step.state !== 'waiting') {
        expect(step.reason).toBe(outcome.kind === 'timeout' ? 'timed-out' : 'exhausted');
        break;
      }
      expect(step).toEqual({ state: 'waiting', dueAt: now + 30_000, retryTimes: runs, losses: 0 });
      run = aRun({ retryTimes: step.retryTimes });
    }
    expect(runs).toBe(11);
  });

  it('maxRetryTimes 0 means one run', () => {
    const run = aRun({ retry: { maxRetryTimes: 0, intervalMs: 1, backoff: 'fixed', intervalMaxMs: 1 } });
    expect(nextStep(run, later, around).state).toBe('failed');
  });

  it('the runner may ask for its own delay, also none; only EXECUTE_LATER does', () => {
    expect(nextStep(aRun(), { kind: 'later', delayMs: 7 }, around).dueAt).toBe(now + 7);
    expect(nextStep(aRun(), { kind: 'later', delayMs: 0 }, around).dueAt).toBe(now);
  });

  it('the next slot comes before the retry: superseded; at the same instant the retry wins', () => {
    for (const outcome of retryable) {
      const superseded = nextStep(aRun(), outcome, { ...around, nextSlotAt: now + 29_999 });
      expect(superseded).toEqual({ state: 'failed', reason: 'superseded', retryTimes: 0, losses: 0 });
      expect(nextStep(aRun(), outcome, { ...around, nextSlotAt: now + 30_000 }).state).toBe('waiting');
    }
  });

  it('retries used up count before the next slot', () => {
    expect(nextStep(aRun({ retryTimes: 10 }), timeout, { ...around, nextSlotAt: now + 1 }).reason).toBe('timed-out');
    expect(nextStep(aRun({ retryTimes: 10 }), later, { ...around, nextSlotAt: now + 1 }).reason).toBe('exhausted');
  });
});

describe('retryDelayMs', () => {
  const policy: RetryPolicy = { maxRetryTimes: 10, intervalMs: 1_000, backoff: 'exponential', intervalMaxMs: 60_000 };

  it('exponential: between half and all of interval x 2^n, never above the cap', () => {
    for (let retryTimes = 0; retryTimes < 2_000; retryTimes += retryTimes < 60 ? 1 : 97) {
      const full = Math.min(60_000, 1_000 * 2 ** Math.min(retryTimes, 50));
      expect(retryDelayMs(policy, retryTimes, 0)).toBe(full / 2);
      expect(retryDelayMs(policy, retryTimes, 1 - 2 ** -32)).toBeLessThanOrEqual(full);
      expect(retryDelayMs(policy, retryTimes, 0.5)).toBe(full * 0.75);
    }
  });

  it('fixed: always the interval', () => {
    for (const chance of [0, 0.9]) expect(retryDelayMs({ ...policy, backoff: 'fixed' }, 9, chance)).toBe(1_000);
  });
});
