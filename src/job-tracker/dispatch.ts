/**
 * Dispatch: brings due jobs to the sessions that asked for them. Claims are only ever replies to pulls.
 *
 *   pull with work waiting   claim from the backlog, answer
 *   pull with nothing due    parked until a job arrives, a waiting job becomes due, or its time is up
 *   job accepted while a pull of its group is parked, nothing waiting before it
 *                            stored already claimed, and goes out with that pull's answer after the commit
 *
 * Per group the tracker remembers only hints that err towards one look too many: how many due jobs may wait in the store
 * (`unseen`), and when the earliest waiting one becomes due. One timer serves them all.
 */
import { Alarm } from '../cluster/alarm.js';
import { afterRun } from '../job/ending.js';
import type { JobRecord } from '../job/job.js';
import { isSchedule } from '../job/job.js';
import { nextStep } from '../job/next-step.js';
import { Deferred } from '../kit/deferred.js';
import { limits } from '../protocol/limits.js';
import type { BodyOf, PullAnswer, TrackerHint } from '../protocol/messages.js';
import { Group } from './pulls/groups.js';
import { Peeks } from './pulls/peeks.js';
import { allot, joinBatch, mayJoin, type Pull, roomOf } from './pulls/pulls.js';
import type { JobWrites, WriteObserver } from './records/writes.js';
import type { Session } from './sessions/session.js';
import type { Sessions } from './sessions/sessions.js';
import type { TrackerParts } from './tracker-ports.js';

/** Jobs of one accept that go out with one parked pull, already claimed. */
export interface StagedClaim {
  readonly pull: Pull;
  readonly records: JobRecord[];
}

const elsewhere: PullAnswer = { answer: 'elsewhere', jobs: [] };
const empty: PullAnswer = { answer: 'ok', jobs: [] };

export class Dispatch implements WriteObserver {
  private readonly groups = new Map<string, Group>();
  private readonly alarm: Alarm;
  private readonly peeks: Peeks;
  private isStopping = false;
  /** Nothing is claimed for the moment; pulls wait. */
  private isPaused = false;

  constructor(
    private readonly parts: TrackerParts,
    private readonly writes: JobWrites,
    private readonly sessions: Sessions,
    private readonly onExpired: (records: readonly JobRecord[]) => void,
  ) {
    const { clock, log } = parts.ports;
    this.alarm = new Alarm({ name: 'dispatch timer', clock, log, onRing: () => this.ring() });
    this.peeks = new Peeks(parts, this.alarm);
  }

  start(): void {
    this.alarm.start();
  }

  /** Answers every parked pull. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const group of this.groups.values()) this.answerAll(group, () => true);
    await this.alarm.stop();
  }

  /** Answered with jobs, or empty when `waitMs` is over. A pull for no slots withdraws the session's parked ones. */
  async pull(body: BodyOf<'PullJobs'>): Promise<PullAnswer> {
    const session = this.sessions.find(body.session);
    if (!session) return { answer: this.sessions.absent(body.session), jobs: [] };
    if (body.slots <= 0) {
      session.withdrawals++;
      this.drop(session);
      return empty;
    }
    const arrivedMono = this.parts.ports.clock.monoMs();
    const { withdrawals } = session;
    // What other trackers wrote is learned by a look at the latest, if their hints were lost.
    if (!this.parts.isAlone) this.group(session.nodeGroup).suspectMore();
    const answer = await this.takeDue(session, body.slots);
    if (answer.answer !== 'ok' || answer.jobs.length > 0) return answer;
    if (this.isStopping) return elsewhere;
    if (session.withdrawals !== withdrawals) return empty;
    return this.park(session, body, arrivedMono);
  }

  /** Due jobs for free slots, without waiting. Looks into the store only where something may be due. */
  async takeDue(session: Session, slots: number): Promise<PullAnswer> {
    const group = this.group(session.nodeGroup);
    if (group.isUnknown) await this.peeks.getToKnow(group);
    while (slots > 0 && session.isServed && this.mayTake(group, session)) {
      const looked = await this.claim(group, session, slots);
      if (looked.jobs.length > 0 || looked.answer !== 'ok') return looked;
    }
    return this.emptyFor(session);
  }

  /** Adds slots to a pull that the session has parked, and names it. */
  credit(session: Session, slots: number): PullAnswer['credited'] {
    const pull = this.group(session.nodeGroup).parked.find((parked) => parked.session === session);
    if (!pull || slots <= 0) return undefined;
    pull.slots += slots;
    return { pullId: pull.id, slots };
  }

