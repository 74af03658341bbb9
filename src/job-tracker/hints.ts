/**
 * Hints: trackers tell each other, once for each commit, what the others would find by themselves within seconds: jobs that wait for
 * their workers, schedules to fire, jobs that somebody follows there. A hint carries no state; one that is lost costs time only.
 * Every changed job is named, for nobody here knows who follows it: 30 bytes a job, in 1 message a commit (with 3 trackers 1 a job when
 * jobs come one by one, 0.013 in batches of 100; 2026-11-21, virtual time).
 */
import type { JobRecord } from '../job/job.js';
import { isSchedule, isSuspect } from '../job/job.js';
import { wireBytes } from '../kit/wire-bytes.js';
import { limits } from '../protocol/limits.js';
import type { Progress, TrackerHint } from '../protocol/messages.js';
import type { Dispatch } from './dispatch.js';
import type { JobWrites } from './records/writes.js';
import type { Queries } from './requests/queries.js';
import type { Sessions } from './sessions/sessions.js';
import type { TrackerParts } from './tracker-ports.js';
import type { Trigger } from './trigger.js';

/** What is due later is found by the scan that every pull does when it is parked again. */
const soonMs = limits.pullWaitMs + 1_000;
const changedMax = limits.batchJobsMax;
const progressMax = 100;

interface Waiting {
  readonly nodeGroup: string;
  count: number;
  dueAt: number;
  hasSuspects: boolean;
}

/** Who looks where a hint says. */
export interface HintedSteps {
  readonly writes: JobWrites;
  readonly sessions: Sessions;
  readonly queries: Queries;
  readonly dispatch: Dispatch;
  readonly trigger: Trigger;
}

export class Hints {
  constructor(
    private readonly parts: TrackerParts,
    private readonly steps: HintedSteps,
  ) {}

  committed(records: readonly JobRecord[]): void {
    const soonAt = this.parts.ports.clock.wallMs() + soonMs;
    const groups = new Map<string, Waiting>();
    const changed: string[] = [];
    let fireAt: number | undefined;
    for (const record of records) {
      const { status } = record;
      if (status.rev > 1 && changed.length < changedMax) changed.push(record.jobId);
      if (status.state !== 'waiting' || status.dueAt === undefined) continue;
      if (isSchedule(record)) fireAt = Math.min(fireAt ?? status.dueAt, status.dueAt);
      else if (status.dueAt <= soonAt) countIn(groups, record);
    }
    const waiting = [...groups.values()].filter((group) => this.isLeft(group));
    this.publish({ waiting: waiting.map(({ hasSuspects: _, ...group }) => group), fireAt, changed, progress: [] });
  }

  /** What another tracker says is looked at, never believed. */
  async hear({ from, waiting, fireAt, changed, progress }: TrackerHint): Promise<Record<string, never>> {
    if (from === this.parts.settings.identity) return {};
    const { writes, sessions, queries, dispatch, trigger } = this.steps;
    for (const group of waiting) dispatch.hear(group);
    if (fireAt !== undefined) trigger.expect(fireAt);
    queries.hear(changed);
    queries.noteProgress(progress);
    const held = changed.filter((jobId) => sessions.holderOf(jobId));
    if (held.length === 0) return {};
    for (const record of await this.parts.ports.queue.get(held)) if (record) writes.saw(record);
    return {};
  }

  progressed(progress: readonly Progress[]): void {
    if (this.parts.isAlone) return;
    const some: Progress[] = [];
    let bytes = 0;
    for (const one of progress.slice(0, progressMax)) {
      bytes += 256 + wireBytes(one.text ?? '');
      if (bytes <= limits.batchBytesMax) some.push(one);
    }
    this.publish({ waiting: [], changed: [], progress: some });
  }

  /** The pulls parked here will not take it all. */
  private isLeft({ nodeGroup, count, hasSuspects }: Waiting): boolean {
    return hasSuspects || this.steps.dispatch.freeSlots(nodeGroup) < count;
  }

  private publish(hint: Omit<TrackerHint, 'from'>): void {
    const isEmpty = hint.waiting.length + hint.changed.length + hint.progress.length === 0 && hint.fireAt === undefined;
    if (isEmpty) return;
    const body: TrackerHint = { from: this.parts.settings.identity, ...hint };
    this.parts.ports.transport.publish(this.parts.subjects.hints, { kind: 'Hint', body });
  }
}

function countIn(groups: Map<string, Waiting>, record: JobRecord): void {
  const { nodeGroup } = record.body;
  const dueAt = record.status.dueAt ?? 0;
  const group = groups.get(nodeGroup) ?? { nodeGroup, count: 0, dueAt, hasSuspects: false };
  group.count++;
  group.dueAt = Math.min(group.dueAt, dueAt);
  group.hasSuspects ||= isSuspect(record);
  groups.set(nodeGroup, group);
}
