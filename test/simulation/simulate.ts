/**
 * Runs seeds: `--seeds N --from S`, one seed with its trace: `--seed N --trace`, or the planted bugs: `--plant all|name`.
 * `--keep` goes on after a failing seed, `--ignore text` passes over violations with that text, to look behind a known bug.
 * `--every-crash --seed N` plays one short life again and again, each time with one crash at the next place where a node can die.
 * `--trackers N` plays every seed (or every crash) with so many trackers; by default half of them have one, the others two to five.
 * `--unordered-store` lets the answers of the store overtake each other.
 * Ends with one line of counts; exits with 1 on a violation, a bug that went unseen, or a rejection that nobody handled.
 */
import { parseArgs } from 'node:util';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { withoutGlobals } from './bare-globals.js';
import { addCounts, effectMarks, faultMarks, missingMarks, sharedMarks } from './coverage.js';
import { plants } from './plants.js';
import { type Outcome, type RunOptions, runSeed } from './run-seed.js';
import { calmPlan, planOf, type Role } from './swarm.js';
import type { Plant } from './world.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    plant: { type: 'string' },
    ignore: { type: 'string', multiple: true },
    'unordered-store': { type: 'boolean', default: false },
    trackers: { type: 'string' },
    'crash-at': { type: 'string' },
    'every-crash': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const ignored = values.ignore;
const plan = {
  ...(values['unordered-store'] ? { isStoreUnordered: true } : {}),
  ...(values.trackers ? { trackers: Number(values.trackers) } : {}),
};
// Stacks cost a tenth of the time; a traced replay has them.
Error.stackTraceLimit = values.trace ? 10 : 1;
const totals: Record<string, number> = {};
let failed = 0;

const add = (what: string, by: number) => {
  totals[what] = (totals[what] ?? 0) + by;
};

const run = (seed: number, options: RunOptions): Promise<Outcome> =>
  withoutGlobals(() => runSeed(seed, { ignored, plan, ...options }));

function report(outcome: Outcome): void {
  add('seeds', 1);
  add('events', outcome.events);
  addCounts(totals, outcome.counts);
  if (outcome.violations.length === 0) return;
  failed++;
  console.log(
    `seed ${outcome.seed} FAILED at ${outcome.virtualMs.toFixed(0)} ms: ${outcome.violations.slice(0, 3).join('\n    ')}`,
  );
  console.log(`    replay: npm run simulate -- --seed ${outcome.seed} --trace`);
}

async function runSeeds(from: number, count: number): Promise<void> {
  for (let seed = from; seed < from + count; seed++) {
    report(await run(seed, {}));
    if (failed > 0 && !values.keep) return;
  }
}

const seenBy = (plant: Plant, { violations }: Outcome) =>
  violations.find((violation) => plant.seenAs.some((text) => violation.includes(text)));

/** Answers the first seed that sees the bug, and does not see it where it was not planted. */
async function findPlant(plant: Plant, from: number, count: number): Promise<number | undefined> {
  const control: Plant = { ...plant, queue: undefined, leases: undefined, tracker: undefined, worker: undefined };
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await run(seed, { plant });
    add('seeds', 1);
    add('events', outcome.events);
    const seen = seenBy(plant, outcome);
    if (seen === undefined || seenBy(plant, await run(seed, { plant: control })) !== undefined) continue;
    console.log(`${plant.name}: seen at seed ${seed}: ${seen}`);
    return seed;
  }
  return undefined;
}

async function runPlants(name: string, from: number, count: number): Promise<void> {
  const chosen = plants.filter((plant) => name === 'all' || plant.name === name);
  if (chosen.length === 0)
    throw new Error(`No planted bug is named ${name}. Known: ${plants.map((plant) => plant.name).join(', ')}`);
  for (const plant of chosen) {
    if ((await findPlant(plant, from, count)) !== undefined) continue;
    console.log(`${plant.name}: NOT SEEN within ${count} seeds`);
    failed++;
  }
}

/** Each call and each answer of each role is a place to die. */
async function runEveryCrash(seed: number): Promise<void> {
  const ground = { ...calmPlan(planOf(seed, new SeededChance(seed).split('plan'))), ...plan };
  const { counts } = await run(seed, { plan: ground, crashAt: { role: 'tracker', nth: 0 } });
  for (const role of ['tracker', 'worker', 'client'] as const) {
    for (let nth = 1; nth <= (counts[`crash-points-${role}`] ?? 0); nth++) {
      const before = failed;
      report(await run(seed, { plan: ground, crashAt: { role, nth } }));
      if (failed > before)
        console.log(`    with the crash of the ${role} at its point ${nth}: add --crash-at ${role}:${nth}`);
      if (failed > 0 && !values.keep) return;
    }
  }
}

const marksOf = (trackers: string | undefined) =>
  trackers === '1' ? [...faultMarks, ...effectMarks] : [...faultMarks, ...effectMarks, ...sharedMarks];

const startedAt = performance.now();
const from = Number(values.from);
if (values['every-crash']) await runEveryCrash(Number(values.seed ?? from));
else if (values.seed !== undefined) {
  const seed = Number(values.seed);
  const plant = plants.find(({ name }) => name === values.plant);
  const [role, nth] = values['crash-at']?.split(':') ?? [];
  const crash = role
    ? {
        plan: { ...calmPlan(planOf(seed, new SeededChance(seed).split('plan'))), ...plan },
        crashAt: { role: role as Role, nth: Number(nth) },
      }
    : {};
  const outcome = await run(seed, { ...crash, plant, print: values.trace ? (line) => console.log(line) : undefined });
  console.log(`trace ${outcome.digest} on Node ${process.version}, zone data ${process.versions.tz}`);
  report(outcome);
} else if (values.plant !== undefined) await runPlants(values.plant, from, Number(values.seeds ?? 1_000));
else await runSeeds(from, Number(values.seeds ?? 100));

const unseen =
  (totals.seeds ?? 0) >= 200 && values.plant === undefined && !values['every-crash']
    ? missingMarks(totals, marksOf(values.trackers))
    : [];
if (unseen.length > 0) {
  console.log(`never happened, so never tested: ${unseen.join(', ')}`);
  failed++;
}

const seconds = (performance.now() - startedAt) / 1000;
const counts = Object.entries(totals).sort(([a], [b]) => (a < b ? -1 : 1));
console.log(
  `${counts.map(([what, count]) => `${what} ${count}`).join(', ')}, violations ${failed}, ${((totals.seeds ?? 0) / seconds).toFixed(1)} seeds/s`,
);
process.exit(failed > 0 ? 1 : 0);
