/** Appends what runs wrote to the logs of their jobs, and passes their progress on to those who follow them. */
import { type JobLogLine, shownRun } from '../../job/log-line.js';
import type { BodyOf, ReplyOf } from '../../protocol/messages.js';
import type { Hints } from '../hints.js';
import { storedAmong } from '../records/stored-jobs.js';
import type { Sessions } from '../sessions/sessions.js';
import type { TrackerParts } from '../tracker-ports.js';
import type { Queries } from './queries.js';

export class AppendLog {
  constructor(
    private readonly parts: TrackerParts,
    private readonly sessions: Sessions,
    private readonly queries: Queries,
    private readonly hints: Hints,
  ) {}

  async append({ lines, progress }: BodyOf<'AppendLog'>): Promise<ReplyOf<'AppendLog'>> {
    this.queries.noteProgress(progress);
    this.hints.progressed(progress);
    const kept = await this.ofStoredJobs(lines);
    if (kept.length === 0) return {};
    await this.parts.ports.logger.append(kept.map((line) => ({ ...line, runId: shownRun(line.runId) })));
    this.queries.noteLines(kept);
    return {};
  }

  /** Lines go with their job: those of one that never was, or is removed, would stay for ever. What runs here is known without asking. */
  private async ofStoredJobs(lines: readonly JobLogLine[]): Promise<readonly JobLogLine[]> {
    const { queue, log } = this.parts.ports;
    const others = [...new Set(lines.map(({ jobId }) => jobId))].filter((jobId) => !this.sessions.holderOf(jobId));
    const stored = await storedAmong(queue, others);
    const unknown = new Set(others.filter((jobId) => !stored.has(jobId)));
    if (unknown.size === 0) return lines;
    const kept = lines.filter(({ jobId }) => !unknown.has(jobId));
    log.info(
      { lines: lines.length - kept.length, jobs: unknown.size },
      'log lines of jobs that are not stored were left out',
    );
    return kept;
  }
}