  /**
   * Assigns due new jobs of one group to parked pulls, in shares, and marks them claimed. Slots that jobs waiting before them
   * may need are left alone, and what does not fit stays waiting. The caller commits, then calls `deliver`.
   */
  stage(nodeGroup: string, records: readonly JobRecord[], now: number): StagedClaim[] {
    const group = this.groups.get(nodeGroup);
    if (!group || this.isPaused) return [];
    const pulls = [...group.staging, ...group.parked].filter(mayJoin);
    const free = pulls.reduce((sum, pull) => sum + roomOf(pull), 0) - group.leftUnseen;
    if (free <= 0) return [];
    return allot(pulls, records, Math.min(records.length, free)).map(([pull, taken]) => ({
      pull,
      records: this.join(group, pull, { records: taken, now }),
    }));
  }

  /** The records as claimed with this pull's batch. */
  private join(
    group: Group,
    pull: Pull,
    { records, now }: { records: readonly JobRecord[]; now: number },
  ): JobRecord[] {
    if (!group.staging.has(pull)) {
      group.staging.add(pull);
      group.parked = group.parked.filter((parked) => parked !== pull);
    }
    pull.session.claimsUnderWay++;
    return joinBatch(pull, records, { runId: this.parts.ports.ids.random(), now });
  }

  /**
   * After a commit: the first one closes the pull's batch, the last one sends what was stored, or gives it back when the session
   * died meanwhile.
   */
  async deliver(pull: Pull, records: readonly JobRecord[]): Promise<void> {
    const { batch, session } = pull;
    if (!batch) return;
    session.claimsUnderWay--;
    batch.isClosed = true;
    batch.stored.push(...records);
    if (--batch.acceptsUnderWay > 0) return;
    this.group(session.nodeGroup).staging.delete(pull);
    pull.batch = undefined;
    if (batch.stored.length === 0) this.unstage(pull);
    else pull.answer.resolve(await this.replyTo(session, batch.stored));
  }

  /** The pull waits on. */
  private unstage(pull: Pull): void {
    if (this.isStopping || !pull.session.isServed) pull.answer.resolve(this.emptyFor(pull.session));
    else this.putBack(pull);
    this.wake(this.group(pull.session.nodeGroup));
  }

  /** Drops the parked pulls of a session, in this tick; a group without sessions is forgotten. */
  drop(session: Session): void {
    const group = this.groups.get(session.nodeGroup);
    if (!group) return;
    this.answerAll(group, (pull) => pull.session === session);
    const isUsed =
      group.parked.length > 0 || group.staging.size > 0 || this.sessions.ofGroup(group.nodeGroup).length > 0;
    if (!isUsed) this.groups.delete(group.nodeGroup);
  }

  pause(): void {
    this.isPaused = true;
  }

  goOn(): void {
    this.isPaused = false;
    this.lookAgain();
  }

  /** The store may hold due jobs that this tracker did not write. */
  lookAgain(): void {
    for (const group of this.groups.values()) {
      group.forget();
      this.wake(group);
    }
  }

  written(record: JobRecord): void {
    if (record.status.state !== 'waiting' || isSchedule(record)) return;
    const group = this.groups.get(record.body.nodeGroup);
    if (!group) return;
    const dueAt = record.status.dueAt ?? 0;
    if (dueAt > this.parts.ports.clock.wallMs()) return this.peeks.expect(group, dueAt);
    group.arrived(record);
    this.wake(group);
  }

  /** Another tracker left jobs waiting. */
  hear({ nodeGroup, count, dueAt }: TrackerHint['waiting'][number]): void {
    const group = this.groups.get(nodeGroup);
    if (!group) return;
    if (dueAt > this.parts.ports.clock.wallMs()) return this.peeks.expect(group, dueAt);
    group.arrivedUnknown(count);
    this.wake(group);
  }

  /** The session may take now what it had to leave. */
  wakeFor(session: Session): void {
    const group = this.groups.get(session.nodeGroup);
    if (group) this.wake(group);
  }

  /** Slots that wait for jobs of the group. */
  freeSlots(nodeGroup: string): number {
    return (this.groups.get(nodeGroup)?.parked ?? []).reduce((sum, pull) => sum + pull.slots, 0);
  }

  private group(nodeGroup: string): Group {
    let group = this.groups.get(nodeGroup);
    if (!group) {
      group = new Group(nodeGroup);
      this.groups.set(nodeGroup, group);
    }
    return group;
  }

  private mayTake(group: Group, session: Session): boolean {
    if (this.isPaused || session.aloneJobId !== undefined || session.seeks === 'alone' || session.isInDoubt)
      return false;
    return group.leftUnseen > 0 || group.suspectsFor(session) !== 'none';
  }

