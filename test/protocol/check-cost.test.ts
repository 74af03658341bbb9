import { expect, it } from 'vitest';
import type { MessageKind } from '../../src/protocol/messages.js';
import { bodyFault } from '../../src/protocol/shapes/check-message.js';
import { aJob } from './sample-bodies.js';

const items = 500;
const rounds = 400;
const many = <Item>(item: (id: string) => Item) => Array.from({ length: items }, (_, i) => item(`job-${i}`));
const outcome = { kind: 'success', result: '{"sum":1}' };

/** Each round decodes anew, as a transport does; only the check is timed. */
function microsPerItem(kind: MessageKind, body: unknown): number {
  const text = JSON.stringify(body);
  const times = Array.from({ length: rounds }, () => {
    const decoded: unknown = JSON.parse(text);
    const start = performance.now();
    expect(bodyFault(kind, decoded)).toBeUndefined();
    return ((performance.now() - start) * 1_000) / items;
  });
  const warm = times.slice(rounds / 2).sort((a, b) => a - b);
  return warm[Math.floor(warm.length / 2)] ?? Number.NaN;
}

/** `npx vitest run test/protocol/check-cost.test.ts` prints the numbers; the bound is ten times what was measured. */
it.each([
  ['SubmitJobs', { jobs: many(aJob) }],
  ['ReportRuns', { session: 's', slots: 0, reports: many((jobId) => ({ jobId, runId: 'r', outcome })) }],
] as const)('%s of 500: the check costs little per item', (kind, body) => {
  const micros = microsPerItem(kind, body);
  console.info(`${kind} of ${items}: ${micros.toFixed(3)} µs per item`);
  expect(micros).toBeLessThan(5);
});
