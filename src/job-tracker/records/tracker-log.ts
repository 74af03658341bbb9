/** Lines of the tracker in a job's log: only what is out of the ordinary; the ordinary is read from the record's timestamps. */
import { until } from '../../cluster/within.js';
import type { JobRecord } from '../../job/job.js';
import { isEnded } from '../../job/job.js';
import { type JobLogLine, type LogLevel, shownRun } from '../../job/log-line.js';
import { Batcher } from '../../kit/batcher.js';
import { textOf } from '../../kit/shown.js';
import type { Change } from '../../ports/job-queue.js';
import type { TrackerPorts } from '../tracker-ports.js';

export interface Happening {
  readonly jobId: string;
  readonly type: 'retry' | 'loss' | 'returned' | 'stale' | 'ended' | 'control' | 'miss';
  readonly level: LogLevel;
  readonly text: string;
}

const queuedLinesMax = 50_000;

export class TrackerLog {
  private readonly batcher: Batcher<JobLogLine, void>;
  private seq = 0;
  private dropped = 0;

  constructor(private readonly ports: TrackerPorts) {
    this.batcher = new Batcher({
      name: 'job log of the tracker',
      batchItemsMax: 1000,
      queuedItemsMax: queuedLinesMax,
      endOfTurn: () => ports.clock.endOfTurn(),
      send: async (lines) => {
        await ports.logger.append(lines);
        return undefined;
      },
    });
  }

  /** Resolves when what was written so far is stored, or after a second. */
  flush(): Promise<void> {
    return until(this.ports.clock, 1_000, () => !this.batcher.isBusy);
  }

  /** Never waits and never throws; what does not fit is counted. */
  write(happening: Happening): void {
    const line = { ...happening, seq: ++this.seq, at: this.ports.clock.wallMs() };
    this.batcher.add(line).catch((error) => {
      if (this.dropped++ % 1000 === 0)
        this.ports.log.warn({ dropped: this.dropped, reason: textOf(error) }, 'lines of the job log were dropped');
    });
  }

  /** The exceptional ones among settled runs; `written` says, in the order of the changes, what came of each. */
  steps(changes: readonly Change[], written: readonly (JobRecord | undefined)[]): void {
    for (const [i, record] of written.entries()) {
      if (!record || record.status.state === 'succeeded') continue;
      this.write(happeningOf((changes[i] as Change).before, record));
    }
  }
}

function happeningOf(before: JobRecord, { jobId, status }: JobRecord): Happening {
  const run = `run ${shownRun(before.status.runId ?? '')}`;
  const why = status.message ? `: ${status.message}` : '';
  if (status.losses > before.status.losses) {
    const what = isEnded(status.state) ? `the job is ${status.state} (${status.reason})` : 'the job waits again';
    return {
      jobId,
      type: 'loss',
      level: 'WARN',
      text: `${run} was lost with its worker, loss ${status.losses}; ${what}`,
    };
  }
  if (isEnded(status.state)) {
    return {
      jobId,
      type: 'ended',
      // Somebody asked for it.
      level: status.state === 'cancelled' ? 'INFO' : 'ERROR',
      text: `${status.state}${status.reason ? ` (${status.reason})` : ''}${why}`,
    };
  }
  if (status.retryTimes > before.status.retryTimes) {
    const text = `${run}: retry ${status.retryTimes} is due at ${new Date(status.dueAt ?? 0).toISOString()}${why}`;
    return { jobId, type: 'retry', level: 'WARN', text };
  }
  return { jobId, type: 'returned', level: 'INFO', text: `${run} was handed back unfinished; the job waits again` };
}
