/** Planted bad journals: a checker that does not see them is worthless. */
import { describe, expect, it } from 'vitest';
import type { Event, Line } from '../journal.js';
import { check, type FindingKind } from './checker.js';

type Planted = Event & { readonly at: number; readonly by?: string; readonly pid?: number };

/** 1970 begins with the monotonic clock here. */
const journal = (...events: Planted[]): Line[] =>
  events.map((event) => ({ wall: event.at, by: 'supervisor', pid: 1, ...event })).sort((a, b) => a.at - b.at);

const work = { ms: 100 };
const worker1 = { by: 'worker-1', pid: 11 };
const worker2 = { by: 'worker-2', pid: 12 };
type Place = typeof worker1;

const submitted = (jobId = 'a', code = 'accepted'): Planted[] => [
  { at: 1, kind: 'submit', jobId, work },
  { at: 2, kind: 'answer', jobId, code },
];
const begun = (at: number, n: number, place: Place, jobId = 'a'): Planted => {
  const run = { runId: `run-${n}`, token: `token-${n}`, attempt: n };
  return { at, kind: 'start', jobId, work, dueWall: at - 1, ...run, ...place };
};
type Outcome = 'success' | 'later' | 'aborted';
const over = (at: number, n: number, place: Place, outcome: Outcome = 'success'): Planted => {
  return { at, kind: 'end', jobId: 'a', outcome, runId: `run-${n}`, token: `token-${n}`, ...place };
};
const aborted = (at: number, n: number, place: Place, reason = 'lease-lost'): Planted => {
  return { at, kind: 'abort', jobId: 'a', reason, runId: `run-${n}`, token: `token-${n}`, ...place };
};
const final = (n: number, more: Partial<Extract<Event, { kind: 'final' }>> = {}): Planted => ({
  at: 900_000,
  kind: 'final',
  jobId: 'a',
  state: 'succeeded',
  attempt: n,
  losses: 0,
  isSchedule: false,
  ended: true,
  lastRunId: `run-${n}`,
  result: { runId: `run-${n}`, token: `token-${n}` },
  ...more,
});
const told = (n: number): Planted => {
  const value = { runId: `run-${n}`, token: `token-${n}` };
  return { at: 900_001, kind: 'told', jobId: 'a', state: 'succeeded', value };
};
const fault = (
  at: number,
  name: 'kill' | 'freeze' | 'cut' | 'reset' | 'swallow',
  who = 'worker-1',
  life = 11,
): Planted => {
  return { at, kind: 'fault', fault: name, who, life };
};
const healed = (at: number, name: 'kill' | 'freeze' | 'cut' | 'swallow', who = 'worker-1', life = 11): Planted => {
  return { at, kind: 'healed', fault: name, who, life };
};
const died = (at: number, life = 11): Planted => ({ at, kind: 'exit', who: 'worker-1', life, how: 'SIGKILL' });

const found = (...events: Planted[]): FindingKind[] => check(journal(...events)).findings.map(({ kind }) => kind);

describe('a journal in which all is well', () => {
  it('has no findings: one job, one run, told', () => {
    const events = [...submitted(), begun(10, 1, worker1), over(110, 1, worker1), final(1), told(1)];
    expect(check(journal(...events))).toMatchObject({ jobs: 1, runs: 1, reruns: 0, findings: [] });
  });

  it('has none when a worker died and its run came again; the recovery is from the fault to the rerun', () => {
    const events = [...submitted(), begun(10, 1, worker1), fault(50, 'kill'), died(51)];
    const verdict = check(journal(...events, begun(3_050, 2, worker2), over(3_150, 2, worker2), final(2), told(2)));
    expect(verdict).toMatchObject({ reruns: 1, recoveriesMs: [3_000], findings: [] });
  });

  it('has none when a run asked to come later', () => {
    const events = [
      begun(10, 1, worker1),
      over(20, 1, worker1, 'later'),
      begun(1_030, 2, worker2),
      over(1_040, 2, worker2),
    ];
    expect(check(journal(...submitted(), ...events, final(2), told(2)))).toMatchObject({ reruns: 0, findings: [] });
  });

  it('has none for a submit that its client never heard of, and that nobody knows', () => {
    expect(found({ at: 1, kind: 'submit', jobId: 'a', work })).toEqual([]);
  });
});

