/**
 * Judges a journal, and nothing else: what was promised for every job, held against what processes wrote down.
 *
 *   lost      it was accepted, or kept locally, and did not end; or it ended in a state that no run gave it
 *   doubled   it ran again without a cause, or beside a run that should have been told to stop
 *   stale     its stored or told result is not that of its last run
 *   slot      a slot of a schedule fired twice, or neither fired nor counted as skipped
 *   early     a run began before it was due
 *   aborted   a run was told to stop without a cause
 *   untold    no client heard of its end
 *   unmet     the scenario expected something else
 */

import { type Line, type LineOf, linesOf } from '../journal.js';
import { causeOf, mayBeAborted, mayLiveUntil } from './excuses.js';
import { groupedBy, type Run, type Story, storyOf } from './story.js';

export type FindingKind = 'lost' | 'doubled' | 'stale' | 'slot' | 'early' | 'aborted' | 'untold' | 'unmet';

export interface Finding {
  readonly kind: FindingKind;
  readonly jobId?: string;
  readonly text: string;
}

export interface Verdict {
  readonly jobs: number;
  readonly runs: number;
  /** Runs that followed another one for any cause but EXECUTE_LATER. */
  readonly reruns: number;
  readonly slots: number;
  readonly skippedSlots: number;
  /** From the fault to the rerun's start, for every run that was hit; sorted. */
  readonly recoveriesMs: readonly number[];
  /** How long runs lived beside those that took their place, where that was allowed. */
  readonly overlapsMs: readonly number[];
  /** The longest time under load in which no run began. */
  readonly pauseMs: number;
  readonly findings: readonly Finding[];
}

/** Clocks are read at both ends of a step of the one machine. */
const toleranceMs = 20;
const laterMs = 1_000;
const standing: ReadonlySet<string> = new Set(['accepted', 'stored-locally', 'duplicate', 'replaced']);

/** `lines` in the order of their time; `clockErrorMs`: how far the clock that decides what is due may be from the machine's. */
export function check(lines: readonly Line[], { clockErrorMs = 0 } = {}): Verdict {
  const story = storyOf(lines);
  const pairs = pairsOf(story);
  const slots = linesOf(lines, 'submit').flatMap((submit) => slotsOf(submit, story));
  const overlaps = pairs.filter(([run, next]) => run.overAt > next.startAt);
  return {
    jobs: new Set([...linesOf(lines, 'submit').map(({ jobId }) => jobId), ...story.finals.keys()]).size,
    runs: story.runs.length,
    reruns: pairs.filter(([run]) => run.end?.outcome !== 'later').length,
    slots: slots.reduce((sum, { fired }) => sum + fired, 0),
    skippedSlots: slots.reduce((sum, { skipped }) => sum + skipped, 0),
    recoveriesMs: recoveries(pairs, story).sort((a, b) => a - b),
    overlapsMs: overlaps.map(([run, next]) => run.overAt - next.startAt),
    pauseMs: longestPause(story),
    findings: [
      ...losses(story),
      ...repeats(story),
      ...pairs.flatMap((pair) => doubles(pair, story)),
      ...stales(story),
      ...slots.flatMap(({ findings }) => findings),
      ...earlies(story, pairs, toleranceMs + clockErrorMs),
      ...aborts(story),
      ...untolds(story),
      ...unmets(story),
    ],
  };
}

type Pair = readonly [run: Run, next: Run];

/** Each run with the one of the same job that started after it. */
function pairsOf({ runsOf }: Story): Pair[] {
  return [...runsOf.values()].flatMap((runs) => runs.slice(1).map((next, i): Pair => [runs[i] as Run, next]));
}

function losses(story: Story): Finding[] {
  const { answers } = story;
  const missing = linesOf(story.lines, 'submit').filter(
    ({ jobId }) => standing.has(answers.get(jobId) ?? '') && !story.finals.has(jobId),
  );
  return [
    ...missing.map(({ jobId }) => lost(jobId, `it was answered ${answers.get(jobId)} and nobody knows it`)),
    ...[...story.finals.values()].flatMap((final) => lossOf(final, story)),
  ];
}

