/** In which order a claim may take what it found: lanes take turns, each giving its first by priority, dueAt and jobId. */
import type { JobBody } from '../../../job/job.js';
import type { JobDocument, LaneKind, Turn } from './job-document.js';

export interface Lane {
  readonly kind: LaneKind;
  readonly name: string;
}

/** A due record as the claim index knows it, and what decides whether it can be taken. */
export interface Candidate extends Pick<JobDocument, '_id' | 'bytes'> {
  readonly turn: Turn;
  readonly body: Pick<JobBody, 'expireAt'>;
}

export interface DueLane {
  readonly lane: Lane;
  readonly candidates: readonly Candidate[];
  /** False when the lane may hold more than these. */
  readonly isWhole: boolean;
}

/** Candidates in turn, the lane after `last` first. `isWhole` is false when the order cannot be told further than this. */
export function inTurns(found: readonly DueLane[], last: Lane | undefined): { turns: Candidate[]; isWhole: boolean } {
  const lanes = inRotation(
    found.toSorted((a, b) => compareLanes(a.lane, b.lane)),
    last,
  );
  const turns: Candidate[] = [];
  for (let turn = 0; lanes.some(({ candidates }) => turn < candidates.length); turn++) {
    for (const { candidates, isWhole } of lanes) {
      const candidate = candidates[turn];
      if (candidate) turns.push(candidate);
      else if (!isWhole) return { turns, isWhole: false };
    }
  }
  return { turns, isWhole: lanes.every(({ isWhole }) => isWhole) };
}

export const laneOf = ({ turn }: Candidate): Lane => ({ kind: turn.kind, name: turn.lane });

/** The lane after `last` first. */
export function inRotation<T extends { readonly lane: Lane }>(sorted: readonly T[], last: Lane | undefined): T[] {
  const first = last ? sorted.findIndex(({ lane }) => compareLanes(lane, last) > 0) : 0;
  return first <= 0 ? [...sorted] : [...sorted.slice(first), ...sorted.slice(0, first)];
}

export function compareLanes(a: Lane, b: Lane): number {
  return a.kind - b.kind || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
