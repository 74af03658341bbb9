/**
 * The JobClient: submits jobs and hears what became of them.
 *
 *   SUBMIT (submit.ts) -> accept ... settle -> FEEDBACK (here: onComplete)          FOLLOW (follow.ts) waits for one job
 */

import { answering, ask } from '../cluster/ask.js';
import { Malformed } from '../cluster/malformed.js';
import { LtsError } from '../errors.js';
import type { Job } from '../job/job.js';
import type { JobResult } from '../job/result.js';
import type { Subscription } from '../ports/transport.js';
import type { BodyOf, FinishedJob, MessageKind, ReplyOf } from '../protocol/messages.js';
import { subjectsOf } from '../protocol/subjects.js';
import type { ClientParts, ClientPorts, ClientSettings } from './client-ports.js';
import { Follow, type FollowOptions, type JobEvent } from './follow.js';
import { Submit, type SubmitOptions, type SubmitOutcome } from './submit.js';

/** Questions to a tracker that the client passes on as they are. */
export type ClientQuestion = Extract<
  MessageKind,
  | 'CancelJob'
  | 'SuspendJob'
  | 'ResumeJob'
  | 'TriggerJob'
  | 'EditJob'
  | 'GetJob'
  | 'ListJobs'
  | 'CountJobs'
  | 'ReadLog'
  | 'ExplainJob'
>;

const answerWithinMs = 5_000;

export class JobClientRole {
  private readonly parts: ClientParts;
  private readonly submitStep: Submit;
  private readonly followStep: Follow;
  private subscription: Subscription | undefined;
  private isStarted = false;

  constructor(ports: ClientPorts, settings: ClientSettings) {
    this.parts = { ports, settings: withDefaults(settings), subjects: subjectsOf(settings.cluster) };
    this.submitStep = new Submit(this.parts);
    this.followStep = new Follow(this.parts);
  }

  async start(): Promise<void> {
    const { onComplete, nodeGroup } = this.parts.settings;
    await this.submitStep.start();
    this.isStarted = true;
    if (!onComplete) return;
    const subject = this.parts.subjects.feedback(nodeGroup);
    this.subscription = this.parts.ports.transport.subscribe(
      subject,
      answering({ JobsFinished: (body) => this.complete(body) }, 'JobClient', new Malformed(this.parts.ports)),
      { queue: nodeGroup },
    );
  }

  async stop(): Promise<void> {
    this.isStarted = false;
    this.followStep.stop();
    await this.submitStep.stop();
    await this.subscription?.close();
  }

  /** Settles with the answer's code; see submit.ts. Throws only LTS_NOT_STARTED. */
  submit(job: Job, options?: SubmitOptions): Promise<SubmitOutcome> {
    this.checkStarted();
    return this.submitStep.submit(job, options);
  }

  result(jobId: string, options?: FollowOptions): Promise<unknown> {
    this.checkStarted();
    return this.followStep.result(jobId, options);
  }

  events(jobId: string, options?: FollowOptions): AsyncGenerator<JobEvent, void, void> {
    this.checkStarted();
    return this.followStep.events(jobId, options);
  }

  /** Throws LTS_NO_TRACKER, LTS_TIMEOUT, LTS_ABORTED, or what the tracker answers: LTS_JOB_NOT_FOUND, LTS_STATE_CONFLICT, LTS_JOB_INVALID. */
  async ask<K extends ClientQuestion>(kind: K, body: BodyOf<K>, signal?: AbortSignal): Promise<ReplyOf<K>> {
    this.checkStarted();
    if (kind === 'CancelJob') await this.submitStep.sendKeptOf(body as BodyOf<'CancelJob'>);
    const to = { subject: this.parts.subjects.tracker, deadlineMs: answerWithinMs, signal };
    return ask(this.parts.ports.transport, to, { kind, body });
  }

  private checkStarted(): void {
    if (!this.isStarted)
      throw new LtsError('LTS_NOT_STARTED', 'The JobClient is not running. Call start() first and await it.');
  }

  /** Acknowledged whatever the handler does: what it throws is its own affair, as in LTS, and is logged. */
  private async complete({ results }: BodyOf<'JobsFinished'>): Promise<ReplyOf<'JobsFinished'>> {
    try {
      await this.parts.settings.onComplete?.(results.map((result) => this.resultOf(result)));
    } catch (error) {
      this.parts.ports.log.error(
        { jobs: results.length, error },
        'the completed handler failed; the results count as delivered',
      );
    }
    return {};
  }

  private resultOf({ result, ...rest }: FinishedJob): JobResult {
    return { ...rest, value: result === undefined ? undefined : this.valueOf(rest.jobId, result) };
  }

  /** What a worker in another language sent as a value may be no JSON; its neighbours reach the handler all the same. */
  private valueOf(jobId: string, result: string): unknown {
    try {
      return this.parts.ports.codec.decode(result);
    } catch (error) {
      this.parts.ports.log.warn(
        { jobId, error },
        'the value of an ended job cannot be read and is left out of its feedback',
      );
      return undefined;
    }
  }
}

function withDefaults(settings: ClientSettings): Required<ClientSettings> {
  return { defaultNodeGroup: 'lts', useRetryClient: true, submitWithinMs: 5_000, onComplete: undefined, ...settings };
}
