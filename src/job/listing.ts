/** Asking for many jobs: a page of records that fit, and how many there are. */
import { isEnded, isSchedule, type JobRecord, type JobState } from './job.js';

export interface ListRequest {
  readonly states?: readonly JobState[] | undefined;
  readonly nodeGroup?: string | undefined;
  readonly taskId?: string | undefined;
  /** `true`: schedules only; `false`: instances only. */
  readonly schedules?: boolean | undefined;
  /** Opaque; from the previous page. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface ListPage {
  readonly records: readonly JobRecord[];
  /** Absent on the last page. A page may be short, even empty, and still have a next one. */
  readonly cursor?: string | undefined;
}

/** Number of records by node group and state; schedules are counted apart under the group's `schedules`. */
export type Counts = Record<string, Partial<Record<JobState | 'schedules', number>>>;

/** The order of a list: executing, waiting and suspended instances, open schedules, ended records. */
export const listSections = ['executing', 'waiting', 'suspended', 'schedules', 'ended'] as const;
export type ListSection = (typeof listSections)[number];

/** Whether a section can hold anything that the request asks for. */
export function mayHold(section: ListSection, { states, schedules }: ListRequest): boolean {
  if (section === 'schedules' && schedules === false) return false;
  if (section !== 'schedules' && section !== 'ended' && schedules === true) return false;
  if (!states) return true;
  const ofSection = (state: JobState): boolean => {
    if (section === 'ended') return isEnded(state);
    return section === 'schedules' ? !isEnded(state) : state === section;
  };
  return states.some(ofSection);
}

/** Whether a record is what the request asks for. */
export function fits(record: JobRecord, request: ListRequest): boolean {
  if (request.states && !request.states.includes(record.status.state)) return false;
  if (request.nodeGroup !== undefined && request.nodeGroup !== record.body.nodeGroup) return false;
  if (request.taskId !== undefined && request.taskId !== record.body.taskId) return false;
  return request.schedules === undefined || request.schedules === isSchedule(record);
}