describe('lost', () => {
  it('is a job that was accepted, or kept locally, and that nobody knows', () => {
    expect(found(...submitted())).toEqual(['lost']);
    expect(found(...submitted('a', 'stored-locally'))).toEqual(['lost']);
  });

  it('is a job that did not end', () => {
    const open = final(1, { state: 'waiting', ended: false });
    expect(found(...submitted(), open)).toContain('lost');
  });

  it('is a job that ended without a run', () => {
    expect(found(...submitted(), final(1), told(1))).toContain('lost');
  });

  it('is a job that succeeded by a run that did not', () => {
    const events = [begun(10, 1, worker1), over(20, 1, worker1, 'aborted'), final(1), told(1)];
    expect(found(...submitted(), ...events)).toContain('lost');
  });

  it('is a job that failed, since none is made to', () => {
    const failed = final(1, { state: 'failed', reason: 'lost' });
    expect(found(...submitted(), begun(10, 1, worker1), failed, told(1))).toContain('lost');
  });
});

describe('doubled', () => {
  const first = [...submitted(), begun(10, 1, worker1)];
  const second = [begun(40_000, 2, worker2), over(40_100, 2, worker2), final(2), told(2)];

  it('is a second run though nothing happened to the first', () => {
    expect(found(...first, over(110, 1, worker1), ...second)).toEqual(['doubled']);
  });

  it('is a second run beside the first', () => {
    expect(found(...first, ...second, over(41_000, 1, worker1))).toEqual(['doubled']);
  });

  it('is a second run after a mere reset', () => {
    expect(found(...first, fault(60, 'reset'), over(110, 1, worker1), ...second)).toEqual(['doubled']);
  });

  it('is a run that was handed out twice', () => {
    expect(found(...first, over(110, 1, worker1), begun(10, 1, worker2), final(1), told(1))).toContain('doubled');
  });

  const diedLater = [over(110, 1, worker1), fault(9_000, 'kill'), died(9_001)];
  it('is a second run of one whose result had long arrived when its worker died', () => {
    const other = [...submitted('b'), begun(200, 7, worker2, 'b'), { ...over(300, 7, worker2), jobId: 'b' } as Planted];
    const arrived = [{ ...told(7), jobId: 'b', at: 400 } as Planted, final(7, { jobId: 'b' })];
    expect(found(...first, ...diedLater, ...second, ...other, ...arrived)).toEqual(['doubled']);
  });

  it('is not a second run of one that died with its result, while nobody got any result through', () => {
    expect(found(...first, ...diedLater, ...second)).toEqual([]);
  });

  const frozen = [...first, fault(50, 'freeze'), healed(60_050, 'freeze')];
  const turned: Planted = { at: 60_060, kind: 'turned', ...worker1 };
  it('is not a run of a frozen worker that is told to stop in the first turn after the thaw', () => {
    const stopped = [aborted(60_055, 1, worker1), turned, over(60_100, 1, worker1, 'aborted')];
    const verdict = check(journal(...frozen, ...second, ...stopped));
    expect(verdict.findings).toEqual([]);
    expect(verdict.overlapsMs).toEqual([20_100]);
  });

  it('is one that goes on after that turn', () => {
    expect(found(...frozen, ...second, turned, over(60_300, 1, worker1))).toEqual(['doubled']);
    const late = [turned, aborted(60_200, 1, worker1), over(60_201, 1, worker1, 'aborted')];
    expect(found(...frozen, ...second, ...late)).toEqual(['doubled']);
  });

  it('is not one that its job lets go on, unless nothing happened to its worker', () => {
    const goesOn = (event: Planted): Planted =>
      'work' in event ? { ...event, work: { ...work, leaseLost: 'continue' } } : event;
    expect(found(...[...frozen, ...second, turned, over(70_000, 1, worker1)].map(goesOn))).toEqual([]);
    expect(found(...[...first, ...second, over(70_000, 1, worker1)].map(goesOn))).toEqual(['doubled']);
  });

  it('is a run of a worker that was cut off, five seconds after its first contact', () => {
    const back: Planted[] = [fault(50, 'cut'), healed(50_000, 'cut'), { at: 50_100, kind: 'contact', who: 'worker-1' }];
    expect(
      found(...first, ...back, ...second, aborted(51_000, 1, worker1), over(51_010, 1, worker1, 'aborted')),
    ).toEqual([]);
    expect(found(...first, ...back, ...second, over(56_000, 1, worker1))).toEqual(['doubled']);
  });

  it('is a second run after a fault too short to cost a session, or of another worker', () => {
    const short = [fault(50, 'swallow'), healed(5_000, 'swallow'), over(6_000, 1, worker1)];
    expect(found(...first, ...short, ...second)).toEqual(['doubled']);
    const other = [fault(50, 'cut', 'worker-2', 0), healed(30_000, 'cut', 'worker-2', 0), over(110, 1, worker1)];
    expect(found(...first, ...other, ...second)).toEqual(['doubled']);
  });
});

