/**
 * A whole cluster in memory and in virtual time: the real JobTracker, TaskTrackers and JobClient, on a simulated network with
 * faults on request. Time stands still unless somebody waits for something in the cluster; then it runs from event to event, so that
 * minutes pass in milliseconds.
 */
import type { Beans } from '../../boot/beans/beans.js';
import type { JobClient } from '../../boot/job-client.js';
import { clearApplicationClient } from '../../boot/submitting/application-client.js';
import { JobHandle } from '../../boot/submitting/job-handle.js';
import { isContract, targetOf } from '../../boot/submitting/target.js';
import { LtsError } from '../../errors.js';
import { isEnded, isSchedule, type Job, type JobRecord } from '../../job/job.js';
import type { JobLogLine } from '../../job/log-line.js';
import type { JobResult } from '../../job/result.js';
import type { JobClientRole } from '../../job-client/job-client.js';
import type { JobTrackerRole } from '../../job-tracker/job-tracker.js';
import { type Duration, durationMs } from '../../kit/duration.js';
import type { Clock } from '../../ports/clock.js';
import type { TaskTrackerRole } from '../../task-tracker/task-tracker.js';
import { type JobViews, stuckText, TestJob } from './test-job.js';
import type { TestNode } from './test-node.js';
import type { TestSubmit } from './test-submit.js';
import type { World } from './world.js';

export interface ClusterParts {
  readonly world: World;
  readonly beans: Beans;
  readonly tracker: TestNode<JobTrackerRole>;
  readonly workers: readonly TestNode<TaskTrackerRole>[];
  readonly groups: readonly string[];
  readonly client: TestNode<JobClientRole>;
  readonly jobClient: JobClient;
  readonly clock: Clock;
  readonly feedback: readonly JobResult[];
}

/** Lines on their way to the store arrive within this time while the network is calm. */
const logLagMs = 100;
const linesMax = 1_000;
/** About a second of real time, so that a test runner's own limit does not come first. */
const withinDefault = '6h';

export class TestCluster {
  /** Submissions that no JobTracker had yet when they were answered. */
  private readonly kept = new Set<string>();
  private stopping: Promise<void> | undefined;
  private readonly views: JobViews;

  constructor(private readonly parts: ClusterParts) {
    this.views = this.makeViews();
  }

  /**
   * As JobClient's typed submit: `submit(Orders, 'sync', params, options?)`, `submit(SpringBean, params, options?)`,
   * `submit(contract, params, options?)`; or a plain Job. Throws as that does, and LTS_RUNNER_UNKNOWN when no TaskTracker of the
   * job's group has its processor.
   */
  readonly submit: TestSubmit = async (...list: unknown[]): Promise<never> => {
    const [first] = list;
    const isPlain = typeof first === 'object' && first !== null && !isContract(first);
    const handle = isPlain ? await this.submitPlain(first) : await this.submitTyped(list);
    if (handle.code === 'stored-locally') this.kept.add(handle.jobId);
    return new TestJob(handle, this.views) as never;
  };

  /** The JobTracker: `kill()`, `start()`, `restart()`, `stop()`. */
  get tracker(): TestNode {
    return this.parts.tracker;
  }

  /** The TaskTrackers: `kill()`, `start()`, `restart()`, `stop()`. */
  get workers(): readonly TestNode[] {
    return this.parts.workers;
  }

  /** The client that services get injected. Time passes while its answers are waited for. */
  get jobClient(): JobClient {
    return this.parts.jobClient;
  }

  /** What completed handlers were told, in that order; the newest 10,000. */
  get feedback(): readonly JobResult[] {
    return this.parts.feedback;
  }

  /** What the wall clocks show, in ms since 1970. */
  now(): number {
    return this.parts.clock.wallMs();
  }

  /** Every job that is stored, in the order of acceptance: jobs, schedules and the jobs of their slots. */
  jobs(): TestJob[] {
    return this.parts.world.jobs.all().map((record) => this.jobOf(record));
  }

  /** Lets time pass: `'5m'`, `200`. What is due at the last instant has happened. */
  async advance(duration: Duration): Promise<void> {
    const { time, keeper } = this.parts.world;
    await keeper.pass(() => false, time.nowMs + durationMs(duration, 'duration'));
  }

  /** Time passes until the condition holds. Throws LTS_TIMEOUT after `within` of virtual time, 6 hours by default. */
  until(condition: () => boolean, within: Duration = withinDefault): Promise<void> {
    return this.passUntil(condition, within, () => 'the condition');
  }

  /**
   * Time passes until nothing is left to do: no job runs, is due or waits for its time or its retry, and all feedback is given.
   * Suspended jobs and slots of schedules that are still to come do not count. Throws LTS_TIMEOUT after `within`, 6 hours by default.
   */
  runUntilIdle(within: Duration = withinDefault): Promise<void> {
    return this.passUntil(
      () => this.isIdle(),
      within,
      () => `an idle cluster${this.busyText()}`,
    );
  }

  /** One text for the history so far: equal for equal seeds, options and tests. */
  digest(): string {
    return this.parts.world.trace.digest();
  }

