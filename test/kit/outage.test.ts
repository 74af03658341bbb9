/** What the log tells of something that is away: little, and all that is needed. */
import { expect, it } from 'vitest';
import { Outage } from '../../src/kit/outage.js';

function anOutage(quietMs = 2_000) {
  let now = 1_000_000;
  const lines: string[] = [];
  const note = (level: string) => (fields: object, text: string) => {
    lines.push(`${level} ${(fields as { awayMs: number }).awayMs} ${text}`);
  };
  const clock = { monoMs: () => now };
  const away = (why: string) => `it is away (${why})`;
  const outage = new Outage({
    clock,
    log: { info: note('info'), warn: note('warn') },
    quietMs,
    away,
    back: 'it is back',
  });
  /** Met every 100 ms. */
  const metFor = (ms: number) => {
    for (const end = now + ms; now < end; now += 100) outage.met('no luck.');
  };
  const pass = (ms: number) => {
    now += ms;
    return now;
  };
  return { outage, lines, metFor, pass };
}

it('is told once when it goes, once a minute while it stays away, and once when it is back', () => {
  const { outage, lines, metFor } = anOutage();
  metFor(130_000);
  expect(outage.isTold).toBe(true);
  outage.over();
  outage.over();
  expect(lines).toEqual([
    'warn 2000 it is away (no luck)',
    'warn 62000 it is away (no luck)',
    'warn 122000 it is away (no luck)',
    'info 130000 it is back',
  ]);
  expect(outage.isTold).toBe(false);
});

it('what is soon back is worth no line, however often it goes', () => {
  const { outage, lines, metFor } = anOutage();
  for (let round = 0; round < 10; round++) {
    metFor(1_900);
    outage.over();
  }
  expect(lines).toEqual([]);
});

it('begins where that was tried which failed late, but not before the last success', () => {
  const { outage, lines, pass } = anOutage();
  const tried = pass(0);
  pass(9_000);
  outage.over();
  pass(1_000);
  outage.met('no answer', tried);
  expect(lines).toEqual([]);
  outage.over();
  const again = pass(0);
  pass(10_000);
  outage.met('no answer', again);
  expect(lines).toEqual(['warn 10000 it is away (no answer)']);
});
