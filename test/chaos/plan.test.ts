/** What the command line of the chaos run chooses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planOf } from './plan.js';
import { scenarios } from './scenarios.js';
import type { Step } from './steps.js';

const namesOf = (...args: string[]) => planOf(args).scenarios.map(({ name }) => name);

describe('the plan of a chaos run', () => {
  it('plays every scenario that its shape can have', () => {
    expect(namesOf('--shape', 'nats-mongo')).toEqual(scenarios.map(({ name }) => name));
    expect(namesOf()).not.toContain('tracker-without-store');
    expect(namesOf().length).toBeGreaterThan(15);
  });

  it('is counted by the README as it is', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, own, all] = /\((\d+) scenarios, (\d+) with `--shape nats-mongo`/.exec(readme) ?? [];
    expect([Number(own), Number(all)]).toEqual([namesOf().length, scenarios.length]);
  });

  it('takes the named ones, and refuses names that it does not know', () => {
    expect(namesOf('--only', 'worker-killed,nats-restarted')).toEqual(['worker-killed', 'nats-restarted']);
    expect(() => planOf(['--only', 'worker-kiled'])).toThrow('worker-kiled: one of worker-killed');
    expect(() => planOf(['--shape', 'nats'])).toThrow('one of nats-lmdb, nats-mongo');
  });

  it('makes the same pairs of the same seed, of two scenarios each', () => {
    const pairs = namesOf('--pairs', '20', '--seed', '7');
    expect(namesOf('--pairs', '20', '--seed', '7')).toEqual(pairs);
    expect(namesOf('--pairs', '20', '--seed', '8')).not.toEqual(pairs);
    for (const pair of pairs) expect(new Set(pair.split(/ [>/] /)).size).toBe(2);
  });

  it('lets the second of a pair hit other workers and clients', () => {
    const [pair] = planOf(['--pairs', '1', '--only', 'worker-killed,worker-cut-40s']).scenarios;
    const names = (steps: readonly Step[]): string[] =>
      steps.flatMap((step) => {
        if ('steps' in step) return names(step.steps);
        if ('who' in step) return [step.who];
        return 'link' in step ? [step.link] : [];
      });
    expect(new Set(names(pair?.steps ?? []))).toEqual(new Set(['worker-1', 'worker-2']));
  });
});
