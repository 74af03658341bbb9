/**
 * New records and conditional changes, a batch at a time, each answered exactly. A write leaves its mark in the document; where the
 * server's counts do not say which statements were carried out, or an answer was lost, the marks are read.
 */
import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import { LtsError } from '../../../errors.js';
import type { JobRecord } from '../../../job/job.js';
import type { AddOutcome, Change } from '../../../ports/job-queue.js';
import type { MongoConnection } from '../mongo-connection.js';
import { type Refusals, refusalsOf } from '../mongo-errors.js';
import { idKey, type JobDocument, newDocument, openKeyOf, recordOf, updateOf, writesKept } from './job-document.js';
import { jobQueries } from './job-queries.js';
import type { WriteMarks } from './write-marks.js';

/** Rounds of an add whose rivals vanish between the conflict and the look at them. */
const roundsMax = 20;

interface Adding {
  readonly record: JobRecord;
  readonly place: number;
}

interface Changing {
  readonly change: Change;
  readonly place: number;
}

type Answer = JobRecord | undefined;

export class JobWrites {
  constructor(
    private readonly connection: MongoConnection,
    private readonly jobs: Collection<JobDocument>,
    private readonly marks: WriteMarks,
  ) {}

  /** One command, and a read when something was there already. */
  async add(records: readonly JobRecord[]): Promise<AddOutcome[]> {
    const outcomes: AddOutcome[] = new Array(records.length);
    let open: Adding[] = records.map((record, place) => ({ record, place }));
    for (let round = 0; open.length > 0; round++) {
      if (round === roundsMax) throw busy(open);
      open = await this.addOnce(open, outcomes);
    }
    return outcomes;
  }

  /** One command, and a read when something had changed meanwhile. */
  async update(changes: readonly Change[]): Promise<Answer[]> {
    const answers: Answer[] = new Array(changes.length).fill(undefined);
    let open: Changing[] = changes.map((change, place) => ({ change, place }));
    while (open.length > 0) {
      const { first, later } = apart(open, ({ change }) => [change.after.jobId]);
      const done = await this.write(first.map(({ change }) => change));
      first.forEach(({ change, place }, n) => {
        if (done[n] === 'written') answers[place] = change.after;
      });
      open = later.filter(({ change }) => !isDecided(change, first, done));
    }
    return answers;
  }

  /** Answers what is still to be added. */
  private async addOnce(open: readonly Adding[], outcomes: AddOutcome[]): Promise<Adding[]> {
    const { first, later } = apart(open, keysToTake);
    const mark = this.marks.next();
    const refused = await this.insert(first, mark);
    const doubtful = first.filter((_, n) => refused.has(n));
    for (const [n, { record, place }] of first.entries()) {
      if (!refused.has(n)) outcomes[place] = { kind: 'added', record };
    }
    return this.lookUp(doubtful, later, { mark, outcomes });
  }

  /** Answers the places of those that met a key that was taken: by another record, or by this insert when its answer was lost. */
  private async insert(adding: readonly Adding[], mark: string): Promise<ReadonlySet<number>> {
    const documents = adding.map(({ record }) => newDocument(record, mark));
    return this.connection.attempt('add jobs', async () => {
      try {
        await this.jobs.insertMany(documents, { ordered: false });
        return new Set<number>();
      } catch (error) {
        return new Set(refusalsOf(error).places);
      }
    });
  }

  /** Answers those whose rival is gone again. */
  private async lookUp(
    doubtful: readonly Adding[],
    later: readonly Adding[],
    { mark, outcomes }: { mark: string; outcomes: AddOutcome[] },
  ): Promise<Adding[]> {
    const asked = [...doubtful, ...later].sort((a, b) => a.place - b.place);
    if (asked.length === 0) return [];
    const holders = await this.holders(asked.flatMap(keysToTake));
    return asked.filter((adding) => {
      const { record, place } = adding;
      const same = holders.get(idKey(record.jobId));
      const holder = same ?? holders.get(openKeyOf(record) ?? '');
      if (!holder) return true;
      const isOwn = same?._id === record.jobId && same.addedBy === mark && doubtful.includes(adding);
      const existing = recordOf(holder);
      outcomes[place] = isOwn ? { kind: 'added', record } : { kind: same ? 'same' : 'conflict', record: existing };
      return false;
    });
  }

