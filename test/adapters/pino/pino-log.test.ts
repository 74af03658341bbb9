import { type LoggerOptions, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { PinoLog, type PinoLogSettings, pinoLog } from '../../../src/adapters/pino/pino-log.js';

function logTo(settings: PinoLogSettings = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = pinoLog({ ...settings, destination: { write: (text) => void lines.push(JSON.parse(text)) } });
  return { log, lines };
}

it('writes fields, text and the identity of the node', () => {
  const { log, lines } = logTo({ identity: 'tracker-1' });
  log.info({ jobId: 'J1' }, 'accepted');
  expect(lines).toEqual([{ level: 30, time: expect.any(Number), identity: 'tracker-1', jobId: 'J1', msg: 'accepted' }]);
});

it('writes the levels from the one that was set', () => {
  const { log, lines } = logTo({ level: 'warn' });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({}, level);
  expect(lines.map(({ msg }) => msg)).toEqual(['warn', 'error']);
});

it('writes errors with message and stack', () => {
  const { log, lines } = logTo();
  log.error({ error: new Error('disk full') }, 'commit failed');
  expect(lines[0]).toMatchObject({ error: { message: 'disk full', stack: expect.stringContaining('disk full') } });
});

it('never writes a secret', () => {
  const { log, lines } = logTo();
  log.info({ password: 'p1', nats: { token: 't2', user: 'ann' } }, 'connected');
  expect(JSON.stringify(lines)).not.toMatch(/p1|t2/);
  expect(lines[0]).toMatchObject({ password: '[redacted]', nats: { token: '[redacted]', user: 'ann' } });
});

it("writes through the user's own logger, with its settings", () => {
  const lines: string[] = [];
  const log = new PinoLog(pino({ level: 'debug', base: { app: 'shop' } }, { write: (text) => void lines.push(text) }));
  log.debug({ a: 1 }, 'seen');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ app: 'shop', a: 1, msg: 'seen' });
});

describe("errors in the user's own logger", () => {
  function logThrough(options: LoggerOptions) {
    const lines: Record<string, unknown>[] = [];
    const logger = pino(options, { write: (text) => void lines.push(JSON.parse(text)) });
    return { logger, log: new PinoLog(logger), lines };
  }

  it('regression: they were all written as {}', () => {
    const { log, lines } = logThrough({});
    log.error({ error: new Error('disk full') }, 'commit failed');
    expect(lines[0]).toMatchObject({ error: { message: 'disk full', stack: expect.stringContaining('disk full') } });
  });

  it('are left to its own serializer, if it has one', () => {
    const { log, lines } = logThrough({ serializers: { error: () => 'mine' } });
    log.error({ error: new Error('disk full') }, 'commit failed');
    expect(lines[0]).toMatchObject({ error: 'mine' });
  });

  it('follow a level that is changed later', () => {
    const { logger, log, lines } = logThrough({ level: 'silent' });
    logger.level = 'debug';
    log.debug({}, 'seen');
    expect(lines).toHaveLength(1);
  });
});
