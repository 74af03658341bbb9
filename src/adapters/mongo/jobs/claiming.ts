/**
 * Claims of one tracker, one after the other per group: look for candidates, take them by one conditional write, read back which
 * were got. Rival trackers need no lock: what both looked at, one gets; who lost much looks at a random stretch of the backlog next.
 */
import type { Collection } from 'mongodb';
import { ended } from '../../../job/ending.js';
import type { JobRecord } from '../../../job/job.js';
import type { ClaimOutcome, ClaimRequest } from '../../../ports/job-queue.js';
import type { MongoConnection } from '../mongo-connection.js';
import type { DueJobs, Look } from './due-jobs.js';
import { type JobDocument, noting, recordOf } from './job-document.js';
import type { JobWrites } from './job-writes.js';
import { type Candidate, type Lane, laneOf } from './lane-turns.js';
import type { WriteMarks } from './write-marks.js';

/** Most records that one claim ends as expired; the caller asks again. */
const expiredPerClaimMax = 1_000;
/** Looks of one claim at a backlog that rivals take away meanwhile. */
const losingLooksMax = 3;
/** With rivals a look covers up to so many times what the claim needs. */
const stretchMax = 8;

interface Taken {
  readonly claimed: JobRecord[];
  readonly expired: JobRecord[];
  bytes: number;
  /** Of the record looked at last. */
  lane: Lane | undefined;
  /** Of the record claimed last. */
  claimedLane: Lane | undefined;
  mayTakeSuspect: boolean;
}

interface Chosen {
  readonly claiming: readonly Candidate[];
  readonly expiring: readonly Candidate[];
  readonly last?: Candidate | undefined;
  /** A bound of the request leaves records where they are. */
  readonly isLeft: boolean;
}

export class Claiming {
  /** The lane that was served last, by group, while work is left. */
  private readonly turns = new Map<string, Lane>();
  /** How many times wider than needed the group's next look is: above 1 only while rivals are about. */
  private readonly stretches = new Map<string, number>();
  private readonly queues = new Map<string, Promise<unknown>>();

  constructor(
    private readonly connection: MongoConnection,
    private readonly jobs: Collection<JobDocument>,
    private readonly due: DueJobs,
    private readonly writes: JobWrites,
    private readonly marks: WriteMarks,
  ) {}

