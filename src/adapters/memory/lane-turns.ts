/** In which order a claim may take the due records of a group: lanes take turns, each giving its first by priority, dueAt, jobId. */
import { isSuspect, type JobRecord } from '../../job/job.js';
import type { ClaimRequest } from '../../ports/job-queue.js';

/** 0: ordinary; 1: a suspect that may run beside others; 2: one that must run alone. The last two are one lane each. */
export type LaneKind = 0 | 1 | 2;

export interface Lane {
  readonly kind: LaneKind;
  readonly name: string;
}

export function laneOf(record: JobRecord): Lane {
  if (!isSuspect(record)) return { kind: 0, name: record.body.lane };
  return { kind: record.status.isAlone ? 2 : 1, name: '' };
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export const dueAtOf = (record: JobRecord): number => record.status.dueAt ?? 0;

/** Within a lane. */
function inClaimOrder(a: JobRecord, b: JobRecord): number {
  return a.body.priority - b.body.priority || dueAtOf(a) - dueAtOf(b) || compareText(a.jobId, b.jobId);
}

/** Orders `due`; the first turn is that of the lane after `last`. A suspect's lane gives one record only. */
export function inTurns(
  due: readonly JobRecord[],
  suspects: ClaimRequest['suspects'],
  last: Lane | undefined,
): JobRecord[] {
  const sorted = due.toSorted(inClaimOrder);
  const alone = sorted.find((record) => laneOf(record).kind === 2);
  if (suspects === 'alone' && alone) return [alone];
  const lanes = inRotation(lanesOf(sorted, suspects), last);
  const longest = Math.max(0, ...lanes.map((lane) => lane.records.length));
  const turns = Array.from({ length: longest }, (_, turn) => lanes.flatMap((lane) => lane.records[turn] ?? []));
  return turns.flat();
}

interface LaneRecords {
  readonly lane: Lane;
  readonly records: JobRecord[];
}

function lanesOf(sorted: readonly JobRecord[], suspects: ClaimRequest['suspects']): LaneRecords[] {
  const lanes = new Map<string, LaneRecords>();
  for (const record of sorted) {
    const lane = laneOf(record);
    if (lane.kind === 2 || (lane.kind === 1 && suspects === 'none')) continue;
    const key = `${lane.kind}${lane.name}`;
    const known = lanes.get(key) ?? { lane, records: [] };
    if (lane.kind === 0 || known.records.length === 0) known.records.push(record);
    lanes.set(key, known);
  }
  return [...lanes.values()].sort((a, b) => compareLanes(a.lane, b.lane));
}

function inRotation(lanes: readonly LaneRecords[], last: Lane | undefined): LaneRecords[] {
  const first = last ? lanes.findIndex(({ lane }) => compareLanes(lane, last) > 0) : 0;
  return first <= 0 ? [...lanes] : [...lanes.slice(first), ...lanes.slice(0, first)];
}

const compareLanes = (a: Lane, b: Lane): number => a.kind - b.kind || compareText(a.name, b.name);
