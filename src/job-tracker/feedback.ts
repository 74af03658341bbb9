/**
 * Feedback: brings the results of ended jobs to a client of the submitting group, at least once. What is owed stands in the
 * record (`feedbackAt`) from the settling write on; the client's acknowledgement clears it. Nobody there: tried again every 30 s, until
 * the OldDataHandler drops it; without one, for 7 days.
 */

import { ask } from '../cluster/ask.js';
import { OldDataJudge } from '../cluster/old-data.js';
import { LtsError } from '../errors.js';
import type { JobRecord } from '../job/job.js';
import { withStatus } from '../job/job.js';
import { Batcher } from '../kit/batcher.js';
import { wireBytes } from '../kit/wire-bytes.js';
import type { OldDataHandler } from '../ports/old-data.js';
import { limits } from '../protocol/limits.js';
import type { FinishedJob } from '../protocol/messages.js';
import type { JobWrites } from './records/writes.js';
import type { TrackerParts } from './tracker-ports.js';

/** A completed handler that takes longer gets its results again. */
const deliverWithinMs = 30_000;
/** Of a tracker that was given none. */
const dropping: OldDataHandler = { handle: () => 'drop' };
const groupsMax = 1_000;
/** A client that died with a batch, or froze, must not keep the others of its group waiting. */
const flightsMax = 8;
/** Pages of one group in one round of resending. */
const pagesMax = 1_000;

export class Feedback {
  private readonly groups = new Map<string, Batcher<JobRecord, void>>();
  private readonly underWay = new Set<string>();
  private readonly judge: OldDataJudge;
  private isStopping = false;

  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
  ) {
    this.judge = new OldDataJudge(parts.ports.oldDataHandler ?? dropping, parts.ports);
  }

  /** A round of resending ends with the page that is under way. */
  stop(): void {
    this.isStopping = true;
  }

  /** Sends what these records owe, now, without being waited for; what fails is left to `resend`. */
  owe(records: readonly JobRecord[]): void {
    for (const record of records) {
      const { submitNodeGroup } = record.body;
      if (record.status.feedbackAt === undefined || submitNodeGroup === undefined || this.underWay.has(record.jobId))
        continue;
      void this.send(submitNodeGroup, record);
    }
  }

  /** Everything still owed, oldest first; a group goes on as long as its clients take it. */
  async resend(): Promise<void> {
    await Promise.all((await this.parts.ports.queue.owedGroups()).map((group) => this.resendTo(group)));
    // A batcher under way finishes without its place in the map; the next result of its group makes a new one.
    if (this.groups.size > groupsMax) this.groups.clear();
  }

  private async resendTo(group: string): Promise<void> {
    const { queue, clock } = this.parts.ports;
    for (let page = 0; page < pagesMax && !this.isStopping; page++) {
      const now = clock.wallMs();
      // What another tracker settled a moment ago is on its way already.
      const until = this.parts.isAlone ? now : now - deliverWithinMs;
      const owed = (await queue.owedFeedback(group, until, limits.batchJobsMax)).filter(
        ({ jobId }) => !this.underWay.has(jobId),
      );
      if (owed.length === 0) return;
      const kept = await this.withoutDropped(owed);
      const sent = await Promise.all(kept.map((record) => this.send(group, record)));
      if (sent.includes(false)) return;
    }
  }

  /** False when it was not delivered. */
  private async send(group: string, record: JobRecord): Promise<boolean> {
    this.underWay.add(record.jobId);
    try {
      await this.groupOf(group).add(record);
      return true;
    } catch (error) {
      this.parts.ports.log.debug({ jobId: record.jobId, error }, 'feedback was not delivered; it is sent again');
      return false;
    } finally {
      this.underWay.delete(record.jobId);
    }
  }

  private groupOf(submitNodeGroup: string): Batcher<JobRecord, void> {
    let batcher = this.groups.get(submitNodeGroup);
    if (!batcher) {
      batcher = new Batcher({
        name: `feedback to ${submitNodeGroup}`,
        batchItemsMax: limits.batchJobsMax,
        batchSizeMax: limits.batchBytesMax,
        sizeOf: ({ status }) => 512 + wireBytes(status.result ?? '') + wireBytes(status.message ?? ''),
        queuedItemsMax: 10_000,
        flightsMax,
        endOfTurn: () => this.parts.ports.clock.endOfTurn(),
        send: (records) => this.deliver(submitNodeGroup, records),
      });
      this.groups.set(submitNodeGroup, batcher);
    }
    return batcher;
  }

  private async deliver(submitNodeGroup: string, records: readonly JobRecord[]): Promise<undefined> {
    const { transport } = this.parts.ports;
    const to = { subject: this.parts.subjects.feedback(submitNodeGroup), deadlineMs: deliverWithinMs };
    const tell = () => ask(transport, to, { kind: 'JobsFinished', body: { results: records.map(resultOf) } });
    await tell().catch((error: unknown) => {
      // Who had it is dead, frozen or slow; another client may take it at once.
      if (!LtsError.is(error, 'LTS_TIMEOUT')) throw error;
      return tell();
    });
    await this.clear(records);
    return undefined;
  }

  private withoutDropped(owed: readonly JobRecord[]): Promise<readonly JobRecord[]> {
    const now = this.parts.ports.clock.wallMs();
    return this.judge.withoutDropped(owed, {
      dataOf: (record) => {
        const { jobId, status } = record;
        return { kind: 'feedback', jobId, at: status.feedbackAt ?? now, value: resultOf(record) };
      },
      drop: (dropped) => this.clear(dropped),
    });
  }

  private async clear(records: readonly JobRecord[]): Promise<void> {
    await this.writes.update(
      records.map((before) => ({ before, after: withStatus(before, { feedbackAt: undefined }) })),
    );
  }
}

/** What the submitting group hears about an ended job. */
function resultOf({ jobId, body, status }: JobRecord): FinishedJob {
  return {
    jobId,
    taskId: body.taskId,
    nodeGroup: body.nodeGroup,
    success: status.state === 'succeeded',
    state: status.state,
    reason: status.reason,
    message: status.message,
    result: status.result,
    endedAt: status.endedAt ?? 0,
  };
}
