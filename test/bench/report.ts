/** The results for people: a table, the budgets beside what was counted, the ratios of the backlog. */
import type { IdleCost } from './idle.js';
import type { Row } from './measure.js';
import type { StartCost } from './start.js';

export interface Budget {
  readonly recordWritesPerJob: number;
  readonly keyOpsPerJob: number;
  readonly commitsPerJob?: number;
}

/** Counts per job in steady load that must hold on every machine. */
export const budgets: Readonly<Record<string, Budget>> = {
  'end-to-end': { recordWritesPerJob: 2.1, keyOpsPerJob: 4.2, commitsPerJob: 0.05 },
  'end-to-end-with-task-id': { recordWritesPerJob: 2.1, keyOpsPerJob: 6.2, commitsPerJob: 0.05 },
  drain: { recordWritesPerJob: 3.1, keyOpsPerJob: 7.2 },
  'drain-with-task-id': { recordWritesPerJob: 3.1, keyOpsPerJob: 9.2 },
};

const columns: readonly [title: string, cell: (row: Row) => string][] = [
  ['workload', (row) => row.workload],
  ['jobs', (row) => row.jobs.toLocaleString('en')],
  ['jobs/s', (row) => Math.round(row.jobsPerSecond).toLocaleString('en')],
  ['p50 ms', (row) => row.p50Ms.toFixed(2)],
  ['p99 ms', (row) => row.p99Ms.toFixed(2)],
  ['CPU us/job', (row) => row.cpuMicrosPerJob.toFixed(1)],
  ['writes/job', (row) => row.recordWritesPerJob.toFixed(3)],
  ['key ops/job', (row) => row.keyOpsPerJob.toFixed(3)],
  ['key reads/job', (row) => row.keyReadsPerJob.toFixed(3)],
  ['commits/job', (row) => row.commitsPerJob.toFixed(4)],
  ['messages/job', (row) => row.messagesPerJob.toFixed(4)],
  ['RssAnon MB', (row) => row.peakRssAnonMb?.toFixed(0) ?? '-'],
];

export function tableOf(rows: readonly Row[]): string {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const padded = (cell: string, i: number): string =>
    i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return lines.map((line) => line.map(padded).join('  ')).join('\n');
}

/** Every count that is above its budget, as a sentence. */
export function overBudget(row: Row): string[] {
  const budget: Budget | undefined = budgets[row.workload];
  return Object.entries(budget ?? {})
    .filter(([name, most]) => row[name as keyof Budget] > most)
    .map(([name, most]) => `${row.workload}: ${row[name as keyof Budget]} ${name}, budget ${most}`);
}

/** How the drain rate at each size of the backlog compares with that of the smallest. */
export function ratiosOf(rows: readonly Row[]): string[] {
  const [first, ...others] = rows.filter(({ workload }) => workload.startsWith('drain-from-backlog'));
  return others.map((row) => {
    const byTime = row.jobsPerSecond / (first?.jobsPerSecond ?? 1);
    const byCpu = (first?.cpuMicrosPerJob ?? 0) / row.cpuMicrosPerJob;
    return `${row.workload} against ${first?.workload}: ${byTime.toFixed(2)} by time, ${byCpu.toFixed(2)} by CPU (wanted: at least 0.9)`;
  });
}

export function startText({ cpuMs, nodeCpuMs, wallMs }: StartCost & { readonly nodeCpuMs: number }): string {
  const ours = `${(cpuMs - nodeCpuMs).toFixed(0)} ms after Node's own ${nodeCpuMs.toFixed(0)} ms`;
  return `start to the first job's end: ${cpuMs.toFixed(0)} ms CPU (${ours}; wanted: at most 300), ${wallMs.toFixed(0)} ms by the clock; compiled sources`;
}

export function idleText({ seconds, keyOps, commits, messages, cpuPercent }: IdleCost): string {
  return `${seconds} s without work: ${keyOps} key operations, ${commits} commits, ${messages} messages, ${cpuPercent.toFixed(2)} % CPU`;
}
