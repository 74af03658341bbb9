/**
 * Keyset paging over the indexes, section by section: executing by time of claim; waiting, then suspended instances in claim
 * order; open schedules by group and id; ended records by end time, newest first.
 */
import type { Collection, Document } from 'mongodb';
import { LtsError } from '../../../errors.js';
import type { JobRecord, JobState } from '../../../job/job.js';
import {
  fits,
  type ListPage,
  type ListRequest,
  type ListSection,
  listSections,
  mayHold,
} from '../../../job/listing.js';
import type { MongoConnection } from '../mongo-connection.js';
import { endedKind, type JobDocument, recordOf } from './job-document.js';
import { anyText, type JobQuery, jobQueries } from './job-queries.js';
import { isRecord } from './set-aside.js';

type KeyPart = string | number;

/** Where a page ended: the section and the values of its order there. */
interface Place {
  readonly section: ListSection;
  readonly key: readonly KeyPart[];
}

interface Candidate {
  readonly place: Place;
  readonly record: JobRecord;
}

interface Section {
  readonly index: JobQuery['index'];
  readonly filter: Document;
  /** Fields whose values decide the order; together unique. */
  readonly order: readonly string[];
  readonly direction: 1 | -1;
  /** False where records in the range need not fit the request. */
  readonly isExact: boolean;
}

/** Most records that one page looks at when not all of a range fit. */
const lookedAtPerPageMax = 1_000;
/** What only the records on the page need. */
const small: Document = { 'body.params': 0, 'status.result': 0 };

export class JobList {
  constructor(
    private readonly connection: MongoConnection,
    private readonly jobs: Collection<JobDocument>,
  ) {}

  async page(request: ListRequest): Promise<ListPage> {
    const after = request.cursor === undefined ? undefined : placeOfCursor(request.cursor);
    const found = new Map<string, JobRecord>();
    let place = after;
    let lookedAt = 0;
    for await (const candidate of this.candidates(request, after)) {
      const isFull = found.size >= request.limit || lookedAt >= lookedAtPerPageMax;
      if (place && isFull) return { records: await this.whole([...found.values()], request), cursor: cursorOf(place) };
      place = candidate.place;
      lookedAt++;
      const { record } = candidate;
      if (!fits(record, request)) continue;
      // One that went from section to section while they were read is where it was seen last.
      found.delete(record.jobId);
      found.set(record.jobId, record);
    }
    return { records: await this.whole([...found.values()], request) };
  }

  private async *candidates(request: ListRequest, after: Place | undefined): AsyncGenerator<Candidate> {
    for (const name of listSections.slice(after ? listSections.indexOf(after.section) : 0)) {
      if (mayHold(name, request)) yield* this.ofSection(name, request, name === after?.section ? after.key : undefined);
    }
  }

  private async *ofSection(
    name: ListSection,
    request: ListRequest,
    after: readonly KeyPart[] | undefined,
  ): AsyncGenerator<Candidate> {
    const section = sectionOf(name, request);
    let key = after;
    for (let isMore = true; isMore; ) {
      isMore = false;
      for await (const document of this.range(section, request, key)) {
        const parts = section.order.map((field) => partOf(document, field));
        // It went to another section between the look and the answer, which only a lesser server shows.
        if (!parts.every(isKeyPart)) continue;
        key = parts;
        isMore = true;
        if (isRecord(document)) yield { place: { section: name, key }, record: recordOf(document) };
      }
    }
  }

  /**
   * The next stretch of a section. What comes after a key of several parts is asked for from the last part to the first, each a
   * plain range of the index: same up to this part, and this part beyond.
   */
  private async *range(
    section: Section,
    request: ListRequest,
    key: readonly KeyPart[] | undefined,
  ): AsyncGenerator<JobDocument> {
    const limit = section.isExact ? request.limit + 1 : lookedAtPerPageMax;
    for (let part = key ? section.order.length - 1 : 0; part >= 0; part--) {
      if (key && isFixed(section, part)) continue;
      const documents = await this.find(section, { ...section.filter, ...rangeOf(section, part, key) }, limit);
      yield* documents;
      if (documents.length === limit) return;
    }
  }

  private find(section: Section, filter: Document, limit: number): Promise<JobDocument[]> {
    const sort = Object.fromEntries(section.order.map((field) => [field, section.direction]));
    const query = jobQueries.listed(section.index, filter, sort);
    const projection = section.isExact ? {} : { projection: small };
    return this.connection.attempt('list jobs', () =>
      this.jobs.find(query.filter, { hint: query.index, sort, limit, ...projection }).toArray(),
    );
  }

