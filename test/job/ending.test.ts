/** How records look after a step, whoever took it. */
import { describe, expect, it } from 'vitest';
import { afterRun, ended } from '../../src/job/ending.js';
import { nextStep, type RunOutcome } from '../../src/job/next-step.js';
import { aRun, aSchedule } from '../helpers/records.js';

const now = 50_000;
const around = { now, chance: 0.5 };
const outcomes: RunOutcome[] = [
  { kind: 'success' },
  { kind: 'failed' },
  { kind: 'later' },
  { kind: 'exception' },
  { kind: 'timeout' },
  { kind: 'returned' },
];
const verdicts: RunOutcome[] = [{ kind: 'missed' }, { kind: 'lost', others: 0 }];

describe('afterRun', () => {
  const decided = (run: ReturnType<typeof aRun>, outcome: RunOutcome) => {
    const step = nextStep(run, outcome, around);
    return afterRun(run, step, { now, outcome, message: outcome.message }).status;
  };

  it('only reports name the run settled last; what the tracker decides by itself does not', () => {
    const run = aRun({ lastRunId: 'r0' });
    for (const outcome of outcomes) expect(decided(run, outcome).lastRunId).toBe('r1');
    for (const outcome of verdicts) expect(decided(run, outcome).lastRunId).toBe('r0');
  });

  it('a missed claim does not count as an attempt', () => {
    expect(decided(aRun({ attempt: 3 }), { kind: 'missed' }).attempt).toBe(2);
    expect(decided(aRun({ attempt: 3 }), { kind: 'later' }).attempt).toBe(3);
  });

  it('whatever follows, run, session and asked cancel are gone and the rev has grown by one', () => {
    for (const outcome of [...outcomes, ...verdicts]) {
      const status = decided(aRun({ rev: 4, cancelAskedAt: 1 }), outcome);
      expect(status).toMatchObject({ rev: 5, runId: undefined, session: undefined, cancelAskedAt: undefined });
    }
  });
});

describe('ended', () => {
  it('feedback is owed by what ran out, not by what somebody wished, nor by schedules', () => {
    const owes = (
      state: Parameters<typeof ended>[1]['state'],
      record = aRun({ needFeedback: true, submitNodeGroup: 'web' }),
    ) => ended(record, { state, now }).status.feedbackAt;
    expect([owes('succeeded'), owes('failed'), owes('expired')]).toEqual([now, now, now]);
    expect([owes('cancelled'), owes('skipped')]).toEqual([undefined, undefined]);
    expect(owes('succeeded', aRun({ needFeedback: false }))).toBeUndefined();
    expect(owes('succeeded', aSchedule({ needFeedback: true, submitNodeGroup: 'web' }))).toBeUndefined();
  });
});
