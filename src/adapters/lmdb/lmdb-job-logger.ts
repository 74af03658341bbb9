/** The JobLogger port in the same LMDB file as the jobs, joined to its group commit: one entry per line under [jobId, at, runId, seq]. */
import { LtsError } from '../../errors.js';
import { type JobLogLine, type LogLevel, logCursorOf, logPlaceOf, logPlaceOfCursor } from '../../job/log-line.js';
import type { JobLogger } from '../../ports/job-logger.js';
import type { LmdbEnvironment } from './environment.js';
import { last } from './jobs/job-indexes.js';
import type { LmdbTable } from './table.js';

type LineKey = [jobId: string, at: number, runId: string, seq: number];
type LineValue = [level: LogLevel, type: string, text: string];

/** Most lines that one commit removes, so that a long log does not hold up the jobs. */
const removedPerCommitMax = 1_000;

export class LmdbJobLogger implements JobLogger {
  private lines: LmdbTable | undefined;

  /** The environment is opened before `open` and closed after `close` by whoever made it. */
  constructor(private readonly environment: LmdbEnvironment) {}

  async open(): Promise<void> {
    this.lines = this.environment.table('log-lines');
  }

  async close(): Promise<void> {
    this.lines = undefined;
    await this.environment.settled();
  }

  async append(lines: readonly JobLogLine[]): Promise<void> {
    const table = this.table();
    await this.environment.commit(() => {
      for (const line of lines) table.putNew(keyOf(line), textOf(line));
    });
  }

  /** A page with lines has a cursor: lines appended later are read from there. */
  async read(
    jobId: string,
    { cursor, limit }: { cursor?: string | undefined; limit: number },
  ): Promise<{ lines: JobLogLine[]; cursor?: string }> {
    const start = cursor === undefined ? [jobId] : [jobId, ...logPlaceOfCursor(cursor)];
    const entries = this.table().entries({ start, exclusiveStart: true, end: [jobId, last], limit });
    const lines = entries.map(({ key, value }) => lineOf(key as LineKey, value));
    const end = lines.at(-1);
    return end ? { lines, cursor: logCursorOf(logPlaceOf(end)) } : { lines };
  }

  async remove(jobIds: readonly string[]): Promise<void> {
    const table = this.table();
    let left: readonly string[] = jobIds;
    while (left.length > 0) left = await this.environment.commit(() => removeSome(table, left));
  }

  private table(): LmdbTable {
    if (this.lines) return this.lines;
    const text = `The job log in ${this.environment.path} is not open. Call open() first and await it.`;
    throw new LtsError('LTS_NOT_STARTED', text);
  }
}

const keyOf = (line: JobLogLine): LineKey => [line.jobId, ...logPlaceOf(line)];
const textOf = ({ level, type, text }: JobLogLine): string => JSON.stringify([level, type, text] satisfies LineValue);

function lineOf([jobId, at, runId, seq]: LineKey, value: string): JobLogLine {
  const [level, type, text] = parsed(value);
  return { jobId, at, seq, level, type, text, ...(runId === '' ? {} : { runId }) };
}

/** A line that cannot be read is shown as it is: a log may be damaged, but not hide it. */
function parsed(value: string): LineValue {
  try {
    const fields: unknown = JSON.parse(value);
    if (Array.isArray(fields) && fields.length === 3) return fields as LineValue;
  } catch {
    // Shown below.
  }
  return ['WARN', 'undecodable', value];
}

/** Removes lines of the first jobs, as many as one commit may; answers the jobs that may have lines left. */
function removeSome(table: LmdbTable, jobIds: readonly string[]): readonly string[] {
  let removed = 0;
  for (const [i, jobId] of jobIds.entries()) {
    const keys = table.keys({ start: [jobId], end: [jobId, last], limit: removedPerCommitMax - removed });
    for (const key of keys) table.remove(key);
    removed += keys.length;
    if (removed >= removedPerCommitMax) return jobIds.slice(i);
  }
  return [];
}