  private async holders(keys: readonly string[]): Promise<ReadonlyMap<string, JobDocument>> {
    const { filter, index } = jobQueries.byKeys(keys);
    const found = await this.connection.attempt('read jobs', () => this.jobs.find(filter, { hint: index }).toArray());
    return new Map(found.flatMap((document) => document.keys.map((key) => [key, document] as const)));
  }

  private async write(changes: readonly Change[]): Promise<Done[]> {
    const mark = this.marks.next();
    const statements = changes.map(
      (change): AnyBulkWriteOperation<JobDocument> => ({
        updateOne: {
          filter: { _id: change.before.jobId, 'status.rev': change.before.status.rev },
          update: updateOf(change, mark),
        },
      }),
    );
    const { places, matched } = await this.connection.attempt('change jobs', () => this.send(statements));
    const refused = new Set(places);
    const done = changes.map((_, n): Done => (refused.has(n) ? 'refused' : 'written'));
    // Fewer matched than were sent: somebody else changed some, or an earlier attempt of this very write did.
    if (matched + refused.size < changes.length) await this.readMarks(changes, mark, done);
    return done;
  }

  private async send(statements: AnyBulkWriteOperation<JobDocument>[]): Promise<Refusals> {
    try {
      const { matchedCount } = await this.jobs.bulkWrite(statements, { ordered: false });
      return { places: [], matched: matchedCount };
    } catch (error) {
      return refusalsOf(error);
    }
  }

  /** Corrects what is not written after all. */
  private async readMarks(changes: readonly Change[], mark: string, done: Done[]): Promise<void> {
    const filter = { _id: { $in: changes.map(({ before }) => before.jobId) } };
    const found = await this.connection.attempt('read changes', () =>
      this.jobs.find(filter, { projection: { 'status.rev': 1, writes: 1 } }).toArray(),
    );
    const stored = new Map(found.map((document) => [document._id, document]));
    for (const [n, { after }] of changes.entries()) {
      if (done[n] === 'refused') continue;
      const document = stored.get(after.jobId);
      if (document?.writes.includes(mark)) continue;
      // The marks of the newest writes are kept, so a mark that is not among them was never there, unless too many came since.
      if (document && document.status.rev - after.status.rev >= writesKept) throw unknownOutcome(after);
      done[n] = 'missed';
    }
  }
}

type Done = 'written' | 'missed' | 'refused';

const keysToTake = ({ record }: Adding): string[] => {
  const key = openKeyOf(record);
  return key === undefined ? [idKey(record.jobId)] : [idKey(record.jobId), key];
};

/** The first item for each key, and the items that must wait for an earlier one. */
function apart<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): { first: T[]; later: T[] } {
  const taken = new Set<string>();
  const first: T[] = [];
  const later: T[] = [];
  for (const item of items) {
    const keys = keysOf(item);
    (keys.some((key) => taken.has(key)) ? later : first).push(item);
    for (const key of keys) taken.add(key);
  }
  return { first, later };
}

/** The record has left the rev that this change was decided on. */
function isDecided({ before }: Change, first: readonly Changing[], done: readonly Done[]): boolean {
  return first.some(
    ({ change }, n) =>
      change.before.jobId === before.jobId && change.before.status.rev === before.status.rev && done[n] !== 'refused',
  );
}

function busy(open: readonly Adding[]): LtsError {
  const jobId = open[0]?.record.jobId ?? '';
  const text = `Job ${jobId} met ${roundsMax} times a job of the same key that was gone at the next look. Submit it again.`;
  return new LtsError('LTS_BUSY', text);
}

function unknownOutcome({ jobId }: JobRecord): LtsError {
  const text = `Job ${jobId} was changed ${writesKept} times while the answer of a change was lost. Read it and decide again.`;
  return new LtsError('LTS_STORE_FAILED', text);
}