describe('stale', () => {
  const runs = [...submitted(), begun(10, 1, worker1), fault(50, 'freeze'), healed(60_000, 'freeze')];
  const both = [...runs, begun(31_000, 2, worker2), over(31_100, 2, worker2), over(60_001, 1, worker1)];

  it('is a stored result of a run that another one had followed', () => {
    expect(found(...both, { at: 60_002, kind: 'turned', ...worker1 }, final(1), told(1))).toEqual(['stale']);
  });

  it('is a result of another run than the one that was settled', () => {
    const mixed = final(2, { lastRunId: 'run-1' });
    expect(found(...both, { at: 60_002, kind: 'turned', ...worker1 }, mixed, told(2))).toEqual(['stale']);
  });

  it('is a told result that is not the stored one', () => {
    expect(found(...both, { at: 60_002, kind: 'turned', ...worker1 }, final(2), told(1))).toEqual(['stale']);
  });
});

describe('slots', () => {
  const schedule: Planted[] = [
    { at: 1, kind: 'submit', jobId: 's', work, slotEveryMs: 1_000 },
    { at: 2, kind: 'answer', jobId: 's', code: 'accepted' },
  ];
  const cancelled = (skipped: number) =>
    final(0, { jobId: 's', state: 'cancelled', isSchedule: true, slotAt: 5_000, skipped });
  const slot = (slotAt: number, jobId = `s.${slotAt}`): Planted[] => {
    const n = slotAt;
    return [
      begun(slotAt + 1, n, worker1, jobId),
      { ...over(slotAt + 2, n, worker1), jobId } as Planted,
      final(n, { jobId, scheduleId: 's', slotAt }),
    ];
  };

  it('are complete when each fired or was counted as skipped', () => {
    const events = [...schedule, ...slot(2_000), ...slot(4_000), cancelled(1)];
    expect(check(journal(...events))).toMatchObject({ slots: 2, skippedSlots: 1, findings: [] });
  });

  it('are found missing', () => {
    expect(found(...schedule, ...slot(2_000), ...slot(4_000), cancelled(0))).toEqual(['slot']);
  });

  it('are found fired twice', () => {
    const events = [...slot(2_000), ...slot(3_000), ...slot(3_000, 's.other'), ...slot(4_000), cancelled(0)];
    expect(found(...schedule, ...events)).toContain('slot');
  });
});

describe('the rest', () => {
  it('early is a run before its time, and a retry before its pause', () => {
    const before = { ...begun(10, 1, worker1), dueWall: 500 } as Planted;
    expect(found(...submitted(), before, over(20, 1, worker1), final(1), told(1))).toEqual(['early']);
    const soon = [begun(10, 1, worker1), over(20, 1, worker1, 'later'), begun(500, 2, worker1), over(510, 2, worker1)];
    expect(found(...submitted(), ...soon, final(2), told(2))).toEqual(['early']);
  });

  it('aborted is a run that was told to stop though nothing kept its lease from being renewed', () => {
    const stopped = [begun(10, 1, worker1), aborted(50, 1, worker1), over(60, 1, worker1, 'aborted')];
    const again = [begun(90, 2, worker1), over(95, 2, worker1), final(2), told(2)];
    expect(found(...submitted(), ...stopped, ...again)).toEqual(['aborted']);
  });

  it('untold is an end that no client heard of', () => {
    expect(found(...submitted(), begun(10, 1, worker1), over(110, 1, worker1), final(1))).toEqual(['untold']);
  });

  it('unmet is an expectation of the scenario', () => {
    expect(found({ at: 1, kind: 'expectation', text: 'a twin is refused', holds: false })).toEqual(['unmet']);
  });
});
