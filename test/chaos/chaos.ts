/**
 * Real processes under real faults: `npm run chaos`, with the words that `plan.ts` explains. Exit code 1 when anything was lost, doubled,
 * stale, early, untold, or otherwise not as promised.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { transpile } from '../helpers/transpile.js';
import { planOf } from './plan.js';
import type { Scenario } from './scenarios.js';
import { type Outcome, runScenario } from './supervisor.js';
import { findingText, headRow, rowOf } from './table.js';

const shownMax = 12;
const plan = planOf(process.argv.slice(2));
if (plan.isList) {
  for (const { name, what } of plan.scenarios) console.log(`${name.padEnd(28)} ${what}`);
  process.exit(0);
}

// Every child and server hangs its end on that of this process.
process.setMaxListeners(100);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const compiled = await transpile(['src', 'test/chaos/cast/node.ts', 'test/chaos/journal.ts']);
// Children are killed by their ids when this process ends.
process.on('exit', () => rmSync(compiled, { recursive: true, force: true }));

let isBad = false;
const queue = [...plan.scenarios];
console.log(`shape ${plan.shape}, seed ${plan.seed}\n${headRow()}`);
await Promise.all(Array.from({ length: plan.parallel }, work));
process.exit(isBad ? 1 : 0);

async function work(): Promise<void> {
  for (let scenario = queue.shift(); scenario; scenario = queue.shift()) await play(scenario);
}

async function play(scenario: Scenario): Promise<void> {
  const { shape, keep } = plan;
  const { trackers = 2, workers = 3, clients = 2, everyMs = 100 } = scenario;
  const program = join(compiled, 'test/chaos/cast/node.js');
  try {
    show(await runScenario(scenario, { plan: { shape, trackers, workers, clients, everyMs, program }, keep }));
  } catch (error) {
    isBad = true;
    console.log(scenario.name, error);
  }
}

function show(outcome: Outcome): void {
  const { findings } = outcome.verdict;
  console.log(rowOf(outcome));
  for (const finding of findings.slice(0, shownMax)) console.log(findingText(finding));
  if (findings.length > shownMax) console.log(`  ... and ${findings.length - shownMax} more`);
  if (findings.length > 0) isBad = true;
  if (outcome.folder) console.log(`  journals and logs: ${outcome.folder}`);
  for (const line of outcome.shown) console.log(`  ${line}`);
}
