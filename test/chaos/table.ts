/** Verdicts as a table for people. */
import type { Finding, FindingKind } from './judge/checker.js';
import type { Outcome } from './supervisor.js';

const heads = [
  'scenario',
  'jobs',
  'runs',
  'reruns',
  'lost',
  'doubled',
  'stale',
  'slots',
  'other',
  'pause s',
  'recovery s p50 / p99 / max',
  'verdict',
  's',
];
const widths = [42, 6, 6, 7, 5, 8, 6, 12, 6, 8, 27, 8, 5];

export const headRow = (): string => row(heads);

export function rowOf({ name, verdict, seconds }: Outcome): string {
  const { jobs, runs, reruns, slots, skippedSlots, recoveriesMs, pauseMs, findings } = verdict;
  const count = (...kinds: FindingKind[]) => findings.filter(({ kind }) => kinds.includes(kind)).length;
  const slotText = `${slots}+${skippedSlots}${count('slot') > 0 ? ` !${count('slot')}` : ''}`;
  const counts = [jobs, runs, reruns, count('lost'), count('doubled'), count('stale'), slotText];
  const other = count('early', 'aborted', 'untold', 'unmet');
  const word = findings.length === 0 ? 'ok' : 'FAILED';
  return row([name, ...counts, other, inSeconds(pauseMs), recoveryText(recoveriesMs), word, Math.round(seconds)]);
}

/** `sorted` ascending. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export const findingText = ({ kind, jobId, text }: Finding): string => `  ${kind}: ${jobId ? `${jobId}: ` : ''}${text}`;

const inSeconds = (ms: number): string => (ms / 1_000).toFixed(1);

function recoveryText(ms: readonly number[]): string {
  if (ms.length === 0) return '-';
  const figures = [quantile(ms, 0.5), quantile(ms, 0.99), ms.at(-1) ?? 0].map(inSeconds).join(' / ');
  return `${figures} (${ms.length})`;
}

const row = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, i) => String(cell).padEnd(widths[i] ?? 0))
    .join(' ')
    .trimEnd();
