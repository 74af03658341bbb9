/** LTS's `console` JobLogger: the story of a job goes to the technical log, and nothing is kept. */
import type { JobLogLine, LogLevel } from '../../job/log-line.js';
import type { JobLogger } from '../../ports/job-logger.js';
import type { Log } from '../../ports/log.js';

const methods: Readonly<Record<LogLevel, keyof Log>> = { DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' };

/** Writes every line once, at its own level; `read` finds nothing. */
export class ConsoleJobLogger implements JobLogger {
  constructor(private readonly log: Log) {}

  async open(): Promise<void> {}
  async close(): Promise<void> {}
  async remove(): Promise<void> {}

  async append(lines: readonly JobLogLine[]): Promise<void> {
    for (const { text, level, ...fields } of lines) this.log[methods[level]](fields, text);
  }

  async read(): Promise<{ lines: JobLogLine[] }> {
    return { lines: [] };
  }
}
