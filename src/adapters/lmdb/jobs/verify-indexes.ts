/** Compares every index and count of a job store with its records; used by the doctor and by tests. */
import type { Key } from 'lmdb';
import { isSchedule, type JobRecord } from '../../../job/job.js';
import type { LmdbEnvironment } from '../environment.js';
import type { LmdbTable } from '../table.js';
import { countKindOf, type IndexEntry, JobTables, openKeyOf } from './job-indexes.js';
import { isRedirect, parseRecord, redirectTarget } from './record-text.js';

/** Most problems that are named; a ruined store would have millions. */
const problemsMax = 1_000;
const chunk = 1_000;

/** What does not agree, one sentence each; empty for a sound store. Reads every entry, in one go: no commit may run meanwhile. */
export function verifyIndexes(environment: LmdbEnvironment): string[] {
  return new Verification(new JobTables(environment)).run();
}

class Verification {
  private readonly problems: string[] = [];
  /** Index table -> entries that records ask for. */
  private readonly wanted = new Map<LmdbTable, number>();
  private readonly counts = new Map<string, number>();
  private executing = 0;

  constructor(private readonly tables: JobTables) {}

  run(): string[] {
    let records = 0;
    for (const { key, value } of entriesOf(this.tables.bodies)) {
      if (isRedirect(value)) this.checkRedirect(key as string, redirectTarget(value));
      else {
        records++;
        this.checkRecord(key as string, value);
      }
    }
    if (this.tables.statuses.size !== records)
      this.report(`${records} bodies, but ${this.tables.statuses.size} statuses`);
    this.checkSizes();
    this.checkCounts();
    return this.problems;
  }

  private checkRecord(jobId: string, body: string): void {
    let record: JobRecord;
    try {
      record = parseRecord(jobId, body, this.tables.statuses.get(jobId));
    } catch (error) {
      return this.report(`job ${jobId} cannot be read: ${(error as Error).message}`);
    }
    this.count(`${record.body.nodeGroup} ${countKindOf(record)}`);
    for (const entry of this.entriesWantedBy(record)) this.checkEntry(jobId, entry);
    for (const alias of record.status.aliases ?? []) this.checkAlias(record, alias);
    if (record.status.state === 'executing' && !isSchedule(record)) this.checkClaim(record);
  }

  private entriesWantedBy(record: JobRecord): IndexEntry[] {
    const entries = this.tables.entriesOf(record);
    const openKey = openKeyOf(record);
    if (openKey) entries.push({ table: this.tables.openKeys, key: openKey, value: record.jobId });
    return entries;
  }

  private checkEntry(jobId: string, { table, key, value }: IndexEntry): void {
    this.wanted.set(table, (this.wanted.get(table) ?? 0) + 1);
    const found = table.get(key);
    if (found !== value)
      this.report(
        `job ${jobId}: index ${table.name} has ${found ?? 'no entry'} under ${JSON.stringify(key)}, not ${value}`,
      );
  }

  private checkAlias(record: JobRecord, alias: string): void {
    const text = this.tables.bodies.get(alias);
    if (text === undefined) this.report(`job ${record.jobId}: its alias ${alias} leads nowhere`);
  }

  private checkRedirect(alias: string, jobId: string): void {
    const status = this.tables.statuses.get(jobId);
    if (status === undefined) this.report(`alias ${alias} leads to job ${jobId}, which is not there`);
    else if (!status.includes(JSON.stringify(alias)))
      this.report(`alias ${alias} leads to job ${jobId}, which does not name it`);
  }

  private checkClaim({ jobId, status }: JobRecord): void {
    this.executing++;
    const claim = this.tables.claims.get([status.session ?? '', status.runId ?? '']);
    if (!claim?.includes(JSON.stringify(jobId)))
      this.report(`job ${jobId} executes as run ${status.runId}, which no claim names`);
  }

  private checkSizes(): void {
    const { waiting, suspended, schedules, dueSchedules, ended, failed, owed, openKeys } = this.tables;
    for (const table of [waiting, suspended, schedules, dueSchedules, ended, failed, owed, openKeys]) {
      const wanted = this.wanted.get(table) ?? 0;
      if (table.size !== wanted)
        this.report(`index ${table.name} has ${table.size} entries, but records ask for ${wanted}`);
    }
    if (this.executing === 0 && this.tables.claims.size > 0)
      this.report(`${this.tables.claims.size} claims without a run`);
  }

  private checkCounts(): void {
    const stored = new Map<string, number>();
    for (const { key, value } of entriesOf(this.tables.counts)) {
      for (const [kind, count] of Object.entries(JSON.parse(value) as object))
        stored.set(`${key as string} ${kind}`, count as number);
    }
    for (const kind of new Set([...stored.keys(), ...this.counts.keys()])) {
      const counted = this.counts.get(kind) ?? 0;
      if ((stored.get(kind) ?? 0) !== counted)
        this.report(`count of ${kind} is ${stored.get(kind) ?? 0}, but there are ${counted}`);
    }
  }

  private count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  private report(problem: string): void {
    if (this.problems.length < problemsMax) this.problems.push(problem);
  }
}

/** All entries of a table, a chunk in memory at a time. */
function* entriesOf(table: LmdbTable): Generator<{ key: Key; value: string }> {
  for (let start: Key | undefined; ; ) {
    const entries = table.entries(
      start === undefined ? { limit: chunk } : { start, exclusiveStart: true, limit: chunk },
    );
    yield* entries;
    if (entries.length < chunk) return;
    start = entries.at(-1)?.key;
  }
}