  /** One look into the backlog; what it left, or what arrived meanwhile, is what the next look may find. */
  private async claim(group: Group, session: Session, slots: number): Promise<PullAnswer> {
    const { clock, ids } = this.parts.ports;
    const now = clock.wallMs();
    const { arrivals } = group;
    const suspects = group.suspectsFor(session);
    if (suspects !== 'none') session.seeks = suspects;
    session.claimsUnderWay++;
    const max = Math.min(slots, limits.batchJobsMax);
    group.looking += max;
    try {
      const look = await this.writes.claim({
        nodeGroup: group.nodeGroup,
        session: session.id,
        runId: ids.random(),
        now,
        max,
        bytesMax: limits.batchBytesMax,
        suspects,
      });
      if (look.expired.length > 0) this.onExpired(look.expired);
      await this.peeks.learn(group, look, { suspects, arrivals, now });
      return await this.replyTo(session, look.claimed);
    } catch (error) {
      if (suspects !== 'none') session.doubt();
      throw error;
    } finally {
      session.claimsUnderWay--;
      group.looking -= max;
      if (suspects !== 'none') session.seeks = 'none';
      // Other pulls stood back, for this one to take all there was, or to seek a job that must be alone.
      this.wake(group);
    }
  }

  /** No jobs, and what the session has to know. */
  private emptyFor(session: Session): PullAnswer {
    if (!session.isServed) return { answer: this.sessions.absent(session.id), jobs: [] };
    return this.isStopping ? elsewhere : empty;
  }

  /**
   * A claimer commits, then makes sure of the session, then replies: while its lease runs here by the monotonic clock, nobody has
   * marked it dead. Claims of a session that is not served any more go back, uncounted.
   */
  private async replyTo(session: Session, records: readonly JobRecord[]): Promise<PullAnswer> {
    if (session.isServed) return { answer: 'ok', jobs: records };
    const { clock } = this.parts.ports;
    await this.writes.update(records.map((before) => ({ before, after: givenBack(before, clock.wallMs()) })));
    return this.emptyFor(session);
  }

  private park(session: Session, body: BodyOf<'PullJobs'>, arrivedMono: number): Promise<PullAnswer> {
    const untilMono = arrivedMono + Math.min(body.waitMs, limits.pullWaitMs);
    const pull: Pull = {
      session,
      id: body.pullId,
      slots: body.slots,
      untilMono,
      answer: new Deferred(),
      batch: undefined,
    };
    this.putBack(pull);
    return pull.answer.promise;
  }

  /** The pull waits until its time is up; if that has come already, it is answered. */
  private putBack(pull: Pull): void {
    const { clock } = this.parts.ports;
    const leftMs = pull.untilMono - clock.monoMs();
    if (leftMs <= 0) return pull.answer.resolve(empty);
    this.group(pull.session.nodeGroup).parked.push(pull);
    this.alarm.set(clock.wallMs() + Math.ceil(leftMs));
  }

  /** Serves the parked pulls of a group from its backlog, one look after the other. */
  private wake(group: Group): void {
    if (group.isServing || group.parked.length === 0) return;
    group.isServing = true;
    void this.serve(group)
      .catch((error) =>
        this.parts.ports.log.error(
          { nodeGroup: group.nodeGroup, error },
          'dispatch failed; the next event tries again',
        ),
      )
      .finally(() => {
        group.isServing = false;
      });
  }

  private async serve(group: Group): Promise<void> {
    for (;;) {
      if (group.isUnknown) await this.peeks.getToKnow(group);
      const pull = group.parked.find((parked) => this.mayTake(group, parked.session));
      if (!pull) return;
      group.parked.splice(group.parked.indexOf(pull), 1);
      try {
        const answer = await this.claim(group, pull.session, pull.slots);
        if (answer.answer !== 'ok' || answer.jobs.length > 0) pull.answer.resolve(answer);
        else this.unstage(pull);
      } catch (error) {
        pull.answer.reject(error);
        throw error;
      }
    }
  }

  /** Wakes for waiting jobs that became due and for parked pulls whose time is up. */
  private async ring(): Promise<number> {
    for (const group of this.groups.values()) this.tick(group);
    return this.earliest(this.parts.ports.clock.wallMs());
  }

  private earliest(now: number): number {
    const mono = this.parts.ports.clock.monoMs();
    let earliest = Number.POSITIVE_INFINITY;
    for (const group of this.groups.values()) {
      earliest = Math.min(earliest, group.nextDueAt);
      for (const pull of group.parked)
        earliest = Math.min(earliest, now + Math.max(1, Math.ceil(pull.untilMono - mono)));
    }
    return earliest;
  }

  private tick(group: Group): void {
    const { clock } = this.parts.ports;
    const mono = clock.monoMs();
    this.answerAll(group, (pull) => pull.untilMono <= mono);
    if (group.nextDueAt > clock.wallMs()) return;
    group.becameDue();
    this.wake(group);
  }

  private answerAll(group: Group, isMeant: (pull: Pull) => boolean): void {
    const meant = group.parked.filter(isMeant);
    if (meant.length === 0) return;
    group.parked = group.parked.filter((pull) => !meant.includes(pull));
    for (const pull of meant) pull.answer.resolve(this.emptyFor(pull.session));
  }
}

/** A claim that never reached its worker. */
function givenBack(record: JobRecord, now: number): JobRecord {
  const outcome = { kind: 'missed' } as const;
  return afterRun(record, nextStep(record, outcome, { now, chance: 0 }), { now, outcome });
}