  /**
   * Stops all nodes in order, within 25 s of virtual time, without faults; the second call waits for the first. A cluster that is not
   * stopped keeps no process alive, but its running handlers are never told to stop.
   */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private submitTyped(list: readonly unknown[]): Promise<JobHandle> {
    const { contract, rest } = targetOf(list);
    const options = rest[1] as Job | undefined;
    this.checkKnown(contract.processor, options?.nodeGroup ?? contract.defaults.nodeGroup);
    return (this.parts.jobClient.submit as (...list: readonly unknown[]) => Promise<JobHandle>)(...list);
  }

  private async submitPlain(job: Job): Promise<JobHandle> {
    this.checkKnown(job.processor, job.nodeGroup);
    const { jobClient } = this.parts;
    const [submitted] = await jobClient.submitDrafts([{ job }]);
    if (!submitted) throw new LtsError('LTS_INTERNAL', 'A submit was not answered.');
    if (submitted.failure) throw submitted.failure;
    return new JobHandle(jobClient, submitted);
  }

  private checkKnown(processor: string | undefined, nodeGroup = this.parts.groups[0] ?? 'lts'): void {
    const { workers, groups, beans } = this.parts;
    if (workers.length === 0) return;
    if (!groups.includes(nodeGroup)) {
      const text = `The job goes to node group ${nodeGroup}, but the TaskTrackers of this test cluster are of ${groups.join(', ')}.`;
      throw new LtsError('LTS_RUNNER_UNKNOWN', `${text} Name it in testCluster({ nodeGroup }).`);
    }
    const runners = beans.forGroup(nodeGroup);
    if (runners.find(processor)) return;
    const known = runners.ids().map(({ id }) => id);
    const text =
      processor === undefined
        ? 'The job names no processor, and there is no jobRunner'
        : `No processor is named ${processor}`;
    throw new LtsError(
      'LTS_RUNNER_UNKNOWN',
      `${text} in node group ${nodeGroup} of this test cluster. Known: ${known.join(', ') || '(none)'}.`,
    );
  }

  private async passUntil(isMet: () => boolean, within: Duration, what: () => string): Promise<void> {
    const { time, keeper, runs } = this.parts.world;
    if (await keeper.pass(isMet, time.nowMs + durationMs(within, 'within'))) return;
    throw new LtsError(
      'LTS_TIMEOUT',
      `Waiting for ${what()}: it did not come within ${within} of virtual time.${stuckText(runs.stuck())}`,
    );
  }

  private isIdle(): boolean {
    return this.busy().length === 0 && [...this.kept].every((jobId) => this.parts.world.jobs.get(jobId));
  }

  private busy(): JobRecord[] {
    const now = this.now();
    return this.parts.world.jobs.all().filter((record) => isBusy(record, now));
  }

  private busyText(): string {
    const busy = this.busy().map((record) => this.jobOf(record).text());
    return busy.length === 0 ? '' : `, but for ${busy.slice(0, 5).join('; ')}${busy.length > 5 ? '; …' : ''}`;
  }

  private makeViews(): JobViews {
    const { world, workers } = this.parts;
    return {
      recordOf: (jobId) => world.jobs.get(jobId),
      workerOf: ({ status }) => workers.find(({ name }) => status.session?.startsWith(`${name}-`)),
      instancesOf: (scheduleId) => this.instancesOf(scheduleId),
      linesOf: (jobId) => this.linesOf(jobId),
      until: (isMet, within, what) => this.passUntil(isMet, within, what),
      stuck: () => world.runs.stuck(),
    };
  }

  private instancesOf(scheduleId: string): TestJob[] {
    const slotAt = ({ body }: JobRecord) => body.origin?.slot.at ?? 0;
    const records = this.parts.world.jobs.all().filter(({ body }) => body.origin?.scheduleId === scheduleId);
    return records.sort((a, b) => slotAt(a) - slotAt(b)).map((record) => this.jobOf(record));
  }

  private async linesOf(jobId: string): Promise<JobLogLine[]> {
    await this.advance(logLagMs);
    return (await this.parts.world.logger.read(jobId, { limit: linesMax })).lines;
  }

  private jobOf({ jobId, body }: JobRecord): TestJob {
    const response = { success: true, code: 'accepted', jobId, taskId: body.taskId, failedJobs: [] } as const;
    return new TestJob(new JobHandle(this.parts.jobClient, { response }), this.views);
  }

  private async stopAll(): Promise<void> {
    const { world, beans, tracker, client, workers, jobClient } = this.parts;
    clearApplicationClient(jobClient);
    world.calm();
    try {
      await Promise.all(workers.map((worker) => worker.stop()));
      await client.stop();
      await tracker.stop();
    } finally {
      for (const node of [...workers, client, tracker]) node.kill();
      world.keeper.close(new LtsError('LTS_NOT_STARTED', 'The test cluster was stopped; its time stands still.'));
      await beans.close();
    }
  }
}

/** Something is still to happen to the job without anybody's doing. */
function isBusy(record: JobRecord, now: number): boolean {
  const { status, body } = record;
  if (status.feedbackAt !== undefined) return true;
  if (isSchedule(record) || isEnded(status.state) || status.state === 'suspended') return false;
  const isSlotToCome = body.origin !== undefined && status.attempt === 0 && (status.dueAt ?? 0) > now;
  return !isSlotToCome;
}
