/**
 * The JobClient: submits jobs and hears what became of them.
 *
 *   SUBMIT (submit.ts) -> accept ... settle -> FEEDBACK (hear.ts: onComplete)       FOLLOW (follow.ts) waits for one job
 */

import { answering, ask } from '../cluster/ask.js';
import { Malformed } from '../cluster/malformed.js';
import { LtsError } from '../errors.js';
import type { Job } from '../job/job.js';
import type { Subscription } from '../ports/transport.js';
import type { BodyOf, MessageKind, ReplyOf } from '../protocol/messages.js';
import { subjectsOf } from '../protocol/subjects.js';
import type { ClientParts, ClientPorts, ClientSettings } from './client-ports.js';
import { Follow, type FollowOptions, type JobEvent } from './follow.js';
import { Hear } from './hear.js';
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
  private readonly hearStep: Hear;
  private subscription: Subscription | undefined;
  private isStarted = false;

  constructor(ports: ClientPorts, settings: ClientSettings) {
    this.parts = { ports, settings: withDefaults(settings), subjects: subjectsOf(settings.cluster) };
    this.submitStep = new Submit(this.parts);
    this.followStep = new Follow(this.parts);
    this.hearStep = new Hear(this.parts);
  }

  async start(): Promise<void> {
    const { onComplete, nodeGroup } = this.parts.settings;
    await this.submitStep.start();
    this.isStarted = true;
    if (!onComplete) return;
    const subject = this.parts.subjects.feedback(nodeGroup);
    this.subscription = this.parts.ports.transport.subscribe(
      subject,
      answering({ JobsFinished: (body) => this.hearStep.hear(body) }, 'JobClient', new Malformed(this.parts.ports)),
      { queue: nodeGroup },
    );
  }

  /** Over by the deadline (default 25,000 ms), but for what the FailStore on this machine takes. */
  async stop(deadlineMs = 25_000): Promise<void> {
    const { clock } = this.parts.ports;
    const endMono = clock.monoMs() + deadlineMs;
    this.isStarted = false;
    this.followStep.stop();
    await this.submitStep.stop(deadlineMs);
    await this.subscription?.close();
    await this.hearStep.stop(endMono - clock.monoMs());
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
}

function withDefaults(settings: ClientSettings): Required<ClientSettings> {
  return { defaultNodeGroup: 'lts', useRetryClient: true, submitWithinMs: 5_000, onComplete: undefined, ...settings };
}
