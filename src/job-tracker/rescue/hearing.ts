/** Questions to a worker's session: is anybody there, what does it hold, does it know of its cancels. */
import { ask } from '../../cluster/ask.js';
import { LtsError } from '../../errors.js';
import type { Session } from '../sessions/session.js';
import type { TrackerParts } from '../tracker-ports.js';

const probesMin = 3;
/** Two seconds, less what timers and answers may jitter: else about every second death waits for a fourth probe (seen: 4.1 s). */
const probesOverMs = 1_900;
const answerWithinMs = 900;
const cancelsPerTickMax = 100;

/** Probes in a row that found nobody listening, and when the first of them was. */
export interface Unheard {
  unheard: number;
  unheardSinceMono: number;
}

export class Hearing {
  constructor(private readonly parts: TrackerParts) {}

  /** Probes once; true when by now nobody has listened three times over at least two seconds. */
  async isGone(session: string, unheard: Unheard): Promise<boolean> {
    if (await this.isHeard(session)) {
      unheard.unheard = 0;
      return false;
    }
    const now = this.parts.ports.clock.monoMs();
    if (unheard.unheard++ === 0) unheard.unheardSinceMono = now;
    return unheard.unheard >= probesMin && now - unheard.unheardSinceMono >= probesOverMs;
  }

  /** False only if nobody subscribes; no answer in time says nothing about life. */
  private async isHeard(session: string): Promise<boolean> {
    try {
      await ask(this.parts.ports.transport, this.to(session), { kind: 'Probe', body: { session } });
      return true;
    } catch (error) {
      return !LtsError.is(error, 'LTS_NO_TRACKER');
    }
  }

  /** Of these runs, those that the worker says it does not hold: it refuses them for good from now on. */
  async notHeld({ id }: Session, runIds: readonly string[]): Promise<readonly string[]> {
    if (runIds.length === 0) return [];
    try {
      return (await ask(this.parts.ports.transport, this.to(id), { kind: 'AskRuns', body: { runIds } })).notHeld;
    } catch (error) {
      if (LtsError.is(error)) return [];
      throw error;
    }
  }

  /** A cancel that its worker could not be told at once is told until it was. */
  async tellCancels(session: Session, isHolder: (jobId: string) => boolean): Promise<void> {
    const to = this.to(session.id);
    const tell = async ([jobId, runId]: [string, string]) => {
      const body = { jobId, runId };
      const { isHeld } = await ask(this.parts.ports.transport, to, { kind: 'CancelRun', body });
      session.cancels.delete(jobId);
      // Those that are not reached go to the end, so that they keep nobody from being told.
      if (!isHeld && isHolder(jobId)) session.cancels.set(jobId, runId);
    };
    await Promise.allSettled([...session.cancels].slice(0, cancelsPerTickMax).map(tell));
  }

  private to(session: string) {
    return { subject: this.parts.subjects.session(session), deadlineMs: answerWithinMs };
  }
}
