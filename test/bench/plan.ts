/** What one call of the benchmark measures: the workloads and how many jobs each gets. */
import { parseArgs } from 'node:util';

export interface Step {
  readonly workload: string;
  readonly jobs: number;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly withStart: boolean;
  /** Seconds that the idle cluster is watched. */
  readonly idleSeconds: number;
  readonly isJson: boolean;
  /** Folder for the stores; made of the system's when absent. */
  readonly dataPath: string | undefined;
  /** Folder for a CPU profile of every process. */
  readonly profilePath: string | undefined;
}

const steps = (jobs: Readonly<Record<string, number>>): Step[] =>
  Object.entries(jobs).map(([workload, count]) => ({ workload, jobs: count }));

const quickSteps = steps({
  'submit-one': 500,
  'submit-concurrent': 10_000,
  'submit-bulk': 10_000,
  drain: 10_000,
  'end-to-end': 10_000,
});
const fullSteps = steps({
  'submit-one': 2_000,
  'submit-concurrent': 50_000,
  'submit-bulk': 100_000,
  drain: 50_000,
  'end-to-end': 50_000,
  'drain-with-task-id': 50_000,
  'end-to-end-with-task-id': 50_000,
});

const backlogSteps = (sizes: readonly number[]): Step[] => [
  ...sizes.map((jobs) => ({ workload: 'drain-from-backlog', jobs })),
  { workload: 'due-among-future', jobs: sizes.at(-1) ?? 0 },
];
const quickBacklog = backlogSteps([10_000, 50_000]);
const fullBacklog = backlogSteps([10_000, 100_000, 500_000, 1_000_000]);

/**
 * `--quick` small counts · `--json` rows only · `--backlog` and `--start` that mode alone · `--only=a,b` these workloads ·
 * `--jobs=n` for each workload · `--data-path=folder` · `--cpu-prof=folder`. Without a mode everything is measured.
 */
export function planOf(words: readonly string[]): Plan {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: flag,
      json: flag,
      backlog: flag,
      start: flag,
      only: text,
      jobs: text,
      'data-path': text,
      'cpu-prof': text,
    },
  });
  const { quick, backlog, start, only, jobs } = values;
  const everything = [...fullSteps, ...fullBacklog, ...quickBacklog];
  let chosen = quick ? quickSteps : [...fullSteps, ...fullBacklog];
  if (start) chosen = [];
  if (backlog) chosen = quick ? quickBacklog : fullBacklog;
  if (only !== undefined) chosen = only.split(',').map((name) => stepNamed(name, quick ? quickSteps : everything));
  if (jobs !== undefined) chosen = chosen.map(({ workload }) => ({ workload, jobs: Number(jobs) }));
  return {
    steps: chosen,
    withStart: start || (!quick && !backlog && only === undefined),
    idleSeconds: quick ? 5 : 30,
    isJson: values.json,
    dataPath: values['data-path'],
    profilePath: values['cpu-prof'],
  };
}

function stepNamed(name: string, known: readonly Step[]): Step {
  const found = known.find(({ workload }) => workload === name);
  if (found) return found;
  throw new Error(
    `Unknown workload ${name}. Known: ${[...new Set(known.map(({ workload }) => workload))].join(', ')}.`,
  );
}
