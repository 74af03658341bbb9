/** The benchmark's command with few jobs: the rows it prints, and the counts per job that must hold on every machine. Never times. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Row } from './measure.js';
import { budgets } from './report.js';

const jobs = 2_000;
const measuredWithinMs = 120_000;

async function rowsOf(...words: string[]): Promise<Row[]> {
  const command = ['--import', 'tsx', 'test/bench/bench.ts', '--json', `--jobs=${jobs}`, ...words];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  return JSON.parse(stdout) as Row[];
}

const numbers = [
  'jobs',
  'jobsPerSecond',
  'p50Ms',
  'p99Ms',
  'recordWritesPerJob',
  'keyOpsPerJob',
  'commitsPerJob',
  'messagesPerJob',
  'cpuMicrosPerJob',
] as const;

const workloads = ['submit-one', 'submit-concurrent', 'submit-bulk', 'drain', 'end-to-end'];
const keyed = ['drain-with-task-id', 'end-to-end-with-task-id'];

describe('the benchmark', () => {
  let rows: Row[] = [];
  beforeAll(async () => {
    rows = await rowsOf(`--only=${[...workloads, ...keyed].join(',')}`);
  }, measuredWithinMs);

  it('prints one JSON array with a row for each workload, in their order', () => {
    expect(rows.map(({ workload }) => workload)).toEqual([...workloads, ...keyed]);
    expect(new Set(rows.map(({ shape }) => shape))).toEqual(new Set(['embedded']));
  });

  it('gives every row its numbers', () => {
    for (const row of rows) {
      for (const name of numbers) expect(row[name], `${row.workload} ${name}`).toBeGreaterThan(0);
      expect(row.jobs).toBe(jobs);
    }
  });

  it('stores a submitted job once, and many submits in one commit', () => {
    const [one, ...batched] = rows.slice(0, 3);
    expect(one).toMatchObject({ recordWritesPerJob: 1, commitsPerJob: 1, messagesPerJob: 1 });
    for (const row of batched) {
      expect(row.recordWritesPerJob).toBe(1);
      expect(row.commitsPerJob).toBeLessThanOrEqual(0.05);
    }
  });

  it.each(Object.entries(budgets))('holds the budget of %s', (workload, budget) => {
    const row = rows.find((one) => one.workload === workload);
    expect(row?.recordWritesPerJob).toBeLessThanOrEqual(budget.recordWritesPerJob);
    expect(row?.keyOpsPerJob).toBeLessThanOrEqual(budget.keyOpsPerJob);
    expect(row?.commitsPerJob).toBeLessThanOrEqual(budget.commitsPerJob ?? Number.POSITIVE_INFINITY);
  });
});
