/**
 * What one call of `npm run chaos` plays.
 *
 *   --shape nats-lmdb | nats-mongo   where jobs are kept: by one tracker in LMDB (default), or in MongoDB by several
 *   --list                           the scenarios, and nothing else
 *   --only a,b                       these scenarios
 *   --pairs N                        N random pairs, the second one's faults right after or over those of the first
 *   --short                          the set for CI
 *   --measure kill,reset,...         measurements: kill, reset, freeze, nats-down; --rounds N instead of 20
 *   --parallel N                     so many at a time; default 2, of the short set 3
 *   --seed N                         for pairs; printed
 *   --keep, --keep-all               journals and logs of what failed, or of everything, are kept
 */
import { parseArgs } from 'node:util';
import type { Shape } from './cast/cast.js';
import { measures } from './measures.js';
import { pairsOf } from './pairs.js';
import { type Scenario, scenarios } from './scenarios.js';
import type { Keep } from './supervisor.js';

export interface Plan {
  readonly shape: Shape;
  readonly scenarios: readonly Scenario[];
  readonly isList: boolean;
  readonly parallel: number;
  readonly seed: number;
  readonly keep: Keep;
}

const shapes: readonly Shape[] = ['nats-lmdb', 'nats-mongo'];

/** Throws for words that it does not know. */
export function planOf(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      shape: { type: 'string', default: 'nats-lmdb' },
      list: { type: 'boolean', default: false },
      only: { type: 'string' },
      pairs: { type: 'string' },
      short: { type: 'boolean', default: false },
      measure: { type: 'string' },
      rounds: { type: 'string', default: '20' },
      parallel: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
      keep: { type: 'boolean', default: false },
      'keep-all': { type: 'boolean', default: false },
    },
  });
  const shape = shapes.find((name) => name === values.shape);
  if (!shape) throw new Error(`--shape ${values.shape}: one of ${shapes.join(', ')}`);
  const seed = Number(values.seed);
  const rest = { shape, seed, isList: values.list, parallel: Number(values.parallel ?? (values.short ? 3 : 2)) };
  return {
    ...rest,
    keep: values['keep-all'] ? 'all' : values.keep ? 'failed' : 'none',
    scenarios: chosen(values, { shape, seed }),
  };
}

interface Words {
  readonly only?: string | undefined;
  readonly pairs?: string | undefined;
  readonly short: boolean;
  readonly measure?: string | undefined;
  readonly rounds: string;
}

function chosen(
  { only, pairs, short, measure, rounds }: Words,
  { shape, seed }: { shape: Shape; seed: number },
): readonly Scenario[] {
  if (measure !== undefined) return named(measure, measures(Number(rounds)));
  const fitting = scenarios.filter(({ shapes: own }) => own === undefined || own.includes(shape));
  const wanted = only === undefined ? fitting : named(only, fitting);
  if (pairs !== undefined) return pairsOf(wanted, Number(pairs), seed);
  return short ? wanted.filter(({ isShort }) => isShort) : wanted;
}

function named(names: string, all: readonly Scenario[]): Scenario[] {
  return names.split(',').map((name) => {
    const found = all.find((one) => one.name === name);
    if (!found) throw new Error(`${name}: one of ${all.map((one) => one.name).join(', ')}`);
    return found;
  });
}
