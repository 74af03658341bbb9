/** What happens to a job that is followed, beside its log lines. */
import type { JobEvent } from '../../job-client/follow.js';

export function newsText(event: Exclude<JobEvent, { kind: 'log' }>): string {
  if (event.kind === 'progress') return `${event.percent} %${event.text ? ` ${event.text}` : ''}`;
  const { state, reason, attempt } = event.job.status;
  return `${event.job.jobId} ${state}${reason ? ` (${reason})` : ''}${state === 'executing' ? `, run ${attempt}` : ''}`;
}