function lossOf(final: LineOf<'final'>, { runsOf }: Story): Finding[] {
  const { jobId, state, reason, isSchedule, scheduleId, result } = final;
  if (!final.ended) return [lost(jobId, `it is still ${state}`)];
  if (isSchedule || (scheduleId !== undefined && (state === 'skipped' || state === 'cancelled'))) return [];
  if (state !== 'succeeded') return [lost(jobId, `it ended as ${state} (${reason ?? 'no reason'})`)];
  const isDone = (runsOf.get(jobId) ?? []).some(
    ({ end, token }) => end?.outcome === 'success' && token === result?.token,
  );
  return isDone ? [] : [lost(jobId, 'it succeeded without a run that did')];
}

const lost = (jobId: string, text: string): Finding => ({ kind: 'lost', jobId, text });

/** One run handed out twice. */
function repeats({ runs }: Story): Finding[] {
  const groups = groupedBy(runs, ({ jobId, runId }) => `${jobId} ${runId}`);
  return [...groups.values()]
    .filter(({ length }) => length > 1)
    .map((group) => ({
      kind: 'doubled',
      jobId: group[0]?.jobId ?? '',
      text: `run ${group[0]?.runId} began ${group.length} times`,
    }));
}

function doubles([run, next]: Pair, story: Story): Finding[] {
  const { jobId, runId, worker } = run;
  const double = (text: string): Finding => ({ kind: 'doubled', jobId, text });
  const cause = causeOf(run, next, story);
  if (cause === undefined)
    return [double(`it ran again at ${next.worker} though run ${runId} at ${worker} had no fault`)];
  if (run.overAt <= next.startAt || run.work.leaseLost === 'continue') return [];
  const until = mayLiveUntil(run, next, story);
  const knewAt = Math.min(run.abort?.at ?? Number.POSITIVE_INFINITY, run.overAt);
  if (knewAt <= until) return [];
  const lateMs = Math.round(knewAt - until);
  return [
    double(`run ${runId} at ${worker} went on beside ${next.runId} at ${next.worker}, ${lateMs} ms longer than it may`),
  ];
}

function stales(story: Story): Finding[] {
  const told = linesOf(story.lines, 'told').filter(({ jobId, value }) => {
    const final = story.finals.get(jobId);
    return final?.result !== undefined && value?.token !== final.result.token;
  });
  return [
    ...[...story.finals.values()].flatMap((final) => staleOf(final, story)),
    ...told.map(
      ({ jobId }): Finding => ({ kind: 'stale', jobId, text: 'a client was told another result than the stored one' }),
    ),
  ];
}

function staleOf({ jobId, result, lastRunId }: LineOf<'final'>, { runsOf }: Story): Finding[] {
  if (!result) return [];
  const stale = (text: string): Finding[] => [{ kind: 'stale', jobId, text }];
  const runs = runsOf.get(jobId) ?? [];
  const source = runs.find(({ token }) => token === result.token);
  if (result.runId !== lastRunId) return stale(`its result is of run ${result.runId}, the settled one is ${lastRunId}`);
  const newest = runs.reduce((max, { attempt }) => Math.max(max, attempt), 0);
  return source && source.attempt < newest
    ? stale(`its result is of attempt ${source.attempt}, ${newest} had begun`)
    : [];
}

interface Slots {
  readonly fired: number;
  readonly skipped: number;
  readonly findings: readonly Finding[];
}

