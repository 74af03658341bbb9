/** What waits in the store for a group, read without taking it: when the next job is due, and whether any is due at all. */
import type { Alarm } from '../../cluster/alarm.js';
import { isSuspect } from '../../job/job.js';
import type { ClaimOutcome } from '../../ports/job-queue.js';
import type { TrackerParts } from '../tracker-ports.js';
import type { Group, Suspects } from './groups.js';

/** The earliest instant that a Date can hold. */
const beginningOfTime = -8.64e15;

/** What a look was asked for, and what was known when it began. */
interface Asked {
  readonly suspects: Suspects;
  readonly arrivals: number;
  readonly now: number;
}

export class Peeks {
  constructor(
    private readonly parts: Pick<TrackerParts, 'ports'>,
    private readonly alarm: Alarm,
  ) {}

  /** What a look has shown; if the rest cannot be read, what was claimed goes out all the same, and the next look begins anew. */
  async learn(group: Group, look: ClaimOutcome, asked: Asked): Promise<void> {
    await this.learnAll(group, look, asked).catch((error) => this.unlearn(group, error));
  }

  /** What was claimed goes out all the same; the next look begins anew. */
  private unlearn(group: Group, error: unknown): void {
    group.forget();
    const { nodeGroup } = group;
    this.parts.ports.log.warn({ nodeGroup, error }, 'what waits in the store could not be read; it is looked at again');
  }

  private async learnAll(group: Group, look: ClaimOutcome, asked: Asked): Promise<void> {
    group.unseen = look.hasMore ? Number.POSITIVE_INFINITY : group.arrivals - asked.arrivals;
    if (look.hasMore || group.arrivals !== asked.arrivals) return;
    if (asked.suspects !== 'none' && !look.claimed.some(isSuspect)) {
      group.maybeBeside = false;
      if (asked.suspects === 'alone') group.maybeAlone = false;
    }
    await this.learnNextDue(group, asked.now);
  }

  /** Jobs of the group become due then. */
  expect(group: Group, dueAt: number): void {
    group.nextDueAt = Math.min(group.nextDueAt, dueAt);
    this.alarm.set(dueAt);
  }

  /** Once for all who ask at the same time. */
  async getToKnow(group: Group): Promise<void> {
    group.peeking ??= this.peek(group);
    try {
      await group.peeking;
    } finally {
      group.peeking = undefined;
      group.isUnknown = false;
    }
  }

  /** Reads whether anything is due at all. */
  private async peek(group: Group): Promise<void> {
    const { queue, clock } = this.parts.ports;
    const { arrivals } = group;
    const dueAt = await queue.nextDueAt({ nodeGroup: group.nodeGroup, after: beginningOfTime });
    if (group.arrivals !== arrivals || (dueAt ?? Number.POSITIVE_INFINITY) <= clock.wallMs()) return;
    group.unseen = 0;
    group.maybeBeside = false;
    group.maybeAlone = false;
    if (dueAt !== undefined) this.expect(group, dueAt);
  }

  private async learnNextDue(group: Group, after: number): Promise<void> {
    group.nextDueAt = Number.POSITIVE_INFINITY;
    const dueAt = await this.parts.ports.queue.nextDueAt({ nodeGroup: group.nodeGroup, after });
    if (dueAt !== undefined) this.expect(group, dueAt);
  }
}
