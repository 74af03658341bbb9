/** The public door: what applications import from 'light-task-scheduler'. */

export type { ApplicationOptions } from './boot/application/application-options.js';
export type { Health, NodeHealth } from './boot/application/health.js';
export { type AppStopReport, LtsApplication } from './boot/application/lts-application.js';
export type { Roles } from './boot/application/roles.js';
export type { Bean } from './boot/beans/bean-names.js';
export { LtsLoggerFactory } from './boot/beans/lts-logger-factory.js';
export type { JobRunnerLike } from './boot/beans/run-steps.js';
export { defineExtension, type Extension, type ExtensionPlace } from './boot/extensions.js';
export { JobClient, JobClient as RetryJobClient, type JobClientOptions } from './boot/job-client.js';
export { JobTracker, type JobTrackerOptions } from './boot/job-tracker.js';
export type { GiveUpListener, MasterChangeListener, NodeOptions } from './boot/node-options.js';
export { JobHandle } from './boot/submitting/job-handle.js';
export { LtsJobClient } from './boot/submitting/lts-job-client.js';
export type { Response } from './boot/submitting/response.js';
export type { SubmitAndWaitOptions, TypedSubmitOptions } from './boot/submitting/submit-types.js';
export { TaskTracker, type TaskTrackerOptions } from './boot/task-tracker.js';
export {
  type DefineProcessorOptions,
  defineProcessor,
  type ProcessorDefinition,
} from './decorators/define-processor.js';
export {
  EnableJobClient,
  type EnableJobClientOptions,
  EnableJobTracker,
  type EnableJobTrackerOptions,
  EnableTaskTracker,
  type EnableTaskTrackerOptions,
} from './decorators/enable.js';
export { JobHandler, type JobHandlerOptions } from './decorators/job-handler.js';
export { JobRunner } from './decorators/job-runner.js';
export {
  JobCompletedHandler,
  MasterNodeListener,
  type MasterNodeListenerOptions,
  NodeChangeListener,
  type NodeChangeListenerOptions,
} from './decorators/listeners.js';
export { Nested } from './decorators/nested.js';
export { Processor, type ProcessorOptions } from './decorators/processor.js';
export { RunInterceptor } from './decorators/run-interceptor.js';
export { type ErrorCode, errorTable, LtsError } from './errors.js';
export { type BizLogger, JobContext, RunAborted, type RunningJob } from './job/context.js';
export { defineJob, type JobContract, type JobOptions, type StandardSchema } from './job/contract.js';
export { nextFireAt, preview } from './job/cron/cron.js';
export { type AbortReason, Action, type Job, type JobRecord, type JobState } from './job/job.js';
export type { JobLogLine, LogLevel } from './job/log-line.js';
export { type JobResult, Result } from './job/result.js';
export { Chance } from './ports/chance.js';
export { Clock } from './ports/clock.js';
export { Codec } from './ports/codec.js';
export type { FailEntry, FailStore } from './ports/fail-store.js';
export { Ids } from './ports/ids.js';
export type { JobLogger } from './ports/job-logger.js';
export type { AddOutcome, Change, ClaimOutcome, ClaimRequest, JobQueue, PurgeRequest } from './ports/job-queue.js';
export { Log } from './ports/log.js';
export type { OldData, OldDataHandler, OldDataVerdict } from './ports/old-data.js';
export type { NodeInfo, NodeType } from './ports/registry.js';
export { Schemas } from './ports/schemas.js';
