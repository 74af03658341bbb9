/**
 * Every query of the job queue beside those by `_id`, with the one index that it uses. The queue asks nothing else, and names the
 * index with each query; a test reads from the server that the index serves it.
 */
import type { Filter, Sort } from 'mongodb';
import type { IndexSpec } from '../indexes.js';
import type { JobDocument, LaneKind } from './job-document.js';

const sparse = (...fields: string[]): IndexSpec => ({
  key: Object.fromEntries(fields.map((field) => [field, 1 as const])),
  options: { sparse: true },
});

export const jobIndexes = {
  lts_keys: { key: { keys: 1 }, options: { unique: true } },
  lts_turn: sparse('turn.state', 'turn.group', 'turn.kind', 'turn.lane', 'turn.priority', 'turn.dueAt', 'turn.jobId'),
  lts_due: sparse('turn.state', 'turn.group', 'turn.dueAt'),
  lts_run: sparse('run.session', 'run.at', 'run.group'),
  lts_schedule: sparse('schedule.group', 'schedule.jobId'),
  lts_fire: sparse('fire.at', 'fire.jobId'),
  lts_owed: sparse('owed.group', 'owed.at', 'owed.jobId'),
  lts_ended: sparse('ended.kind', 'ended.at', 'ended.jobId', 'ended.group'),
} as const satisfies Record<string, IndexSpec>;

export interface JobQuery {
  readonly index: keyof typeof jobIndexes;
  readonly filter: Filter<JobDocument>;
  readonly sort?: Sort | undefined;
}

/** Text of any value; also what makes a query on a sparse index ask for nothing outside it. */
export const anyText = { $gte: '' } as const;

const waiting = (group: string) => ({ 'turn.state': 'waiting', 'turn.group': { $eq: group } }) as const;

export const jobQueries = {
  byKeys: (keys: readonly string[]): JobQuery => ({ index: 'lts_keys', filter: { keys: { $in: [...keys] } } }),

  /** Due instances of a group in claim order: of one lane, or of all. The server seeks from lane to lane and priority to priority. */
  due: (group: string, kind: LaneKind, { now, lane }: { now: number; lane?: string | undefined }): JobQuery => ({
    index: 'lts_turn',
    filter: {
      ...waiting(group),
      'turn.kind': kind,
      'turn.lane': lane === undefined ? anyText : { $eq: lane },
      'turn.dueAt': { $lte: now },
    },
    sort: { 'turn.lane': 1, 'turn.priority': 1, 'turn.dueAt': 1, 'turn.jobId': 1 },
  }),

  /** For `distinct('turn.lane')`. */
  lanes: (group: string): JobQuery => ({
    index: 'lts_turn',
    filter: { ...waiting(group), 'turn.kind': 0, 'turn.lane': anyText },
  }),

  anyDue: (group: string, now: number): JobQuery => ({
    index: 'lts_due',
    filter: { ...waiting(group), 'turn.dueAt': { $lte: now } },
  }),

  nextDue: (group: string, after: number): JobQuery => ({
    index: 'lts_due',
    filter: { ...waiting(group), 'turn.dueAt': { $gt: after } },
    sort: { 'turn.dueAt': 1 },
  }),

  /** For `distinct('run.session')`. */
  sessions: (): JobQuery => ({ index: 'lts_run', filter: { 'run.session': anyText } }),

  runsOf: (session: string): JobQuery => ({ index: 'lts_run', filter: { 'run.session': { $eq: session } } }),

  dueSchedules: (now: number): JobQuery => ({
    index: 'lts_fire',
    filter: { 'fire.at': { $lte: now } },
    sort: { 'fire.at': 1, 'fire.jobId': 1 },
  }),

  nextSchedule: (after: number): JobQuery => ({
    index: 'lts_fire',
    filter: { 'fire.at': { $gt: after } },
    sort: { 'fire.at': 1, 'fire.jobId': 1 },
  }),

  /** For `distinct('owed.group')`. */
  owedGroups: (): JobQuery => ({ index: 'lts_owed', filter: { 'owed.group': anyText } }),

  owedFeedback: (group: string, until: number): JobQuery => ({
    index: 'lts_owed',
    filter: { 'owed.group': { $eq: group }, 'owed.at': { $lte: until } },
    sort: { 'owed.at': 1, 'owed.jobId': 1 },
  }),

  /** Oldest first, merged from the few kinds. */
  endedUntil: (kinds: readonly string[], until: number): JobQuery => ({
    index: 'lts_ended',
    filter: { 'ended.kind': { $in: [...kinds] }, 'ended.at': { $lte: until } },
    sort: { 'ended.at': 1, 'ended.jobId': 1 },
  }),

  /** For counting: entries of the index alone. */
  allTurns: (): JobQuery => ({ index: 'lts_turn', filter: { 'turn.state': anyText } }),
  allSchedules: (): JobQuery => ({ index: 'lts_schedule', filter: { 'schedule.group': anyText } }),
  allEnded: (): JobQuery => ({ index: 'lts_ended', filter: { 'ended.kind': anyText } }),

  /** One range of a page; see `job-list.ts`. */
  listed: (index: JobQuery['index'], filter: Filter<JobDocument>, sort: Sort): JobQuery => ({ index, filter, sort }),
} as const;
