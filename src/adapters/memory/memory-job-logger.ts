/** The JobLogger port in memory, bounded: for tests, simulation and trackers without a store. */
import { type JobLogLine, type LogPlace, logCursorOf, logPlaceOf, logPlaceOfCursor } from '../../job/log-line.js';
import type { JobLogger } from '../../ports/job-logger.js';

/** Default bound of a MemoryJobLogger: lines of all jobs together. */
const linesMaxDefault = 1_000_000;

/** Beyond `linesMax` lines the oldest job's lines are dropped, for a log may be incomplete but never grows without end. */
export class MemoryJobLogger implements JobLogger {
  private readonly lines = new Map<string, Map<string, JobLogLine>>();
  private count = 0;

  constructor(private readonly linesMax = linesMaxDefault) {}

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  async append(lines: readonly JobLogLine[]): Promise<void> {
    for (const line of lines) this.appendOne(line);
    for (const jobId of this.lines.keys()) {
      if (this.count <= this.linesMax) break;
      this.removeOne(jobId);
    }
  }

  /** A page with lines has a cursor: lines appended later are read from there. */
  async read(
    jobId: string,
    { cursor, limit }: { cursor?: string | undefined; limit: number },
  ): Promise<{ lines: JobLogLine[]; cursor?: string }> {
    const after = cursor === undefined ? undefined : logPlaceOfCursor(cursor);
    const sorted = [...(this.lines.get(jobId)?.values() ?? [])].sort((a, b) => inOrder(logPlaceOf(a), logPlaceOf(b)));
    const lines = sorted.filter((line) => after === undefined || inOrder(logPlaceOf(line), after) > 0).slice(0, limit);
    const last = lines.at(-1);
    return last ? { lines, cursor: logCursorOf(logPlaceOf(last)) } : { lines };
  }

  async remove(jobIds: readonly string[]): Promise<void> {
    for (const jobId of jobIds) this.removeOne(jobId);
  }

  private appendOne(line: JobLogLine): void {
    const known = this.lines.get(line.jobId) ?? new Map<string, JobLogLine>();
    this.lines.set(line.jobId, known);
    const key = logCursorOf(logPlaceOf(line));
    if (known.has(key)) return;
    known.set(key, line);
    this.count++;
  }

  private removeOne(jobId: string): void {
    this.count -= this.lines.get(jobId)?.size ?? 0;
    this.lines.delete(jobId);
  }
}

function inOrder(a: LogPlace, b: LogPlace): number {
  return a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[2] - b[2]);
}
