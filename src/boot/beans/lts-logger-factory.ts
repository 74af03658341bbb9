/** LTS's LtsLoggerFactory: the current run's logger for code that is not handed a context. */
import type { BizLogger } from '../../job/context.js';
import { textOf } from '../../kit/shown.js';
import { currentRun } from '../../task-tracker/current-run.js';

/** Lines that belong to no run are not lost: they go to standard error, and say so. */
const outside = (level: string) => (text: string) => {
  process.stderr.write(`[outside a run] ${level} ${textOf(text)}\n`);
};
const outsideLogger: BizLogger = {
  debug: outside('DEBUG'),
  info: outside('INFO'),
  warn: outside('WARN'),
  error: outside('ERROR'),
};

const now = (): BizLogger => currentRun()?.bizLogger ?? outsideLogger;

/** Looks for the run with each line, so that a logger kept in a field or module serves every run. */
const lookingLogger: BizLogger = {
  debug: (text) => now().debug(text),
  info: (text) => now().info(text),
  warn: (text) => now().warn(text),
  error: (text) => now().error(text),
};

/** Throws never, and never waits. */
export const LtsLoggerFactory = {
  /**
   * Inside a run, that run's logger, anywhere below `run` and across awaits and timers. Outside, a logger whose lines go to the run
   * that writes them, and to standard error, marked as such, where there is none.
   */
  getBizLogger(): BizLogger {
    return currentRun()?.bizLogger ?? lookingLogger;
  },
};
