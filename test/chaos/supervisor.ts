/** One scenario from its servers to its verdict: load, faults, calm, the final states, the check. */
import { setTimeout as sleep } from 'node:timers/promises';
import { JobClient, type JobRecord } from '../../src/index.js';
import { Cast, type CastPlan, type Shape } from './cast/cast.js';
import { type Line, linesOf, monoMs, type Token, type Work } from './journal.js';
import { check, type Verdict } from './judge/checker.js';
import { storyOf } from './judge/story.js';
import { Performer } from './performer.js';
import type { Scenario } from './scenarios.js';

export interface Outcome {
  readonly name: string;
  readonly verdict: Verdict;
  /** Lines to print beneath its row. */
  readonly shown: readonly string[];
  readonly seconds: number;
  /** Where journals and logs are, if they are kept. */
  readonly folder: string | undefined;
}

const warmUpMs = 2_000;
const afterMs = 3_000;
const lookEveryMs = 300;
const calmWithinMs = 100_000;
/** Feedback to a client that died with it is given up after 30 s, and sent again within 30 more. */
const toldWithinMs = 75_000;
/** Trackers on MongoDB go by the server's time as they measured it over a busy machine's round trip. */
const clockErrorMs: Readonly<Record<Shape, number>> = { 'nats-lmdb': 0, 'nats-mongo': 500 };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const schedules: readonly { jobId: string; cron: string; everyMs: number; relyOnPrevCycle: boolean }[] = [
  { jobId: 'every-second', cron: '* * * * * ?', everyMs: 1_000, relyOnPrevCycle: true },
  { jobId: 'every-other', cron: '*/2 * * * * ?', everyMs: 2_000, relyOnPrevCycle: false },
];
const slotWork: Work = { ms: 100 };

/** Of which scenarios journals and logs stay. */
export type Keep = 'none' | 'failed' | 'all';

export interface Supervision {
  readonly plan: CastPlan;
  readonly keep: Keep;
}

export async function runScenario(scenario: Scenario, { plan, keep }: Supervision): Promise<Outcome> {
  const beganMono = monoMs();
  const cast = await Cast.start(plan);
  let isGood = false;
  try {
    const lines = await new Supervisor(cast).play(scenario);
    const verdict = check(lines, { clockErrorMs: clockErrorMs[plan.shape] });
    const unmet = scenario.unmet?.(lines, verdict) ?? [];
    const findings = [...verdict.findings, ...unmet.map((text) => ({ kind: 'unmet' as const, text }))];
    isGood = findings.length === 0;
    const folder = isKept(keep, isGood) ? cast.folder : undefined;
    const seconds = (monoMs() - beganMono) / 1_000;
    const shown = scenario.figures?.(lines, verdict) ?? [];
    return { name: scenario.name, verdict: { ...verdict, findings }, shown, seconds, folder };
  } catch (error) {
    const place = isKept(keep, isGood) ? ` Journals and logs: ${cast.folder}` : '';
    throw new Error(`It could not be played to its end.${place}`, { cause: error });
  } finally {
    await cast.end();
    if (!isKept(keep, isGood)) cast.remove();
  }
}

const isKept = (keep: Keep, isGood: boolean): boolean => keep === 'all' || (keep === 'failed' && !isGood);

class Supervisor {
  private readonly client: JobClient;

  constructor(private readonly cast: Cast) {
    const place = { clusterName: 'chaos', registryAddress: cast.natsUrl, jobQueue: 'memory', identity: 'supervisor' };
    this.client = new JobClient({ ...place, nodeGroup: 'supervisor', log: silent });
  }

  async play(scenario: Scenario): Promise<readonly Line[]> {
    const { journal } = this.cast;
    await this.client.start();
    try {
      journal.write({ kind: 'phase', phase: 'load' });
      for (const schedule of schedules) await this.addSchedule(schedule);
      await sleep(warmUpMs);
      await new Performer(this.cast).all(scenario.steps);
      await sleep(afterMs);
      journal.write({ kind: 'phase', phase: 'calm' });
      await this.calm();
      journal.write({ kind: 'phase', phase: 'over' });
      return this.lines();
    } finally {
      await this.client.stop();
    }
  }

