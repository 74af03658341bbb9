/** Retention: removes ended jobs and their logs after their time, never what a schedule still needs. */
import type { JobRecord } from '../job/job.js';
import { schedulePages } from './records/schedules.js';
import { storedAmong } from './records/stored-jobs.js';
import type { TrackerParts } from './tracker-ports.js';

/** Never what ended so recently, however many there are. */
const keepRecentMs = 10 * 60_000;
const perCallMax = 1_000;

export class Retention {
  private isStopping = false;

  constructor(private readonly parts: TrackerParts) {}

  /** A round under way ends with the call that it has made. */
  stop(): void {
    this.isStopping = true;
  }

  async sweep(): Promise<void> {
    await this.purge();
    const { clock, queue, logger } = this.parts.ports;
    if (this.isStopping) return;
    const before = clock.wallMs() - this.parts.settings.keepEndedMs;
    await logger.removeStrays?.(before, (jobIds) => storedAmong(queue, jobIds));
  }

  /** Call after call until nothing is left to remove; other work of the tracker comes in between. */
  private async purge(): Promise<void> {
    const { clock, queue, logger } = this.parts.ports;
    const { keepEndedMs, keepEndedMax } = this.parts.settings;
    const now = clock.wallMs();
    const schedules = await this.openSchedules();
    const request = {
      endedBefore: now - keepEndedMs,
      keepMax: keepEndedMax,
      keepAfter: now - keepRecentMs,
      max: perCallMax,
    };
    while (!this.isStopping) {
      const owing = new Set<string>();
      const jobIds = await queue.purge(request, (record) => {
        const isKept = isNeeded(record, schedules);
        if (!isKept && record.status.feedbackAt !== undefined) owing.add(record.jobId);
        return isKept;
      });
      this.tellDropped(jobIds.filter((jobId) => owing.has(jobId)));
      if (jobIds.length > 0) await logger.remove(jobIds);
      if (jobIds.length < perCallMax) return;
    }
  }

  /** Where no client comes for its feedback, the bound of ended jobs is that of feedback, too. */
  private tellDropped(jobIds: readonly string[]): void {
    if (jobIds.length === 0) return;
    const text = 'feedback was dropped: no client took it before the time or the number of kept jobs was over';
    this.parts.ports.log.error({ jobs: jobIds.length, jobIds }, text);
  }

  private async openSchedules(): Promise<Map<string, JobRecord>> {
    const found = new Map<string, JobRecord>();
    for await (const page of schedulePages(this.parts.ports.queue, ['waiting', 'suspended'])) {
      for (const schedule of page) found.set(schedule.jobId, schedule);
    }
    return found;
  }
}

/** The schedule goes on from the record of its current slot: without it the next slot would be lost. */
function isNeeded({ jobId, body: { origin } }: JobRecord, schedules: ReadonlyMap<string, JobRecord>): boolean {
  const status = origin && schedules.get(origin.scheduleId)?.status;
  if (!origin || !status) return false;
  const isCurrentSlot = origin.generation === status.generation && origin.slot.id === status.slot?.id;
  return isCurrentSlot || status.heldBy?.includes(jobId) === true;
}
