/** Jobs as people read them: a line in a list, a page of its own, a line of its log. */
import type { JobRecord, JobState, PeriodicTrigger } from '../../job/job.js';
import type { JobLogLine, LogLevel } from '../../job/log-line.js';
import type { Paint, Style } from '../output.js';
import { whenOf } from './job-view.js';
import { type Cell, fields, table } from './table.js';
import { lengthText, timeText } from './time-text.js';

export const stateStyles: Record<JobState, Style> = {
  waiting: 'yellow',
  executing: 'cyan',
  suspended: 'magenta',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'dim',
  expired: 'red',
  skipped: 'dim',
};

const head = ['JOB', 'TASK', 'GROUP', 'PROCESSOR', 'STATE', 'WHEN', 'RUNS'];

export function jobsTable(records: readonly JobRecord[], paint: Paint): string {
  return table(head, records.map(rowOf), paint);
}

function rowOf(record: JobRecord): Cell[] {
  const { jobId, body, status } = record;
  const when = whenOf(record);
  return [
    { text: jobId },
    { text: body.taskId ?? '-' },
    { text: body.nodeGroup },
    { text: body.processor ?? '-' },
    { text: stateText(record), style: stateStyles[status.state] },
    { text: when ? `${when.word} ${timeText(when.at)}` : '-' },
    { text: String(status.attempt) },
  ];
}

const stateText = ({ status }: JobRecord): string =>
  status.reason && status.reason !== status.state ? `${status.state} (${status.reason})` : status.state;

export function jobPage(record: JobRecord, paint: Paint): string {
  const { jobId, body, status } = record;
  const at = (instant: number | undefined) => (instant === undefined ? undefined : timeText(instant));
  const retries = `${status.attempt} (retries ${status.retryTimes} of ${body.retry.maxRetryTimes}, losses ${status.losses})`;
  return fields(
    [
      ['Job', jobId],
      ['Task', body.taskId],
      ['Group', body.nodeGroup],
      ['Processor', body.processor],
      ['State', paint(stateStyles[status.state], stateText(record))],
      ['Message', status.message],
      ['Result', status.result],
      ['Params', body.params],
      ['Priority', String(body.priority)],
      ['Trigger', body.rule && triggerText(body.rule.trigger)],
      ['Schedule', body.origin?.scheduleId],
      ['Submitted', at(body.submittedAt)],
      ['Next', at(status.slot?.at)],
      ['Due', status.state === 'waiting' && !body.rule ? at(status.dueAt) : undefined],
      ['Claimed', at(status.claimedAt)],
      ['On', status.session],
      ['Cancel asked', at(status.cancelAskedAt)],
      ['Ended', at(status.endedAt)],
      ['Runs', body.rule ? undefined : retries],
    ],
    paint,
  );
}

function triggerText(trigger: PeriodicTrigger): string {
  if (trigger.kind === 'cron') return `cron ${trigger.expression} (${trigger.timeZone})`;
  if (trigger.kind === 'fixed-delay') return `${lengthText(trigger.delayMs)} after each run`;
  const times = trigger.count === -1 ? 'without end' : `${trigger.count} times`;
  return `every ${lengthText(trigger.intervalMs)}, ${times}`;
}

const levelStyles: Record<LogLevel, Style> = { DEBUG: 'dim', INFO: 'green', WARN: 'yellow', ERROR: 'red' };

export function logLineText({ at, level, type, text }: JobLogLine, paint: Paint): string {
  const from = type === 'biz' ? '' : `[${type}] `;
  return `${paint('dim', timeText(at, { isExact: true }))} ${paint(levelStyles[level], level.padEnd(5))} ${from}${text}`;
}
