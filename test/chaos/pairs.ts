/** Random pairs of scenarios: the faults of the second come right after those of the first, or over them. */
import { SeededChance } from '../../src/testing/seeded-chance.js';
import type { Scenario } from './scenarios.js';
import { type Step, together, wait } from './steps.js';

const secondAfterMs = 700;

/** The same pairs for the same seed. */
export function pairsOf(scenarios: readonly Scenario[], count: number, seed: number): Scenario[] {
  const chance = new SeededChance(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(chance.next() * list.length)] as T;
  return Array.from({ length: count }, () => {
    const first = any(scenarios);
    const others = scenarios.filter((one) => one !== first);
    return pair(first, any(others.length > 0 ? others : scenarios), any(['then', 'over'] as const));
  });
}

function pair(first: Scenario, second: Scenario, how: 'then' | 'over'): Scenario {
  const others = second.steps.map(elsewhere);
  const steps: Step[] =
    how === 'then'
      ? [...first.steps, ...others]
      : [
          together([
            { do: 'sequence', steps: first.steps },
            { do: 'sequence', steps: [wait(secondAfterMs), ...others] },
          ]),
        ];
  const name = `${first.name} ${how === 'then' ? '>' : '/'} ${second.name}`;
  return { name, what: `${first.what}; ${second.what}`, steps };
}

/** The second one hits other workers and clients than the first. */
function elsewhere(step: Step): Step {
  const swaps: Readonly<Record<string, string>> = {
    'worker-1': 'worker-2',
    'worker-2': 'worker-1',
    'client-1': 'client-2',
    'client-2': 'client-1',
  };
  const swapped = (name: string) => swaps[name] ?? name;
  if ('steps' in step) return { ...step, steps: step.steps.map(elsewhere) };
  if ('who' in step) return { ...step, who: swapped(step.who) };
  return 'link' in step ? { ...step, link: swapped(step.link) } : step;
}