  /** The records with what was left out while looking for them. */
  private async whole(found: readonly JobRecord[], request: ListRequest): Promise<JobRecord[]> {
    const filter = { _id: { $in: found.map(({ jobId }) => jobId) } };
    const isWhole = listSections.every((name) => !mayHold(name, request) || sectionOf(name, request).isExact);
    if (found.length === 0 || isWhole) return [...found];
    const documents = await this.connection.attempt('list jobs', () => this.jobs.find(filter).toArray());
    const records = new Map(documents.map((document) => [document._id, recordOf(document)]));
    return found.flatMap(({ jobId }) => records.get(jobId) ?? []).filter((record) => fits(record, request));
  }
}

function sectionOf(name: ListSection, { nodeGroup, taskId, states, schedules }: ListRequest): Section {
  const group = nodeGroup === undefined ? anyText : { $eq: nodeGroup };
  const anyTask = taskId === undefined;
  switch (name) {
    case 'executing': {
      const filter = { 'run.session': anyText, 'run.group': group };
      // Sorted by the server: no more run than the workers have threads.
      return { index: 'lts_run', filter, order: ['run.at', '_id'], direction: 1, isExact: anyTask };
    }
    case 'waiting':
    case 'suspended': {
      const order = ['turn.group', 'turn.kind', 'turn.lane', 'turn.priority', 'turn.dueAt', 'turn.jobId'];
      const filter = { 'turn.state': name, 'turn.group': group };
      return { index: 'lts_turn', filter, order, direction: 1, isExact: anyTask };
    }
    case 'schedules': {
      const order = ['schedule.group', 'schedule.jobId'];
      const isExact = anyTask && states === undefined;
      return { index: 'lts_schedule', filter: { 'schedule.group': group }, order, direction: 1, isExact };
    }
    case 'ended': {
      const filter = { 'ended.kind': { $in: endedKinds(states, schedules) } };
      const isExact = anyTask && nodeGroup === undefined;
      return { index: 'lts_ended', filter, order: ['ended.at', 'ended.jobId'], direction: -1, isExact };
    }
  }
}

const endStates: readonly JobState[] = ['succeeded', 'failed', 'cancelled', 'expired', 'skipped'];

/** The kinds under which ended records of these states are found; `schedules` narrows them to schedules or instances. */
export function endedKinds(states: readonly JobState[] = endStates, schedules?: boolean): string[] {
  const wanted = endStates.filter((state) => states.includes(state));
  const ofInstances = schedules === true ? [] : wanted.map((state) => endedKind(state, false));
  const ofSchedules = schedules === false ? [] : wanted.map((state) => endedKind(state, true));
  return [...ofInstances, ...ofSchedules];
}

/** The request names the one value that this part of the order has. */
const isFixed = ({ filter, order }: Section, part: number): boolean =>
  '$eq' in ((filter[order[part] as string] as object | undefined) ?? {});

/** Same as the key before `part`, beyond it there. */
function rangeOf({ order, direction, filter }: Section, part: number, key: readonly KeyPart[] | undefined): Document {
  if (!key) return {};
  const beyond = direction === 1 ? '$gt' : '$lt';
  const same = Object.fromEntries(order.slice(0, part).map((field, i) => [field, { $eq: key[i] }]));
  const field = order[part] as string;
  return { ...same, [field]: { ...(filter[field] as object | undefined), [beyond]: key[part] } };
}

function partOf(document: Document, path: string): unknown {
  return path.split('.').reduce<unknown>((value, field) => (value as Document | undefined)?.[field], document);
}

const cursorOf = ({ section, key }: Place): string => JSON.stringify([section, ...key]);

/** Throws LTS_MESSAGE_INVALID. */
function placeOfCursor(cursor: string): Place {
  try {
    const [section, ...key] = JSON.parse(cursor) as [ListSection, ...KeyPart[]];
    if (listSections.includes(section) && key.length === sectionOf(section, { limit: 1 }).order.length) {
      if (key.every(isKeyPart)) return { section, key };
    }
  } catch {
    // Said below.
  }
  throw new LtsError(
    'LTS_MESSAGE_INVALID',
    `list: the cursor ${cursor} is not one of this store. Begin again without a cursor.`,
  );
}

const isKeyPart = (part: unknown): part is KeyPart => typeof part === 'string' || Number.isFinite(part);
