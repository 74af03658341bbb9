/**
 * Looks for what a claim may take: one query while a group has one lane or little is due; with a backlog in several lanes one
 * query per lane that has a turn.
 */
import type { Collection, Document } from 'mongodb';
import type { JobRecord } from '../../../job/job.js';
import { isSchedule } from '../../../job/job.js';
import type { ClaimRequest } from '../../../ports/job-queue.js';
import type { MongoConnection } from '../mongo-connection.js';
import { type JobDocument, laneKindOf } from './job-document.js';
import { type JobQuery, jobQueries } from './job-queries.js';
import { type Candidate, compareLanes, type DueLane, inRotation, inTurns, type Lane, laneOf } from './lane-turns.js';
import { hasBody, withoutDamaged } from './set-aside.js';

/** Lanes of other trackers' jobs are noticed after this. */
const lanesKnownMs = 1_000;
const lanesAtOnceMax = 16;
const projection: Document = { turn: 1, bytes: 1, 'body.expireAt': 1 };

export interface Look {
  readonly turns: readonly Candidate[];
  /** True when nothing that the claim may take is due beyond `turns`. */
  readonly isWhole: boolean;
}

interface KnownLanes {
  readonly names: Set<string>;
  readonly untilMono: number;
}

export class DueJobs {
  /** Only of groups with a backlog. */
  private readonly lanes = new Map<string, KnownLanes>();

  constructor(
    readonly connection: MongoConnection,
    readonly jobs: Collection<JobDocument>,
  ) {}

  /** About to be stored: its lane has its turn in the next look. */
  note(record: JobRecord): void {
    if (record.status.state !== 'waiting' || isSchedule(record) || laneKindOf(record) !== 0) return;
    this.lanes.get(record.body.nodeGroup)?.names.add(record.body.lane);
  }

  /** The group has no backlog any more. */
  forget(nodeGroup: string): void {
    this.lanes.delete(nodeGroup);
  }

  /** At least `limit` candidates in the order of turns, the lane after `last` first, unless there are fewer. */
  async look(
    { nodeGroup, now }: ClaimRequest,
    limit: number,
    turn: { last?: Lane | undefined; suspect: boolean },
  ): Promise<Look> {
    const [first, suspects] = await Promise.all([
      this.find(jobQueries.due(nodeGroup, 0, { now }), limit),
      turn.suspect ? this.find(jobQueries.due(nodeGroup, 1, { now }), 1) : [],
    ]);
    const beside: DueLane[] = suspects.map((one) => ({ lane: laneOf(one), candidates: [one], isWhole: true }));
    if (first.length < limit) return inTurns([...lanesOf(first), ...beside], turn.last);
    const names = await this.lanesOf(nodeGroup);
    for (const { turn } of first) names.add(turn.lane);
    const name = first[0]?.turn.lane ?? '';
    const due =
      names.size === 1
        ? [{ lane: { kind: 0 as const, name }, candidates: first, isWhole: false }]
        : await this.ofLanes({ nodeGroup, now, limit }, names, turn.last);
    return inTurns([...due, ...beside], turn.last);
  }

  /** A suspect that must run alone. */
  async alone({ nodeGroup, now }: ClaimRequest): Promise<Candidate | undefined> {
    return (await this.find(jobQueries.due(nodeGroup, 2, { now }), 1))[0];
  }

  /** Whether anything is due, whoever may take it. */
  async isAnyDue({ nodeGroup, now }: ClaimRequest): Promise<boolean> {
    return (await this.find(jobQueries.anyDue(nodeGroup, now), 1)).length > 0;
  }

  private async ofLanes(
    { nodeGroup, now, limit }: { nodeGroup: string; now: number; limit: number },
    names: ReadonlySet<string>,
    last: Lane | undefined,
  ): Promise<DueLane[]> {
    const known = [...names].map((name) => ({ lane: { kind: 0 as const, name } }));
    const lanes = inRotation(
      known.sort((a, b) => compareLanes(a.lane, b.lane)),
      last,
    );
    const share = Math.ceil(limit / lanes.length);
    const found: DueLane[] = [];
    let count = 0;
    while (found.length < lanes.length && count < limit) {
      const asked = lanes.slice(found.length, found.length + lanesAtOnceMax);
      const answers = await Promise.all(asked.map(({ lane }) => this.ofLane({ nodeGroup, now, share }, lane)));
      for (const answer of answers) count += answer.candidates.length;
      found.push(...answers);
    }
    // A lane that was not asked may have its turn before the second turn of those that were.
    const next = lanes[found.length];
    return next ? [...found, { lane: next.lane, candidates: [], isWhole: false }] : found;
  }

  private async ofLane(
    { nodeGroup, now, share }: { nodeGroup: string; now: number; share: number },
    lane: Lane,
  ): Promise<DueLane> {
    const candidates = await this.find(jobQueries.due(nodeGroup, 0, { now, lane: lane.name }), share);
    return { lane, candidates, isWhole: candidates.length < share };
  }

  private async lanesOf(nodeGroup: string): Promise<Set<string>> {
    const monoMs = this.connection.ports.clock.monoMs();
    const known = this.lanes.get(nodeGroup);
    if (known && known.untilMono > monoMs) return known.names;
    // What is added while the answer is on its way must not be missed.
    const names = new Set<string>();
    this.lanes.set(nodeGroup, { names, untilMono: monoMs + lanesKnownMs });
    const { filter } = jobQueries.lanes(nodeGroup);
    const found = await this.connection.attempt('read lanes', () => this.jobs.distinct('turn.lane', filter));
    for (const name of found) names.add(String(name));
    return names;
  }

  private async find(query: JobQuery, limit: number): Promise<Candidate[]> {
    const { filter, index, sort } = query;
    const options = { hint: index, ...(sort ? { sort } : {}), limit, projection };
    const found = await this.connection.attempt('look for due jobs', () =>
      this.jobs.find<Pick<Candidate, '_id'> & Partial<Candidate>>(filter, options).toArray(),
    );
    // From a lesser server one that is taken between the look and the answer comes without its turn; the next look is without it.
    const waiting = found.filter((candidate): candidate is Candidate => candidate.turn !== undefined);
    const due = await withoutDamaged(this, waiting, hasBody);
    return due.length === found.length ? waiting : this.find(query, limit);
  }
}

/** All that is due of a group, by lane. */
function lanesOf(candidates: readonly Candidate[]): DueLane[] {
  const lanes = new Map<string, { lane: Lane; candidates: Candidate[]; isWhole: true }>();
  for (const candidate of candidates) {
    const lane = laneOf(candidate);
    const known = lanes.get(lane.name);
    if (known) known.candidates.push(candidate);
    else lanes.set(lane.name, { lane, candidates: [candidate], isWhole: true });
  }
  return [...lanes.values()];
}
