/** A node that joined here: its entry and its candidacy, kept alive by one loop until it leaves. */
import { LtsError } from '../../../errors.js';
import { Outage } from '../../../kit/outage.js';
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

/** Members of a group that lost its master do not all stand in the same instant. */
const standWithinMs = 300;

export class Member {
  private readonly over = new AbortController();
  private waking = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private readonly outage: Outage;
  /** When the server last took the node's renewal. */
  renewedMono = Number.NEGATIVE_INFINITY;

  constructor(
    readonly record: NodeRecord,
    readonly candidate: Candidate,
    private readonly parts: MemberParts,
  ) {
    const { clock, log } = parts.connection.parts;
    const away = (why: string) =>
      `${why}. It is tried again all the time; who is there and who is master may be out of date`;
    this.outage = new Outage({ clock, log, quietMs: 0, away, back: 'the registry answers again' });
  }

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
    const { connection } = this.parts;
    await inTime(this.clock, connection.goodbyeMs, this.loop);
    await inTime(this.clock, connection.goodbyeMs, Promise.all([this.candidate.resign(), this.record.remove()]));
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
      this.heed(await Promise.allSettled([this.beat(), this.candidate.step()]));
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

  /** While the connection is down, that is what is told. */
  private heed(ends: readonly PromiseSettledResult<void>[]): void {
    const failed = ends.find((end) => end.status === 'rejected');
    if (!failed) return this.outage.over();
    const error: unknown = failed.reason;
    const { connection } = this.parts;
    if (this.over.signal.aborted || !connection.isUp()) return;
    if (LtsError.is(error)) this.outage.met(error.message);
    else connection.parts.log.error({ error, identity: this.record.node.identity }, 'this node could not be renewed');
  }
}
