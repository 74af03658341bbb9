/**
 * An application: the nodes that a class asks for, its processors, its settings, from start to stop.
 *
 *   settings -> log -> processors and services -> JobTracker -> JobClient -> TaskTrackers -> health -> ready
 *
 * Start is all or nothing. Stop goes the other way round, within one deadline.
 */
import type { Container } from 'inversify';
import { within } from '../../cluster/within.js';
import { LtsError } from '../../errors.js';
import type { Class } from '../../job/contract.js';
import type { JobClient } from '../job-client.js';
import { clearApplicationClient, setApplicationClient } from '../submitting/application-client.js';
import { clock } from '../system-ports.js';
import type { ApplicationOptions } from './application-options.js';
import { type AppState, type Health, healthOf } from './health.js';
import { HealthServer } from './health-server.js';
import { type AppNode, type AppParts, openParts } from './parts.js';
import type { Roles } from './roles.js';
import { Signals } from './signals.js';

/** What became of the runs that were under way at stop. */
export interface AppStopReport {
  readonly finished: number;
  /** Not started here; another node runs them. */
  readonly handedBack: number;
  /** Did not return in time; they are run again. */
  readonly abandoned: number;
}

/** Room for what follows the TaskTrackers: the client's last submissions, the store. */
const closingMs = (deadlineMs: number): number => Math.min(2_000, deadlineMs / 4);

export class LtsApplication {
  private state: AppState = 'starts';
  private readonly signals: Signals;
  private readonly healthServer: HealthServer | undefined;
  private stopping: Promise<AppStopReport> | undefined;
  private healthPortInUse: number | undefined;
  private why: string | undefined;

  private constructor(
    private readonly parts: AppParts,
    private readonly options: ApplicationOptions,
  ) {
    const { health } = parts.settings;
    this.signals = new Signals(() => this.stop(), parts.log);
    this.healthServer = health && new HealthServer(health, () => this.health());
  }

  /**
   * Starts what the decorators of `application` (or the roles themselves) ask for and answers the running application; it runs
   * until `stop()`, SIGTERM or SIGINT, or until one of its nodes cannot go on: then it stops, and the process ends with code 1 so that
   * a supervisor starts it again (not with `handleSignals: false`: then only its health says so). Throws LTS_CONFIG_INVALID, LTS_PROCESSOR_INVALID, LTS_DATA_PATH_IN_USE,
   * LTS_STORE_CORRUPT or LTS_STORE_FAILED; then nothing is left running, and a process that does not catch it ends with code 1.
   */
  static async run(application: Class | Roles, options: ApplicationOptions = {}): Promise<LtsApplication> {
    let app: LtsApplication | undefined;
    const parts = await openParts(application, options, (why) => app?.giveUp(why));
    app = new LtsApplication(parts, options);
    await app.start();
    return app;
  }

  /** The container that the processors come from. */
  get container(): Container {
    return this.parts.beans.container;
  }

  /** Throws LTS_CONFIG_INVALID in an application without `@EnableJobClient()`. */
  get jobClient(): JobClient {
    if (this.parts.jobClient) return this.parts.jobClient;
    throw new LtsError('LTS_CONFIG_INVALID', 'This application has no JobClient. Add @EnableJobClient() to its class.');
  }

  /** The port that `/health/live` and `/health/ready` are served on. */
  get healthPort(): number | undefined {
    return this.healthPortInUse;
  }

  health(): Health {
    const nodes = this.parts.nodes.map(({ type, nodeGroup, node }) => ({ type, nodeGroup, isRunning: node.isRunning }));
    return healthOf(this.state, nodes, this.why);
  }

