import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { addCounts, faultMarks, missingMarks, sharedMarks } from './coverage.js';
import { plants } from './plants.js';
import { runSeed } from './run-seed.js';

const seeds = Array.from({ length: 100 }, (_, i) => i + 1);
const program = fileURLToPath(new URL('simulate.ts', import.meta.url));

/** The trace line of a seed, from a process of its own. */
async function traceOf(seed: number, timeZone: string): Promise<string> {
  const args = ['--import', 'tsx', program, '--seed', String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, TZ: timeZone } });
  return stdout.split('\n').find((line) => line.startsWith('trace ')) ?? stdout;
}

describe('a simulated cluster', () => {
  test('keeps its promises under every fault, and every fault really happens', { timeout: 120_000 }, async () => {
    const counts: Record<string, number> = {};
    for (const seed of seeds) {
      const outcome = await runSeed(seed);
      expect(outcome.violations, `replay: npm run simulate -- --seed ${seed} --trace`).toEqual([]);
      addCounts(counts, outcome.counts);
    }
    expect(missingMarks(counts, [...faultMarks, ...sharedMarks])).toEqual([]);
  });

  test('does the same again for the same seed', { timeout: 60_000 }, async () => {
    const first = await runSeed(7);
    const second = await runSeed(7);
    expect(second.digest).toBe(first.digest);
    expect((await runSeed(8)).digest).not.toBe(first.digest);
  });

  test('does the same in another process and another time zone', { timeout: 60_000 }, async () => {
    const traces = await Promise.all([
      traceOf(11, 'UTC'),
      traceOf(11, 'Asia/Shanghai'),
      traceOf(11, 'America/New_York'),
    ]);
    expect(traces[0]).toMatch(/^trace \d+-[0-9a-f]{8} /);
    expect(new Set(traces).size).toBe(1);
  });

  // All planted bugs: npm run simulate -- --plant all
  test.each(['answer-before-commit', 'poison-convicts-its-neighbours', 'resent-result-is-refused'])(
    'sees the planted bug %s',
    { timeout: 60_000 },
    async (name) => {
      const plant = plants.find((one) => one.name === name);
      const found: string[] = [];
      for (let seed = 1; seed <= 20 && found.length === 0; seed++) {
        const { violations } = await runSeed(seed, { plant });
        found.push(...violations.filter((violation) => plant?.seenAs.some((text) => violation.includes(text))));
      }
      expect(found).not.toEqual([]);
    },
  );
});