  private async addSchedule({ jobId, cron, everyMs, relyOnPrevCycle }: (typeof schedules)[number]): Promise<void> {
    this.cast.journal.write({ kind: 'submit', jobId, work: slotWork, slotEveryMs: everyMs });
    const job = { jobId, cron, relyOnPrevCycle, processor: 'work', params: slotWork, needFeedback: false };
    const { code } = await this.client.submitJob(job);
    this.cast.journal.write({ kind: 'answer', jobId, code });
  }

  /** The load ends; all that was promised ends within the deadline, or stays as it is then. */
  private async calm(): Promise<void> {
    this.cast.everyMs = 0;
    for (const client of this.cast.of('client')) client.tell({ order: 'load', everyMs: 0 });
    const untilMono = monoMs() + calmWithinMs;
    for (const { jobId } of schedules) await this.persist(untilMono, () => this.client.cancelJob(jobId));
    let records = await this.records(untilMono);
    while (!this.isSettled(records) && monoMs() < untilMono) {
      await sleep(lookEveryMs);
      records = await this.records(untilMono);
    }
    for (const record of records) this.noteFinal(record);
    await this.untilTold(monoMs() + toldWithinMs);
  }

  private async untilTold(untilMono: number): Promise<void> {
    const isTold = () => check(this.lines()).findings.every(({ kind }) => kind !== 'untold');
    while (!isTold() && monoMs() < untilMono) await sleep(lookEveryMs);
  }

  /** Nothing is open, everything that was answered is there, and no run lives on. */
  private isSettled(records: readonly JobRecord[]): boolean {
    if (records.some(({ status }) => status.endedAt === undefined)) return false;
    const known = new Set(records.map(({ jobId }) => jobId));
    const { answers, runs, lines } = storyOf(this.lines());
    const lives = new Set([...this.cast.actors.values()].map(({ pid }) => pid));
    const isOpen = ({ jobId, pid }: { jobId: string; pid: number }) =>
      answers.has(jobId) ? !known.has(jobId) && answers.get(jobId) !== 'rejected' : lives.has(pid);
    return !linesOf(lines, 'submit').some(isOpen) && !runs.some(({ overAt }) => overAt === Number.POSITIVE_INFINITY);
  }

  private noteFinal({ jobId, body, status }: JobRecord): void {
    const { state, attempt, losses, endedAt, lastRunId, result, reason, skipped } = status;
    const slot = body.origin?.slot ?? status.slot;
    this.cast.journal.write({
      kind: 'final',
      jobId,
      state,
      attempt,
      losses,
      isSchedule: body.rule !== undefined,
      ended: endedAt !== undefined,
      ...(lastRunId !== undefined && { lastRunId }),
      ...(result !== undefined && { result: JSON.parse(result) as Token }),
      ...(reason !== undefined && { reason }),
      ...(body.origin && { scheduleId: body.origin.scheduleId }),
      ...(slot && { slotAt: slot.at }),
      ...(skipped !== undefined && { skipped }),
    });
  }

  private async records(untilMono: number): Promise<readonly JobRecord[]> {
    const found = new Map<string, JobRecord>();
    let cursor: string | undefined;
    do {
      const page = await this.persist(untilMono, () => this.client.listJobs({ limit: 250, cursor }));
      for (const record of page.records) found.set(record.jobId, record);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return [...found.values()];
  }

  /** Tries again until there is an answer. */
  private async persist<T>(untilMono: number, ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (monoMs() > untilMono) throw error;
        await sleep(lookEveryMs);
      }
    }
  }

  private lines(): readonly Line[] {
    return this.cast.journals.all();
  }
}