  /**
   * Finishes what runs, hands back the rest, and stops every node. Always settles within the deadline (default
   * `lts.stop-deadline`, 25 s) and a moment; the first call counts.
   */
  stop(deadlineMs: number = this.parts.settings.stopDeadlineMs): Promise<AppStopReport> {
    this.stopping ??= this.stopAll(deadlineMs);
    return this.stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** An application without one of its nodes does half of its work and looks alive. */
  private giveUp(why: string): void {
    if (this.stopping) return;
    this.why = why;
    this.parts.log.error({}, `the application stops, since one of its nodes cannot go on: ${why}`);
    // Who runs it still waits for its start, and hears of it there.
    const isEndOfProcess = this.state === 'runs' && this.handlesSignals;
    void (isEndOfProcess ? this.signals.fail() : this.stop().catch(() => {}));
  }

  private get handlesSignals(): boolean {
    return this.options.handleSignals ?? true;
  }

  private async start(): Promise<void> {
    const { log, nodes, jobClient, settings } = this.parts;
    if (this.handlesSignals) this.signals.listen();
    try {
      for (const { node } of nodes) await this.startNode(node);
      this.healthPortInUse = await this.healthServer?.start();
      this.checkGoesOn();
    } catch (error) {
      await this.stop().catch((second: unknown) => log.error({ error: second }, 'after a failed start'));
      // It may have begun to listen after the stop.
      await this.healthServer?.stop();
      throw error;
    }
    this.state = 'runs';
    if (jobClient) setApplicationClient(jobClient);
    const names = nodes.map(({ type, nodeGroup }) => (nodeGroup === undefined ? type : `${type} ${nodeGroup}`));
    log.info({ nodes: names, dataPath: settings.dataPath, healthPort: this.healthPortInUse }, 'the application runs');
  }

  private async startNode(node: AppNode['node']): Promise<void> {
    await node.start();
    this.checkGoesOn();
  }

  private checkGoesOn(): void {
    if (!this.stopping) return;
    const why = this.why === undefined ? '' : ` One of its nodes cannot go on: ${this.why}`;
    throw new LtsError('LTS_ABORTED', `The application was stopped while it started.${why}`);
  }

  /** The user's own clean-up may neither hold the stop up nor spoil its report. */
  private async closeBeans(ms: number): Promise<void> {
    const { beans, log } = this.parts;
    try {
      if (await within(clock, ms, beans.close())) return;
      log.warn({ ms }, 'the clean-up of the processors (@preDestroy) did not end in time and is left alone');
    } catch (error) {
      log.error({ error }, 'the clean-up of the processors (@preDestroy) failed');
    }
  }

  private async stopAll(deadlineMs: number): Promise<AppStopReport> {
    const endMono = clock.monoMs() + deadlineMs;
    const { nodes, jobClient, log } = this.parts;
    this.state = 'drains';
    const report = { finished: 0, handedBack: 0, abandoned: 0 };
    try {
      for (const group of stopOrder(nodes)) {
        const leftMs = Math.max(0, endMono - clock.monoMs());
        const ends = await Promise.allSettled(group.map((one) => stopNode(one, leftMs, closingMs(deadlineMs))));
        for (const end of ends) note(end, report, log);
      }
    } finally {
      this.state = 'stopped';
      if (jobClient) clearApplicationClient(jobClient);
      await this.healthServer?.stop();
      await this.closeBeans(closingMs(deadlineMs));
      this.signals.ignore();
    }
    log.info(report, 'the application stopped');
    return report;
  }
}

/** Those that run jobs first, all at once; the tracker, to which they report, last. */
function stopOrder(nodes: readonly AppNode[]): AppNode[][] {
  const types = ['TASK_TRACKER', 'JOB_CLIENT', 'JOB_TRACKER'] as const;
  return types.map((type) => nodes.filter((node) => node.type === type));
}

/** Which part of the closing time is left to those that stop after it. */
const followingShare = { TASK_TRACKER: 1, JOB_CLIENT: 0.5, JOB_TRACKER: 0 } as const;

/** Each ends in time for what follows it. */
function stopNode({ type, node }: AppNode, leftMs: number, closing: number): Promise<unknown> {
  return node.stop(Math.max(0, leftMs - closing * followingShare[type]));
}

function note(
  end: PromiseSettledResult<unknown>,
  report: { -readonly [Field in keyof AppStopReport]: number },
  log: AppParts['log'],
): void {
  if (end.status === 'rejected') return log.error({ error: end.reason }, 'a node could not stop in order');
  const told = end.value as AppStopReport | undefined;
  if (!told) return;
  report.finished += told.finished;
  report.handedBack += told.handedBack;
  report.abandoned += told.abandoned;
}
