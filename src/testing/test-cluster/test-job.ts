/** A job of a test cluster: its handle, and what is stored of it, to be looked at without time passing. */
import type { JobHandle } from '../../boot/submitting/job-handle.js';
import { LtsError } from '../../errors.js';
import { type FailReason, isSchedule, type JobRecord, type JobState } from '../../job/job.js';
import type { JobLogLine } from '../../job/log-line.js';
import type { FollowOptions, JobEvent } from '../../job-client/follow.js';
import type { Duration } from '../../kit/duration.js';
import type { ControlAnswer, Explanation } from '../../protocol/messages.js';
import type { TaskTrackerRole } from '../../task-tracker/task-tracker.js';
import type { TestNode } from './test-node.js';

/** What a TestJob asks its cluster. */
export interface JobViews {
  recordOf(jobId: string): JobRecord | undefined;
  workerOf(record: JobRecord): TestNode<TaskTrackerRole> | undefined;
  instancesOf(jobId: string): TestJob[];
  linesOf(jobId: string): Promise<JobLogLine[]>;
  /** Throws LTS_TIMEOUT, naming `what`. */
  until(isMet: () => boolean, within: Duration, what: () => string): Promise<void>;
  /** Handlers that wait for what never came. */
  stuck(): readonly string[];
}

const resultWithin = '6h';

export class TestJob<Value = unknown> {
  constructor(
    private readonly handle: JobHandle<Value>,
    private readonly views: JobViews,
  ) {}

  get jobId(): string {
    return this.handle.jobId;
  }

  get taskId(): string | undefined {
    return this.record?.body.taskId ?? this.handle.taskId;
  }

  /** What the submit was answered: `accepted`, `duplicate`, `replaced`, `stored-locally`. */
  get code(): JobHandle['code'] {
    return this.handle.code;
  }

  /** As stored now; undefined before a JobTracker has it, and once retention removed it. */
  get record(): JobRecord | undefined {
    return this.views.recordOf(this.jobId);
  }

  /** `not-stored`: no JobTracker has it yet. */
  state(): JobState | 'not-stored' {
    return this.record?.status.state ?? 'not-stored';
  }

  /** Why it failed. */
  get reason(): FailReason | undefined {
    return this.record?.status.reason;
  }

  /** Of the last run. */
  get message(): string | undefined {
    return this.record?.status.message;
  }

  /** Runs so far, retries and losses included. */
  get attempts(): number {
    return this.record?.status.attempt ?? 0;
  }

  /** The worker that runs it now. */
  get worker(): TestNode<TaskTrackerRole> | undefined {
    return this.record && this.views.workerOf(this.record);
  }

  /** The jobs of a periodic job's slots, in the order of their slots. */
  instances(): TestJob[] {
    return this.views.instancesOf(this.jobId);
  }

  /**
   * The value once the job succeeded; time passes meanwhile, up to `timeout` of virtual time, 6 hours by default. Throws
   * LTS_JOB_FAILED, LTS_TIMEOUT, LTS_ABORTED; LTS_STATE_CONFLICT for a periodic job, which has no value of its own.
   */
  async result({ timeout = resultWithin, signal }: FollowOptions = {}): Promise<Value> {
    this.checkOneShot();
    try {
      return await this.handle.result({ timeout, signal });
    } catch (error) {
      if (LtsError.is(error, 'LTS_TIMEOUT')) throw this.tooLate(error);
      throw error;
    }
  }

  /** Time passes until the job has ended, however it ended; answers its state. Throws LTS_TIMEOUT after `within`, 6 hours by default. */
  async ended(within: Duration = resultWithin): Promise<JobState> {
    await this.views.until(
      () => this.record?.status.endedAt !== undefined,
      within,
      () => `the end of ${this.text()}`,
    );
    return (this.record as JobRecord).status.state;
  }

  /** Time passes while the next event is waited for. */
  events(options: FollowOptions = {}): AsyncGenerator<JobEvent, void, void> {
    return this.handle.events({ timeout: resultWithin, ...options });
  }

  /** The newest 1,000 lines of its story, its runners' own among them. A moment passes, so that lines on their way arrive. */
  log(): Promise<JobLogLine[]> {
    return this.views.linesOf(this.jobId);
  }

  cancel(): Promise<ControlAnswer> {
    return this.handle.cancel();
  }

  explain(): Promise<Explanation> {
    return this.handle.explain();
  }

  /** For messages: `job 01K… (springBean): executing, attempt 2`. */
  text(): string {
    const processor = this.record?.body.processor;
    return `job ${this.jobId}${processor === undefined ? '' : ` (${processor})`}: ${this.state()}, attempt ${this.attempts}`;
  }

  private checkOneShot(): void {
    if (!this.record || !isSchedule(this.record)) return;
    throw new LtsError(
      'LTS_STATE_CONFLICT',
      `${this.text()} is periodic and has no result of its own. Ask one of its instances().`,
    );
  }

  private tooLate(cause: LtsError): LtsError {
    return new LtsError('LTS_TIMEOUT', `${this.text()}. ${cause.message}${stuckText(this.views.stuck())}`, { cause });
  }
}

/** Names the handlers that time did not wait for any longer. */
export function stuckText(stuck: readonly string[]): string {
  if (stuck.length === 0) return '';
  return ` Handlers that have not come back: ${stuck.slice(0, 5).join('; ')}. They await something that virtual time does not bring; when it is real work that takes long, raise realWait.`;
}
