/** Biz-log lines and progress of runs, brought to the tracker in batches off the critical path: bounded, never waited for. */

import { ask } from '../cluster/ask.js';
import type { BizLogger } from '../job/context.js';
import type { JobRecord } from '../job/job.js';
import type { JobLogLine, LogLevel } from '../job/log-line.js';
import { Batcher } from '../kit/batcher.js';
import { textOf } from '../kit/shown.js';
import { wireBytes } from '../kit/wire-bytes.js';
import { limits } from '../protocol/limits.js';
import type { Progress } from '../protocol/messages.js';
import type { RunVoice } from './run.js';
import type { WorkerParts } from './worker-ports.js';

const rank: Record<LogLevel, number> = { DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
const queuedLinesMax = 50_000;
const sendWithinMs = 5_000;

export class Voice {
  private readonly lines: Batcher<JobLogLine, void>;
  private readonly progress = new Map<string, Progress>();
  private isFlushing = false;
  dropped = 0;

  constructor(private readonly parts: WorkerParts) {
    this.lines = new Batcher({
      name: 'biz log',
      batchItemsMax: 1_000,
      batchSizeMax: limits.batchBytesMax,
      sizeOf: (line) => 256 + wireBytes(line.text),
      queuedItemsMax: queuedLinesMax,
      endOfTurn: () => parts.ports.clock.endOfTurn(),
      send: (lines) => this.send(lines),
    });
  }

  of({ jobId, status }: JobRecord): RunVoice {
    const runId = status.runId ?? '';
    let seq = 0;
    const write = (level: LogLevel) => (text: string) => {
      if (rank[level] < rank[this.parts.settings.bizLoggerLevel]) return;
      this.write({
        jobId,
        runId,
        seq: ++seq,
        at: this.parts.ports.clock.wallMs(),
        level,
        type: 'biz',
        text: cut(textOf(text)),
      });
    };
    const bizLogger: BizLogger = {
      debug: write('DEBUG'),
      info: write('INFO'),
      warn: write('WARN'),
      error: write('ERROR'),
    };
    return { bizLogger, progress: (percent, text) => this.note({ jobId, runId, percent, text }) };
  }

  /** Resolves when what was written so far has been sent or dropped. */
  async flush(): Promise<void> {
    while (this.lines.isBusy) await this.parts.ports.clock.sleep(10);
  }

  private write(line: JobLogLine): void {
    this.lines.add(line).catch((error) => {
      if (this.dropped++ % 1_000 === 0)
        this.parts.ports.log.warn({ dropped: this.dropped, error }, 'biz-log lines were dropped');
    });
  }

  /** Only the newest of each run is worth sending. */
  private note(progress: Progress): void {
    this.progress.set(progress.runId + progress.jobId, progress);
    if (this.isFlushing) return;
    this.isFlushing = true;
    void this.parts.ports.clock.endOfTurn().then(async () => {
      this.isFlushing = false;
      const newest = [...this.progress.values()];
      this.progress.clear();
      await this.deliver({ lines: [], progress: newest }).catch(() => undefined);
    });
  }

  /** Lines that cannot be sent are kept in the FailStore and replayed later. */
  private async send(lines: readonly JobLogLine[]): Promise<undefined> {
    try {
      await this.deliver({ lines, progress: [] });
    } catch {
      const { failStore, clock } = this.parts.ports;
      const at = clock.wallMs();
      await failStore.put(
        lines.map((line) => ({
          topic: 'biz-logs',
          key: `${line.jobId}/${line.runId}/${line.seq}`,
          value: JSON.stringify(line),
          at,
        })),
      );
    }
    return undefined;
  }

  private deliver(body: { lines: readonly JobLogLine[]; progress: readonly Progress[] }): Promise<unknown> {
    const to = { subject: this.parts.subjects.tracker, deadlineMs: sendWithinMs };
    return ask(this.parts.ports.transport, to, { kind: 'AppendLog', body });
  }
}

function cut(text: string): string {
  return text.length <= limits.logLineBytesMax / 2 ? text : `${text.slice(0, limits.logLineBytesMax / 2 - 3)}...`;
}
