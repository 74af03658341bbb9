/**
 * Finds what a claim may take by skipping from lane to lane and from priority to priority of the waiting index; jobs that are
 * not due are never looked at. Its cost: one or two seeks per lane and priority that the group has at the time.
 */
import type { ClaimRequest } from '../../../ports/job-queue.js';
import type { LmdbTable } from '../table.js';
import { type ClaimKey, type LaneKind, last } from './job-indexes.js';

export interface Lane {
  readonly kind: LaneKind;
  readonly name: string;
}

/** Keys read at once from a lane on its first turn. */
const firstChunk = 16;

export class ClaimScan {
  constructor(private readonly waiting: LmdbTable) {}

  /**
   * Keys of due records in the order in which the claim may take them. Lanes take turns, the one after `lastLane` first; a lane
   * of suspects gives one. The index may be written between two steps.
   */
  *turns(request: ClaimRequest, lastLane: Lane | undefined): Generator<ClaimKey> {
    if (request.suspects === 'alone') {
      const alone = this.dueOf(request, { kind: 2, name: '' }).next(1);
      if (alone) return yield alone;
    }
    let lanes: DueKeys[] = [];
    for (const lane of this.lanesAfter(request, lastLane)) {
      const due = this.dueOf(request, lane);
      const key = due.next(firstChunk);
      if (!key) continue;
      yield key;
      if (lane.kind === 0) lanes.push(due);
    }
    while (lanes.length > 0) {
      const chunk = Math.ceil(request.max / lanes.length);
      for (const lane of lanes) {
        const key = lane.next(chunk);
        if (key) yield key;
      }
      lanes = lanes.filter((lane) => !lane.isDone);
    }
  }

  hasDue({ nodeGroup, now }: ClaimRequest): boolean {
    for (const lane of this.lanesBetween([nodeGroup], [nodeGroup, last])) {
      if (new DueKeys(this.waiting, { nodeGroup, lane, now }).next(1)) return true;
    }
    return false;
  }

  /** The earliest dueAt later than `after`, in any lane. */
  nextDueAt(nodeGroup: string, after: number): number | undefined {
    let earliest: number | undefined;
    const end = [nodeGroup, last];
    for (let key = this.firstKey([nodeGroup], end); key; ) {
      const [, kind, lane, priority] = key;
      const prefix = [nodeGroup, kind, lane, priority];
      const later = key[4] > after ? key : this.firstKey([...prefix, after, last], [...prefix, last]);
      if (later && (earliest === undefined || later[4] < earliest)) earliest = later[4];
      key = this.firstKey([...prefix, last], end);
    }
    return earliest;
  }

  private dueOf({ nodeGroup, now }: ClaimRequest, lane: Lane): DueKeys {
    return new DueKeys(this.waiting, { nodeGroup, lane, now });
  }

  private *lanesAfter({ nodeGroup, suspects }: ClaimRequest, lastLane: Lane | undefined): Generator<Lane> {
    const kindEnd = suspects === 'none' ? 1 : 2;
    const end = [nodeGroup, kindEnd];
    if (!lastLane || lastLane.kind >= kindEnd) return yield* this.lanesBetween([nodeGroup], end);
    const turn = [nodeGroup, lastLane.kind, lastLane.name, last];
    yield* this.lanesBetween(turn, end);
    yield* this.lanesBetween([nodeGroup], turn);
  }

  private *lanesBetween(start: ScanKey, end: ScanKey): Generator<Lane> {
    for (let key = this.firstKey(start, end); key; ) {
      const [nodeGroup, kind, name] = key;
      yield { kind, name };
      key = this.firstKey([nodeGroup, kind, name, last], end);
    }
  }

  private firstKey(start: ScanKey, end: ScanKey): ClaimKey | undefined {
    return this.waiting.firstKey({ start, end }) as ClaimKey | undefined;
  }
}

type ScanKey = (string | number)[];

/** The due keys of one lane by priority, dueAt and jobId, read in chunks. */
class DueKeys {
  private chunk: ClaimKey[] = [];
  private taken = 0;
  private start: ScanKey;
  private readonly lane: ScanKey;
  private isRead = false;

  constructor(
    private readonly waiting: LmdbTable,
    private readonly where: { readonly nodeGroup: string; readonly lane: Lane; readonly now: number },
  ) {
    this.lane = [where.nodeGroup, where.lane.kind, where.lane.name];
    this.start = this.lane;
  }

  /** True when nothing is left. */
  get isDone(): boolean {
    return this.isRead && this.taken === this.chunk.length;
  }

  next(chunkMax: number): ClaimKey | undefined {
    while (this.taken === this.chunk.length && !this.isRead) this.readChunk(chunkMax);
    return this.taken < this.chunk.length ? this.chunk[this.taken++] : undefined;
  }

  private readChunk(limit: number): void {
    const first = this.waiting.firstKey({ start: this.start, end: [...this.lane, last] }) as ClaimKey | undefined;
    if (!first) {
      this.isRead = true;
      return;
    }
    const priority = [...this.lane, first[3]];
    const end = [...priority, this.where.now, last];
    this.chunk = first[4] > this.where.now ? [] : (this.waiting.keys({ start: first, end, limit }) as ClaimKey[]);
    this.taken = 0;
    // A full chunk may have more behind it; the empty text makes the shortest key after its last one.
    this.start = this.chunk.length < limit ? [...priority, last] : [...(this.chunk.at(-1) as ClaimKey), ''];
  }
}