  /** After the claims of the same group that were asked for before. */
  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const { nodeGroup } = request;
    const before = this.queues.get(nodeGroup);
    const claim = (before ?? Promise.resolve()).then(() => this.claimNow(request));
    const settled = claim.catch(() => {});
    this.queues.set(nodeGroup, settled);
    try {
      return await claim;
    } finally {
      if (this.queues.get(nodeGroup) === settled) this.queues.delete(nodeGroup);
    }
  }

  private async claimNow(request: ClaimRequest): Promise<ClaimOutcome> {
    const lane = this.turns.get(request.nodeGroup);
    const mayTakeSuspect = request.suspects !== 'none';
    const taken: Taken = { claimed: [], expired: [], bytes: 0, lane, claimedLane: lane, mayTakeSuspect };
    const hasMore = await this.take(request, taken).catch((error) => {
      // What was taken until then is answered, or nobody would know of it.
      if (taken.claimed.length + taken.expired.length === 0) throw error;
      return true;
    });
    this.remember(request.nodeGroup, hasMore, taken.claimedLane);
    return { claimed: taken.claimed, expired: taken.expired, hasMore };
  }

  private remember(nodeGroup: string, hasMore: boolean, lane: Lane | undefined): void {
    if (hasMore && lane) this.turns.set(nodeGroup, lane);
    if (hasMore) return;
    this.turns.delete(nodeGroup);
    this.stretches.delete(nodeGroup);
    this.due.forget(nodeGroup);
  }

  /** Answers whether due records that the request may take are left. */
  private async take(request: ClaimRequest, taken: Taken): Promise<boolean> {
    const alone = request.suspects === 'alone' ? await this.due.alone(request) : undefined;
    if (alone) {
      const lost = await this.carryOut(request, this.choose(request, taken, [alone]), taken);
      return lost > 0 || this.due.isAnyDue(request);
    }
    for (let losses = 0; losses < losingLooksMax; ) {
      const { turns, isWhole } = await this.look(request, taken);
      const chosen = this.choose(request, taken, turns);
      const lost = await this.carryOut(request, chosen, taken);
      if (chosen.isLeft) return true;
      if (lost === 0 && (isWhole || turns.length === 0)) return false;
      if (lost > 0) losses++;
      if (this.isFull(request, taken)) return this.isAnyLeft(request, taken);
    }
    return true;
  }

  private isFull({ max }: ClaimRequest, { claimed, expired }: Taken): boolean {
    return claimed.length >= max || expired.length >= expiredPerClaimMax;
  }

  /** One more than can be taken, to learn whether more is there. */
  private async look(request: ClaimRequest, { claimed, lane, mayTakeSuspect }: Taken): Promise<Look> {
    const stretch = this.stretches.get(request.nodeGroup) ?? 1;
    const room = Math.max(0, request.max - claimed.length);
    const turn = { last: lane, suspect: mayTakeSuspect };
    const look = await this.due.look(request, room * stretch + 1, turn);
    const spare = look.turns.length - room - 1;
    if (stretch === 1 || spare <= 0) return look;
    const start = Math.floor(this.connection.ports.chance.next() * (spare + 1));
    return { turns: look.turns.slice(start), isWhole: false };
  }

  private async isAnyLeft(request: ClaimRequest, taken: Taken): Promise<boolean> {
    const look = await this.due.look(request, 1, { last: taken.lane, suspect: taken.mayTakeSuspect });
    return look.turns.length > 0 || !look.isWhole;
  }

  private choose({ max, bytesMax, now }: ClaimRequest, taken: Taken, turns: readonly Candidate[]): Chosen {
    const claiming: Candidate[] = [];
    const expiring: Candidate[] = [];
    let last: Candidate | undefined;
    let { bytes } = taken;
    for (const candidate of turns) {
      const claimed = taken.claimed.length + claiming.length;
      const expired = taken.expired.length + expiring.length;
      if (claimed >= max || expired >= expiredPerClaimMax) return { claiming, expiring, last, isLeft: true };
      const { expireAt } = candidate.body;
      if (expireAt !== undefined && now > expireAt) {
        expiring.push(candidate);
        last = candidate;
        continue;
      }
      bytes += candidate.bytes;
      if (claimed > 0 && bytes > bytesMax) return { claiming, expiring, last, isLeft: true };
      claiming.push(candidate);
      last = candidate;
    }
    return { claiming, expiring, last, isLeft: false };
  }

  /** Answers how many of those chosen others took. */
  private async carryOut(request: ClaimRequest, chosen: Chosen, taken: Taken): Promise<number> {
    const { claiming, expiring, last } = chosen;
    if (!last) return 0;
    const [claimed, expired] = await Promise.all([this.takeAll(request, claiming), this.expireAll(request, expiring)]);
    taken.claimed.push(...claimed);
    taken.expired.push(...expired);
    taken.bytes += claiming.reduce((sum, { bytes }) => sum + bytes, 0);
    taken.lane = laneOf(last);
    const lastClaiming = claiming.at(-1);
    if (lastClaiming) taken.claimedLane = laneOf(lastClaiming);
    const seen = [...claiming, ...expiring];
    if (seen.some(({ turn }) => turn.kind === 1)) taken.mayTakeSuspect = false;
    const lost = seen.length - claimed.length - expired.length;
    this.noteRivals(request.nodeGroup, lost, seen.length);
    return lost;
  }

  private noteRivals(nodeGroup: string, lost: number, wanted: number): void {
    const stretch = this.stretches.get(nodeGroup) ?? 1;
    if (2 * lost >= wanted && lost > 0) this.stretches.set(nodeGroup, Math.min(stretchMax, 2 * stretch));
    else if (lost === 0 && stretch > 2) this.stretches.set(nodeGroup, stretch / 2);
    else if (lost === 0) this.stretches.delete(nodeGroup);
  }

  /** Those that are executing under this claim afterwards, in the order given. */
  private async takeAll(request: ClaimRequest, candidates: readonly Candidate[]): Promise<JobRecord[]> {
    if (candidates.length === 0) return [];
    const { runId, session, now, nodeGroup } = request;
    const _id = { $in: candidates.map((candidate) => candidate._id) };
    const run = { session, at: now, group: nodeGroup };
    const started = { state: 'executing', runId, session, claimedAt: now };
    const set = Object.fromEntries(Object.entries(started).map(([field, value]) => [`status.${field}`, value]));
    const update = {
      $set: { ...set, run },
      $inc: { 'status.attempt': 1, 'status.rev': 1 },
      $unset: { turn: '' as const },
      ...noting(this.marks.next()),
    };
    const isDue = { _id, 'turn.state': 'waiting' as const, 'turn.dueAt': { $lte: now } };
    await this.connection.attempt('claim jobs', () => this.jobs.updateMany(isDue, update, { hint: { _id: 1 } }));
    const found = await this.connection.attempt('read claimed jobs', () =>
      this.jobs.find({ _id, 'status.runId': runId }).toArray(),
    );
    const records = new Map(found.map((document) => [document._id, recordOf(document)]));
    return candidates.flatMap((candidate) => records.get(candidate._id) ?? []);
  }

  private async expireAll({ now }: ClaimRequest, candidates: readonly Candidate[]): Promise<JobRecord[]> {
    if (candidates.length === 0) return [];
    const filter = { _id: { $in: candidates.map((candidate) => candidate._id) }, 'turn.state': 'waiting' as const };
    const found = await this.connection.attempt('read expired jobs', () => this.jobs.find(filter).toArray());
    const places = new Map(candidates.map((candidate, place) => [candidate._id, place]));
    const records = found.map(recordOf).sort((a, b) => (places.get(a.jobId) ?? 0) - (places.get(b.jobId) ?? 0));
    const changes = records.map((before) => ({ before, after: ended(before, { state: 'expired', now }) }));
    return (await this.writes.update(changes)).filter((record) => record !== undefined);
  }
}
