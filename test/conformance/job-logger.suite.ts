/** What every adapter of the JobLogger port must do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobLogLine } from '../../src/job/log-line.js';
import type { JobLogger } from '../../src/ports/job-logger.js';

/** A fresh, opened log, and what ends the test. */
export interface LoggerUnderTest {
  readonly logger: JobLogger;
  end(): Promise<void>;
}

const aLine = (change: Partial<JobLogLine> = {}): JobLogLine => ({
  jobId: 'J1',
  runId: 'r1',
  seq: 1,
  at: 1_000,
  level: 'INFO',
  type: 'biz',
  text: 'hello',
  ...change,
});

export function jobLoggerSuite(name: string, create: () => Promise<LoggerUnderTest>): void {
  describe(`JobLogger on ${name}`, () => {
    let test: LoggerUnderTest;
    let logger: JobLogger;
    beforeEach(async () => {
      test = await create();
      logger = test.logger;
    });
    afterEach(() => test.end());

    const texts = async (jobId = 'J1', limit = 100): Promise<string[]> =>
      (await logger.read(jobId, { limit })).lines.map((line) => line.text);

    it('gives back what was appended, with and without a run', async () => {
      const lines = [
        aLine({ text: 'grüß "你好"\n', level: 'ERROR' }),
        aLine({ at: 2_000, runId: undefined, type: 'retry' }),
      ];
      await logger.append(lines);
      expect((await logger.read('J1', { limit: 10 })).lines).toEqual(lines);
    });

    it('answers the lines of one job by at, runId and seq', async () => {
      await logger.append([
        aLine({ text: '5', at: 3_000 }),
        aLine({ text: '4', at: 2_000, runId: 'r2', seq: 1 }),
        aLine({ text: '3', at: 2_000, runId: 'r1', seq: 10 }),
        aLine({ text: '2', at: 2_000, runId: 'r1', seq: 9 }),
        aLine({ text: '1', at: 2_000, runId: undefined, seq: 99 }),
        aLine({ text: 'other', jobId: 'J10' }),
        aLine({ text: 'other', jobId: 'J' }),
      ]);
      expect(await texts()).toEqual(['1', '2', '3', '4', '5']);
      expect(await texts('nobody')).toEqual([]);
    });

    it('changes nothing when a line comes again', async () => {
      await logger.append([aLine(), aLine()]);
      await logger.append([aLine({ text: 'again' })]);
      expect(await texts()).toEqual(['hello']);
    });

    it('pages by a cursor, from which later lines are read too', async () => {
      await logger.append([1, 2, 3].map((seq) => aLine({ seq, text: `${seq}` })));
      const first = await logger.read('J1', { limit: 2 });
      expect(first.lines.map((line) => line.text)).toEqual(['1', '2']);
      const second = await logger.read('J1', { limit: 2, cursor: first.cursor });
      expect(second.lines.map((line) => line.text)).toEqual(['3']);
      expect(await logger.read('J1', { limit: 2, cursor: second.cursor })).toEqual({ lines: [] });
      await logger.append([aLine({ seq: 4, text: '4' })]);
      expect((await logger.read('J1', { limit: 2, cursor: second.cursor })).lines.map((line) => line.text)).toEqual([
        '4',
      ]);
    });

    it('refuses a cursor that is not its own', async () => {
      await expect(logger.read('J1', { limit: 1, cursor: 'x' })).rejects.toMatchObject({ code: 'LTS_MESSAGE_INVALID' });
    });

    it('removes the lines of jobs, however many, and of no others', async () => {
      const many = Array.from({ length: 1_500 }, (_, seq) => aLine({ seq }));
      await logger.append([...many, aLine({ jobId: 'J2' }), aLine({ jobId: 'J3', text: 'stays' })]);
      await logger.remove(['J1', 'nobody', 'J2']);
      expect([await texts('J1'), await texts('J2'), await texts('J3')]).toEqual([[], [], ['stays']]);
    });
  });
}