/** Slots before the schedule's next one: each has its instance, or is among those that it counted as skipped. */
function slotsOf({ jobId: scheduleId, slotEveryMs }: LineOf<'submit'>, { finals }: Story): Slots[] {
  const schedule = finals.get(scheduleId);
  if (slotEveryMs === undefined || schedule?.slotAt === undefined) return [];
  const next = schedule.slotAt;
  const instances = [...finals.values()].filter(
    (final) => final.scheduleId === scheduleId && (final.slotAt ?? next) < next,
  );
  const bySlot = groupedBy(instances, ({ slotAt }) => slotAt);
  const findings = [...bySlot.values()]
    .filter(({ length }) => length > 1)
    .map(
      (group): Finding => ({
        kind: 'slot',
        jobId: scheduleId,
        text: `slot ${group[0]?.slotAt} has ${group.length} instances`,
      }),
    );
  const first = instances.reduce((min, { slotAt }) => Math.min(min, slotAt ?? next), next);
  const due = Math.round((next - first) / slotEveryMs);
  const fired = instances.filter(({ state }) => state !== 'skipped').length;
  const skipped = schedule.skipped ?? 0;
  if (fired + skipped !== due) {
    const text = `of ${due} slots ${fired} fired and ${skipped} were counted as skipped`;
    findings.push({ kind: 'slot', jobId: scheduleId, text });
  }
  return [{ fired, skipped, findings }];
}

function earlies({ runs }: Story, pairs: readonly Pair[], allowedMs: number): Finding[] {
  const early = runs.filter(({ startWall, dueWall }) => startWall < dueWall - allowedMs);
  const retries = pairs.filter(
    ([{ end }, next]) => end?.outcome === 'later' && next.startAt < end.at + laterMs - allowedMs,
  );
  return [
    ...early.map(({ jobId, startWall, dueWall }) => earlyBy(jobId, dueWall - startWall)),
    ...retries.map(([{ jobId, end }, next]) => earlyBy(jobId, (end?.at ?? 0) + laterMs - next.startAt)),
  ];
}

const earlyBy = (jobId: string, ms: number): Finding => ({
  kind: 'early',
  jobId,
  text: `it began ${Math.round(ms)} ms early`,
});

function aborts(story: Story): Finding[] {
  return story.runs.flatMap((run): Finding[] => {
    const { abort, jobId, runId, worker } = run;
    if (!abort || mayBeAborted(run, abort, story)) return [];
    return [{ kind: 'aborted', jobId, text: `run ${runId} at ${worker} was told to stop: ${abort.reason}` }];
  });
}

/** Instances of the supervisor's own schedules ask for no feedback. */
function untolds({ lines, finals }: Story): Finding[] {
  const told = new Set(linesOf(lines, 'told').map(({ jobId }) => jobId));
  const owed = [...finals.values()].filter(
    ({ ended, scheduleId, isSchedule }) => ended && scheduleId === undefined && !isSchedule,
  );
  return owed
    .filter(({ jobId }) => !told.has(jobId))
    .map(({ jobId }) => ({ kind: 'untold', jobId, text: 'no client heard that it ended' }));
}

function unmets({ lines }: Story): Finding[] {
  return linesOf(lines, 'expectation')
    .filter(({ holds }) => !holds)
    .map(({ text }) => ({ kind: 'unmet', text }));
}

/** For every run that a fault hit while it lived: how long until its job ran again. */
function recoveries(pairs: readonly Pair[], { faults }: Story): number[] {
  return pairs.flatMap(([run, next]) => {
    const hits = faults.filter(
      ({ who, from }) => who === run.worker && from > run.startAt && from < Math.min(run.overAt, next.startAt),
    );
    const first = hits[0];
    return first && run.end?.outcome !== 'later' ? [next.startAt - first.from] : [];
  });
}

function longestPause({ lines }: Story): number {
  const calmAt = linesOf(lines, 'phase').find(({ phase }) => phase === 'calm')?.at ?? 0;
  const starts = linesOf(lines, 'start');
  const pauses = starts.slice(1).map(({ at }, i) => ({ from: starts[i]?.at ?? at, to: at }));
  return pauses.reduce((max, { from, to }) => (from < calmAt ? Math.max(max, to - from) : max), 0);
}
