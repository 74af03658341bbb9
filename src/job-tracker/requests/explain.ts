/** Explain: one primary reason why a job is not running, or what became of it, with the numbers behind it. */
import type { JobRecord, JobState } from '../../job/job.js';
import { isEnded, isSchedule, isSuspect } from '../../job/job.js';
import type { Lease } from '../../ports/leases.js';
import type { ExplainCode, Explanation, JobKey } from '../../protocol/messages.js';
import type { Dispatch } from '../dispatch.js';
import type { Sessions } from '../sessions/sessions.js';
import type { TrackerParts } from '../tracker-ports.js';
import { findJob } from './queries.js';

export class Explain {
  constructor(
    private readonly parts: Pick<TrackerParts, 'ports'> & Partial<Pick<TrackerParts, 'settings'>>,
    private readonly sessions: Pick<Sessions, 'holderOf'>,
    private readonly dispatch: Pick<Dispatch, 'freeSlots'>,
  ) {}

  async explain(key: JobKey): Promise<Explanation> {
    const job = await findJob(this.parts.ports.queue, key);
    const { state } = job.status;
    if (isEnded(state)) return explanation('ended', endedText(job), endedFacts(job));
    if (state === 'suspended') return explanation('suspended', 'It was suspended; resume it to go on.', {});
    if (state === 'executing') return this.executing(job);
    return isSchedule(job) ? scheduleActive(job) : this.waiting(job);
  }

  private async executing({ jobId, status }: JobRecord): Promise<Explanation> {
    const facts = { session: status.session ?? '', attempt: status.attempt, since: iso(status.claimedAt) };
    if (status.cancelAskedAt !== undefined) {
      return explanation(
        'cancel-asked',
        `Cancel was asked at ${iso(status.cancelAskedAt)}; it ends when its run does.`,
        facts,
      );
    }
    const isServed = this.sessions.holderOf(jobId) !== undefined || (await this.isAlive(status.session));
    return explanation('running', `It runs on ${status.session} since ${iso(status.claimedAt)}.`, {
      ...facts,
      isServed,
    });
  }

  /** Whichever tracker serves it. */
  private async isAlive(session: string | undefined): Promise<boolean> {
    const leases = await this.parts.ports.leases.list();
    return leases.some((lease) => lease.session === session && lease.state === 'alive');
  }

  private async waiting(job: JobRecord): Promise<Explanation> {
    const { status, body } = job;
    const now = this.parts.ports.clock.wallMs();
    const facts = { dueAt: iso(status.dueAt), retryTimes: status.retryTimes, losses: status.losses };
    if ((status.dueAt ?? 0) > now) return notDue(job, facts);
    const sessions = (await this.parts.ports.leases.list(body.nodeGroup)).filter(({ state }) => state === 'alive');
    if (sessions.length === 0) {
      return explanation('no-worker', `No TaskTracker of group ${body.nodeGroup} is connected. Start one.`, facts);
    }
    if (!sessions.some((session) => canRun(session, body.processor))) {
      const text = `No TaskTracker of group ${body.nodeGroup} has the processor ${body.processor ?? '(default)'}.`;
      return explanation('no-runner', text, { ...facts, known: knownOf(sessions) });
    }
    const identity = this.parts.settings?.identity;
    const workersElsewhere = sessions.filter(({ tracker }) => tracker !== identity).length;
    return this.overdue(job, { ...facts, workers: sessions.length }, workersElsewhere);
  }

  /** Whose slots are free at other trackers is not known here; they look for themselves. */
  private overdue(job: JobRecord, facts: Explanation['facts'], workersElsewhere: number): Explanation {
    const { nodeGroup } = job.body;
    const free = this.dispatch.freeSlots(nodeGroup);
    if (isSuspect(job)) {
      const where = job.status.isAlone ? 'holds nothing else' : 'holds no other suspect';
      return explanation(
        'suspect-waiting',
        `It was lost ${job.status.losses} times and waits for a node that ${where}.`,
        facts,
      );
    }
    if (free > 0)
      return explanation('about-to-start', `A slot in group ${nodeGroup} is free; it starts at once.`, {
        ...facts,
        free,
      });
    const text =
      workersElsewhere === 0
        ? `Every slot of group ${nodeGroup} is taken. Add workers or workThreads.`
        : `No slot of group ${nodeGroup} is free at this tracker; ${workersElsewhere} of its ${facts.workers} workers are at others, ` +
          `which look within 5 s. If it still waits then, every slot is taken: add workers or workThreads.`;
    return explanation('no-free-slot', text, { ...facts, free, workersElsewhere });
  }
}

function notDue({ status }: JobRecord, facts: Explanation['facts']): Explanation {
  if (status.retryTimes === 0) return explanation('not-due', `It is due at ${iso(status.dueAt)}.`, facts);
  const why = status.message ? ` Last message: ${status.message}` : '';
  return explanation('waiting-for-retry', `Retry ${status.retryTimes} is due at ${iso(status.dueAt)}.${why}`, facts);
}

function scheduleActive({ status }: JobRecord): Explanation {
  const facts = { next: iso(status.slot?.at), run: status.slot?.run ?? 0, skipped: status.skipped ?? 0 };
  return explanation(
    'schedule-active',
    `Its slot of ${iso(status.slot?.at)} is open; each run is an instance of its own.`,
    facts,
  );
}

const endings: Partial<Record<JobState, string>> = { cancelled: 'was cancelled', skipped: 'was skipped' };

function endedText({ status }: JobRecord): string {
  const reason = status.reason ? ` (${status.reason})` : '';
  return `It ${endings[status.state] ?? status.state}${reason} at ${iso(status.endedAt)}.${status.message ? ` ${status.message}` : ''}`;
}

function endedFacts({ status }: JobRecord): Explanation['facts'] {
  const { state, attempt, retryTimes, losses } = status;
  return { state, attempt, retryTimes, losses, isFeedbackOwed: status.feedbackAt !== undefined };
}

function explanation(code: ExplainCode, text: string, facts: Explanation['facts']): Explanation {
  return { code, text, facts };
}

/** A restored session has not said yet what it can run. */
function canRun({ processors }: Lease, processor: string | undefined): boolean {
  return processor === undefined || processors.length === 0 || processors.includes(processor);
}

function knownOf(sessions: readonly Lease[]): string {
  return [...new Set(sessions.flatMap((session) => session.processors))].slice(0, 50).join(', ');
}

const iso = (at: number | undefined): string => (at === undefined ? '' : new Date(at).toISOString());
