/**
 * Feedback: brings the results of ended jobs to a client of the submitting group, at least once. What is owed stands in the
 * record (`feedbackAt`) from the settling write on; what the client says once its handler has ended clears it. Nobody there: tried again
 * every 30 s, until the OldDataHandler drops it; without one, for 7 days.
 *
 *   JobsFinished -> isReceived, within a second, else another client is asked; then JobsTold, within 30 s
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
import type { BodyOf, FinishedJob, ReplyOf } from '../protocol/messages.js';
import { type Flight, Flights } from './flights.js';
import type { JobWrites } from './records/writes.js';
import type { TrackerParts } from './tracker-ports.js';

/** A completed handler that takes longer gets its results again. */
const deliverWithinMs = 30_000;
/** Saying `isReceived` takes a client no work: one that is silent for so long is frozen, and the next one is asked. */
const receiveWithinMs = 1_000;
/** Times the group is asked in a row: it chooses by lot, and of two clients the frozen one is met eight times in a row by 1 result in 256. */
const triesMax = 8;
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
  private readonly flights: Flights;
  private isStopping = false;

  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
  ) {
    this.flights = new Flights(parts.ports.clock);
    this.judge = new OldDataJudge(parts.ports.oldDataHandler ?? dropping, parts.ports);
  }

  /** A round of resending ends with the page that is under way; what is not told yet is sent again by the next tracker. */
  stop(): void {
    this.isStopping = true;
    this.flights.stop();
  }

  /** From a client, to whichever tracker it reached. Jobs that are unknown or owe nothing are none of its business. */
  async told(body: BodyOf<'JobsTold'>): Promise<ReplyOf<'JobsTold'>> {
    const jobIds = [...new Set(body.jobIds)];
    const cleared = await this.clear(jobIds.flatMap((jobId) => this.flights.sent(jobId) ?? []));
    // Another tracker sent these, or they were written since.
    const others = jobIds.filter((jobId) => !cleared.has(jobId));
    const records = others.length > 0 ? await this.parts.ports.queue.get(others) : [];
    await this.clear(records.flatMap((record) => (record?.status.feedbackAt === undefined ? [] : [record])));
    this.flights.told(jobIds);
    return {};
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
    await this.flights.during(records, async (flight) => {
      const { isReceived } = await this.tell(submitNodeGroup, records, flight);
      // A simple client says nothing but that it is done.
      if (isReceived) await this.flights.landing(flight, deliverWithinMs);
      else await this.clear(records);
    });
    return undefined;
  }

  /** To one client of the group that is awake. */
  private async tell(
    submitNodeGroup: string,
    records: readonly JobRecord[],
    { untold }: Flight,
  ): Promise<ReplyOf<'JobsFinished'>> {
    const { ports, settings, subjects } = this.parts;
    const to = { subject: subjects.feedback(submitNodeGroup), deadlineMs: receiveWithinMs };
    const body = { tracker: settings.identity, results: records.map(resultOf) };
    for (let tries = 1; ; tries++) {
      try {
        return await ask(ports.transport, to, { kind: 'JobsFinished', body });
      } catch (error) {
        if (untold.size === 0) return { isReceived: true };
        if (!LtsError.is(error, 'LTS_TIMEOUT') || tries >= triesMax) throw error;
      }
    }
  }

  private withoutDropped(owed: readonly JobRecord[]): Promise<readonly JobRecord[]> {
    const now = this.parts.ports.clock.wallMs();
    return this.judge.withoutDropped(owed, {
      dataOf: (record) => {
        const { jobId, status } = record;
        return { kind: 'feedback', jobId, at: status.feedbackAt ?? now, value: resultOf(record) };
      },
      drop: async (dropped) => void (await this.clear(dropped)),
    });
  }

  /** Answers the jobs that were as given, and owe nothing any more. */
  private async clear(records: readonly JobRecord[]): Promise<Set<string>> {
    const written = await this.writes.update(
      records.map((before) => ({ before, after: withStatus(before, { feedbackAt: undefined }) })),
    );
    return new Set(written.flatMap((record) => record?.jobId ?? []));
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
