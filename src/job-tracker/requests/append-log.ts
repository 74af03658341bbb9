/** Appends what runs wrote to the logs of their jobs, and passes their progress on to those who follow them. */
import { shownRun } from '../../job/log-line.js';
import type { BodyOf, ReplyOf } from '../../protocol/messages.js';
import type { Hints } from '../hints.js';
import type { TrackerParts } from '../tracker-ports.js';
import type { Queries } from './queries.js';

export class AppendLog {
  constructor(
    private readonly parts: TrackerParts,
    private readonly queries: Queries,
    private readonly hints: Hints,
  ) {}

  async append({ lines, progress }: BodyOf<'AppendLog'>): Promise<ReplyOf<'AppendLog'>> {
    this.queries.noteProgress(progress);
    this.hints.progressed(progress);
    if (lines.length === 0) return {};
    await this.parts.ports.logger.append(lines.map((line) => ({ ...line, runId: shownRun(line.runId) })));
    this.queries.noteLines(lines);
    return {};
  }
}
