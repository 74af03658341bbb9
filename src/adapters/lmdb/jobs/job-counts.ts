/** Counts of records by group and state: kept in memory, written with one put per touched group and commit. */
import { LtsError } from '../../../errors.js';
import type { Counts } from '../../../job/listing.js';
import type { Participant } from '../../../kit/group-commit.js';
import type { LmdbTable } from '../table.js';
import type { CountKind } from './job-indexes.js';

type GroupCounts = Partial<Record<CountKind, number>>;

export class JobCounts implements Participant {
  private readonly groups = new Map<string, GroupCounts>();
  private readonly touched = new Set<string>();
  private ended = 0;

  constructor(
    private readonly counts: LmdbTable,
    private readonly endedIndex: LmdbTable,
  ) {}

  /** All ended records, schedules included; what the running commit did is counted in. */
  get endedTotal(): number {
    return this.ended;
  }

  add(nodeGroup: string, kind: CountKind, change: 1 | -1): void {
    const group = this.groups.get(nodeGroup) ?? {};
    group[kind] = (group[kind] ?? 0) + change;
    this.groups.set(nodeGroup, group);
    this.touched.add(nodeGroup);
  }

  addEnded(change: 1 | -1): void {
    this.ended += change;
  }

  /** Corrects the counts of executing records to what was found at start, and says whether they were wrong. */
  setExecuting(found: ReadonlyMap<string, number>): void {
    for (const nodeGroup of new Set([...this.groups.keys(), ...found.keys()])) {
      const group = this.groups.get(nodeGroup) ?? {};
      if ((group.executing ?? 0) === (found.get(nodeGroup) ?? 0)) continue;
      this.groups.set(nodeGroup, { ...group, executing: found.get(nodeGroup) ?? 0 });
      this.touched.add(nodeGroup);
    }
  }

  flush(): void {
    for (const nodeGroup of this.touched) {
      const group = withoutZeros(this.groups.get(nodeGroup) ?? {});
      if (group) this.counts.put(nodeGroup, JSON.stringify(group));
      else {
        this.groups.delete(nodeGroup);
        this.counts.remove(nodeGroup);
      }
    }
    this.touched.clear();
  }

  reload(): void {
    this.touched.clear();
    this.groups.clear();
    for (const [nodeGroup, group] of Object.entries(this.stored())) this.groups.set(nodeGroup, group);
    this.ended = this.endedIndex.size;
  }

  /** As of the last commit. */
  stored(): Counts {
    const groups = this.counts.entries().map(({ key, value }) => [key, parsed(key as string, value)] as const);
    return Object.fromEntries(groups) as Counts;
  }
}

function withoutZeros(group: GroupCounts): GroupCounts | undefined {
  const entries = Object.entries(group).filter(([, count]) => count !== 0);
  return entries.length > 0 ? (Object.fromEntries(entries) as GroupCounts) : undefined;
}

function parsed(nodeGroup: string, value: string): GroupCounts {
  try {
    return JSON.parse(value) as GroupCounts;
  } catch (cause) {
    const text = `The store's counts of group ${nodeGroup} cannot be read. Run the doctor on the store.`;
    throw new LtsError('LTS_STORE_CORRUPT', text, { cause });
  }
}
