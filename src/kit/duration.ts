/** Durations as users write them: milliseconds, or text with a unit. */
import { LtsError } from '../errors.js';
import { shown } from './shown.js';

export type Duration = number | string;

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `200`, `'200ms'`, `'30s'`, `'5m'`, `'2h'`, `'3d'`. Throws LTS_DURATION_INVALID, naming `field`. */
export function durationMs(duration: Duration, field: string): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration) && duration >= 0) return Math.round(duration);
  } else if (typeof duration === 'string') {
    const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(duration);
    if (match) return Math.round(Number(match[1]) * (unitMs[match[2] ?? 'ms'] ?? 1));
  }
  throw new LtsError(
    'LTS_DURATION_INVALID',
    `${field}: ${shown(duration)} is not a duration. Write milliseconds (200) or text such as '200ms', '30s', '5m', '2h', '3d'.`,
  );
}
