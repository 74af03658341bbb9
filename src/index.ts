/** The public door: what applications import from 'light-task-scheduler'. */
export { JobClient, type JobClientOptions, type Response } from './boot/job-client.js';
export { JobTracker, type JobTrackerOptions } from './boot/job-tracker.js';
export type { NodeOptions } from './boot/node-options.js';
export type { JobRunnerLike } from './boot/runner-table.js';
export { TaskTracker, type TaskTrackerOptions } from './boot/task-tracker.js';
export { type ErrorCode, errorTable, LtsError } from './errors.js';
export { type BizLogger, JobContext, RunAborted, type RunningJob } from './job/context.js';
export { nextFireAt, preview } from './job/cron/cron.js';
export { type AbortReason, Action, type Job, type JobRecord, type JobState } from './job/job.js';
export { type JobResult, Result } from './job/result.js';
