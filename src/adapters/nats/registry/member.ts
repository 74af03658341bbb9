/** A node that joined here: its entry and its candidacy, kept alive by one loop until it leaves. */
import type { NodeInfo } from '../../../ports/registry.js';
import { inTime } from '../in-time.js';
import type { NatsConnection } from '../nats-connection.js';
import type { Candidate } from './candidate.js';
import type { NodeRecord } from './node-record.js';

export interface MemberParts {
  readonly connection: NatsConnection;
  readonly beatMs: number;
  /** Called once if another node took the identity. */
  readonly taken: () => void;
}

/** How long a leaving node waits for the server. */
const leaveWithinMs = 2_000;
/** Members of a group that lost its master do not all stand in the same instant. */
const standWithinMs = 300;

export class Member {
  private readonly over = new AbortController();
  private waking = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private isUnanswered = false;
  /** When the server last took the node's renewal. */
  renewedMono = Number.NEGATIVE_INFINITY;

  constructor(
    readonly record: NodeRecord,
    readonly candidate: Candidate,
    private readonly parts: MemberParts,
  ) {}

  begin(): void {
    this.renewedMono = this.clock.monoMs();
    this.loop = this.live();
  }

  /** Says something new of the node, in its entry and in its lease. Throws when the registry does not answer. */
  async say(node: NodeInfo): Promise<void> {
    this.record.say(node);
    this.candidate.say(node);
    await Promise.all([this.beat(), this.candidate.step()]);
  }

  /** Acts now instead of at its next turn. */
  wake(): void {
    this.waking.abort(this);
  }

  /** Ends the loop and takes entry and lease out; gives up after two seconds or without a connection: they expire by themselves. */
  async leave(): Promise<void> {
    this.end();
    if (!this.parts.connection.isUp()) return;
    await inTime(this.clock, leaveWithinMs, this.loop);
    await inTime(this.clock, leaveWithinMs, Promise.all([this.candidate.resign(), this.record.remove()]));
  }

  /** Ends the loop and leaves everything as it is. */
  end(): void {
    this.over.abort(this);
    this.waking.abort(this);
  }

  private get clock() {
    return this.parts.connection.parts.clock;
  }

  private async live(): Promise<void> {
    while (!this.over.signal.aborted) {
      this.waking = new AbortController();
      await this.clock.sleep(this.nextWaitMs(), this.waking.signal);
      if (this.over.signal.aborted || !this.parts.connection.isUp()) continue;
      // The others of the group are woken by the same event.
      if (this.candidate.isVacant) await this.clock.sleep(this.draw(standWithinMs), this.over.signal);
      const outcomes = await Promise.allSettled([this.beat(), this.candidate.step()]);
      this.report(outcomes.find((outcome) => outcome.status === 'rejected')?.reason);
    }
  }

  private nextWaitMs(): number {
    const { beatMs } = this.parts;
    return this.candidate.isVacant ? this.draw(beatMs) : beatMs * 0.9 + this.draw(beatMs * 0.1);
  }

  private draw(ms: number): number {
    return this.parts.connection.parts.chance.next() * ms;
  }

  private async beat(): Promise<void> {
    if ((await this.record.renew()) === 'renewed') {
      this.renewedMono = this.clock.monoMs();
      return;
    }
    this.end();
    this.parts.taken();
  }

  /** Says once that the registry does not answer, and once that it does again. */
  private report(error: unknown): void {
    const { connection } = this.parts;
    const { identity } = this.record.node;
    const isUnanswered = error !== undefined;
    // Of a lost connection its own line tells.
    if (this.over.signal.aborted || !connection.isUp() || isUnanswered === this.isUnanswered) return;
    this.isUnanswered = isUnanswered;
    const { log } = connection.parts;
    if (isUnanswered) log.warn({ error, identity }, 'the registry did not answer; it is tried again until it does');
    else log.info({ identity }, 'the registry answers again');
  }
}
