/** What the cluster must show in figures, each as a scenario of its own. */

import { type Line, linesOf } from './journal.js';
import type { Verdict } from './judge/checker.js';
import { type FaultTime, type Run, storyOf } from './judge/story.js';
import { frozenSteps, rerunsUnmet, type Scenario } from './scenarios.js';
import { down, kill, reset, type Step, start, submit, wait } from './steps.js';
import { quantile } from './table.js';

const workers = 4;
const medianMsMax = 3_000;
const slowestMsMax = 4_000;

export const measures = (rounds: number): Scenario[] => [
  {
    name: 'kill',
    what: `SIGKILL of one of ${workers} workers under load, ${rounds} times`,
    workers,
    everyMs: 50,
    steps: rounded(rounds, (worker) => [kill(worker, 'running'), wait(5_000), start(worker), wait(500)]),
    unmet: (_, verdict) => notQuick(verdict, rounds),
    figures: (_, { recoveriesMs }) => [
      `${recoveriesMs.length} runs were hit; their reruns began after ${seconds(quantile(recoveriesMs, 0.5))} in the median, ${seconds(recoveriesMs.at(-1) ?? 0)} at worst`,
    ],
  },
  {
    name: 'reset',
    what: `RST of the connection of a living worker, ${rounds} times`,
    workers,
    everyMs: 50,
    steps: rounded(rounds, (worker) => [reset(worker), wait(1_000)]),
    unmet: rerunsUnmet,
    figures: (lines) => [`${hitRuns(lines, 'reset').length} runs were alive at their worker's reset`],
  },
  {
    name: 'freeze',
    what: 'SIGSTOP of a worker for 60 s, then SIGCONT',
    workers: 3,
    steps: frozenSteps,
    unmet: (lines) =>
      hitRuns(lines, 'freeze').some(({ abort }) => abort) ? [] : ['no run of the frozen worker was told to stop'],
    figures: frozenFigures,
  },
  {
    name: 'nats-down',
    what: 'NATS is away for 30 s',
    workers: 3,
    steps: [
      submit(6, { ms: 8_000 }),
      submit(6, { ms: 45_000, leaseLost: 'abort' }),
      submit(6, { ms: 45_000, leaseLost: 'continue' }),
      wait(1_500),
      ...down('nats', 30_000),
      wait(8_000),
    ],
    unmet: outageUnmet,
    figures: outageFigures,
  },
];

function rounded(rounds: number, stepsOf: (worker: string) => Step[]): Step[] {
  return Array.from({ length: rounds }, (_, i) => stepsOf(`worker-${1 + (i % workers)}`)).flat();
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

function notQuick({ recoveriesMs }: Verdict, rounds: number): string[] {
  const median = quantile(recoveriesMs, 0.5);
  const slowest = recoveriesMs.at(-1) ?? 0;
  return [
    ...(recoveriesMs.length < rounds ? [`${rounds} kills hit only ${recoveriesMs.length} runs`] : []),
    ...(median >= medianMsMax ? [`the median rerun began after ${seconds(median)}`] : []),
    ...(slowest >= slowestMsMax ? [`the slowest rerun began after ${seconds(slowest)}`] : []),
  ];
}

/** Runs that were alive on their worker when such a fault hit it. */
function hitRuns(lines: readonly Line[], fault: FaultTime['fault']): Run[] {
  const { runs, faults } = storyOf(lines);
  const hits = faults.filter((one) => one.fault === fault);
  return runs.filter((run) =>
    hits.some(({ who, from }) => who === run.worker && from > run.startAt && from < run.overAt),
  );
}

function frozenFigures(lines: readonly Line[], { overlapsMs }: Verdict): string[] {
  const hit = hitRuns(lines, 'freeze');
  const thawedAt = linesOf(lines, 'healed').find(({ fault }) => fault === 'freeze')?.at ?? 0;
  const turnedAt = linesOf(lines, 'turned').find(({ at }) => at >= thawedAt)?.at ?? 0;
  const aborted = hit.filter(({ abort }) => abort);
  const lastAbort = Math.max(0, ...aborted.map(({ abort }) => (abort?.at ?? 0) - thawedAt));
  return [
    `${hit.length} runs were frozen; after the thaw ${aborted.length} were told to stop within ${lastAbort.toFixed(1)} ms, ${hit.length - aborted.length} ended by themselves`,
    `the first turn of the event loop was over ${(turnedAt - thawedAt).toFixed(1)} ms after the thaw; ${overlapsMs.length} runs lived beside their rerun`,
  ];
}

interface Outage {
  /** Codes of the answers to submits made while NATS was away. */
  readonly during: readonly string[];
  readonly short: readonly Run[];
  readonly aborting: readonly Run[];
  readonly continuing: readonly Run[];
}

function outageOf(lines: readonly Line[]): Outage {
  const { runs, faults, answers } = storyOf(lines);
  const outage = faults.find(({ who }) => who === 'nats');
  const from = outage?.from ?? 0;
  const to = outage?.to ?? 0;
  const submits = linesOf(lines, 'submit').filter(({ at }) => at > from + 100 && at < to - 2_500);
  const of = (ms: number, leaseLost?: string) =>
    runs.filter(({ work }) => work.ms === ms && work.leaseLost === leaseLost);
  return {
    during: submits.map(({ jobId }) => answers.get(jobId) ?? 'none'),
    short: of(8_000),
    aborting: of(45_000, 'abort'),
    continuing: of(45_000, 'continue'),
  };
}

function outageUnmet(lines: readonly Line[]): string[] {
  const { during, short, aborting, continuing } = outageOf(lines);
  const others = during.filter((code) => code !== 'stored-locally');
  const aborted = aborting.filter(({ abort }) => abort);
  return [
    ...(during.length === 0 || others.length > 0
      ? [`of ${during.length} submits ${others.length} were not stored-locally`]
      : []),
    ...(short.length === 6 ? [] : [`6 runs shorter than the lease were ${short.length} runs`]),
    ...(aborted.length === 6 ? [] : [`of 6 runs that abort ${aborted.length} were told to`]),
    ...(continuing.length === 6 && !continuing.some(({ abort }) => abort)
      ? []
      : [`6 runs that continue were ${continuing.length} runs`]),
  ];
}

function outageFigures(lines: readonly Line[], { slots, skippedSlots }: Verdict): string[] {
  const { during, short, aborting, continuing } = outageOf(lines);
  return [
    `${during.length} submits while NATS was away: ${[...new Set(during)].join(', ')}`,
    `6 jobs of 8 s: ${short.length} runs; 6 of 45 s that abort: ${aborting.length} runs, ${aborting.filter(({ abort }) => abort).length} aborted; 6 of 45 s that continue: ${continuing.length} runs`,
    `${slots} slots fired, ${skippedSlots} were counted as skipped`,
  ];
}
