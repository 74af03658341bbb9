/**
 * The benchmark of the embedded shape on LMDB with fsync: `npm run bench`, with the words that `plan.ts` explains.
 * Each measurement is a process of its own on a data path of its own, from sources compiled once for all.
 */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { transpile } from '../helpers/transpile.js';
import type { IdleCost } from './idle.js';
import type { Row } from './measure.js';
import { describePlace, newFolder } from './place.js';
import { type Plan, planOf, type Step } from './plan.js';
import { idleText, overBudget, ratiosOf, startText, tableOf } from './report.js';
import type { StartCost } from './start.js';

const plan = planOf(process.argv.slice(2));
const compiled = await transpile(['src', 'test/bench/child.ts', ...childFiles()]);
const folder = newFolder(plan.dataPath);
try {
  await (plan.isJson ? printRows(plan) : printReport(plan));
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(compiled, { recursive: true, force: true });
}

function childFiles(): string[] {
  return ['backlog', 'idle', 'measure', 'nodes', 'start', 'watch', 'workloads'].map((name) => `test/bench/${name}.ts`);
}

async function printRows({ steps }: Plan): Promise<void> {
  const rows: Row[] = [];
  for (const step of steps) rows.push(await rowFor(step));
  console.log(JSON.stringify(rows));
}

async function printReport({ steps, withStart, idleSeconds }: Plan): Promise<void> {
  console.log(`${describePlace(folder)}\n`);
  const rows: Row[] = [];
  for (const step of steps) {
    console.error(`${step.workload}, ${step.jobs.toLocaleString('en')} jobs ...`);
    const row = await rowFor(step);
    // Kept for a run that is broken off later.
    console.error(JSON.stringify(row));
    rows.push(row);
  }
  if (rows.length > 0) console.log(tableOf(rows));
  for (const line of [...ratiosOf(rows), ...rows.flatMap(overBudget).map((text) => `over budget: ${text}`)])
    console.log(line);
  if (!withStart) return;
  console.log(startText(await inChild<StartCost & { nodeCpuMs: number }>('start', 0)));
  console.log(idleText(await inChild<IdleCost>('idle', idleSeconds)));
}

/** The backlog workloads are measured at several sizes, so their rows are named after it. */
async function rowFor({ workload, jobs }: Step): Promise<Row> {
  const row = await inChild<Row>(workload, jobs);
  const isSized = workload === 'drain-from-backlog' || workload === 'due-among-future';
  return isSized ? { ...row, workload: `${workload}-${jobs}` } : row;
}

async function inChild<T>(measurement: string, count: number): Promise<T> {
  const dataPath = join(folder, `${measurement}-${count}`);
  const execArgv = plan.profilePath === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${plan.profilePath}`];
  // Whatever a child prints goes to standard error, so that `--json` prints its array and nothing else.
  const child = fork(join(compiled, 'test/bench/child.js'), [measurement, dataPath, `${count}`], {
    execArgv,
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const result = await new Promise<T>((resolve, reject) => {
    let answer: T | undefined;
    child.on('message', (message) => {
      answer = message as T;
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0 && answer !== undefined) resolve(answer);
      else reject(new Error(`The process of ${measurement} ended with exit code ${code} and no result.`));
    });
  });
  rmSync(dataPath, { recursive: true, force: true });
  return result;
}
