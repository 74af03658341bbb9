/** The users: what they submit, change their minds about and ask for, and how they go on when an answer stays out. */

import { LtsError } from '../../src/errors.js';
import type { Job, JobRecord } from '../../src/job/job.js';
import type { SubmittedTrigger } from '../../src/protocol/messages.js';
import type { SeededChance } from '../../src/testing/seeded-chance.js';
import type { Behaviour, Script } from './handlers.js';
import { type DeedKind, deedKinds, type JobKind, jobKinds } from './swarm.js';
import type { World } from './world.js';

const doneAnswers = new Set(['accepted', 'duplicate', 'replaced', 'rejected', 'stored-locally']);

const sharedCrons = ['* * * * * ?', '*/5 * * * * ?', '0/10 * * * * ?'] as const;

/** A submission that its user has by heart, to send it again. */
interface Known {
  readonly jobId: string;
  readonly job: Job;
}

export class Workload {
  private readonly chance: SeededChance;
  private readonly known: Known[] = [];
  private isOver = false;
  private schedules = 0;
  private made = 0;

  constructor(private readonly world: World) {
    this.chance = world.chance.split('workload');
  }

  start(): void {
    for (const client of this.world.clients) this.next(client.name);
  }

  /** No new deeds; submissions without an answer are still repeated. */
  stop(): void {
    this.isOver = true;
  }

  /** Ends what would go on for ever: cancels schedules and resumes what is suspended. */
  closeDown(open: readonly JobRecord[]): void {
    for (const { jobId, body, status } of open) {
      const known = { jobId, job: {} };
      const client = this.chance.pick(this.world.clients).name;
      if (body.rule) this.control(client, 'cancel', known);
      else if (status.state === 'suspended') this.control(client, 'resume', known);
    }
  }

  private next(client: string): void {
    const gapMs = -Math.log(1 - this.chance.next()) * this.world.plan.deedEveryMs;
    this.world.time.schedule(gapMs, () => {
      if (this.isOver) return;
      this.act(client);
      this.next(client);
    });
  }

  private act(client: string): void {
    const deed = this.drawn(deedKinds, this.world.plan.deeds);
    if (deed === 'submit') return this.submitNew(client, this.oneShot());
    if (deed === 'schedule') {
      if (this.schedules++ < this.world.plan.schedulesMax) this.submitNew(client, this.periodic());
      return;
    }
    if (this.known.length === 0) return;
    // The newest are the likeliest to be in the middle of something.
    const back = Math.floor(this.chance.next() ** 2 * this.known.length);
    const known = this.known[this.known.length - 1 - back] as Known;
    if (deed === 'resubmit') return this.submit(client, known);
    this.control(client, deed, known);
  }

  private submitNew(client: string, job: Job): void {
    const jobId = `J${String(++this.made).padStart(4, '0')}`;
    const known = {
      jobId,
      job: { ...job, jobId, needFeedback: this.chance.isLucky(this.world.plan.needFeedbackRate) },
    };
    this.known.push(known);
    this.world.ledger.count('submitted');
    this.submit(client, known);
  }

  /** Repeats the same submission until its outcome is known, from whichever client is up. */
  private submit(client: string, known: Known): void {
    const user = this.world.users.get(client);
    const again = () => {
      const other = this.chance.pick(this.world.clients).name;
      this.world.time.schedule(this.chance.between(100, 4_000), () => this.submit(other, known));
    };
    if (!user) return again();
    const life = this.world.clients.find(({ name }) => name === client)?.life;
    life?.onEnd(again);
    this.world.note(client, `submits ${known.jobId} ${describe(known.job)}`);
    const at = this.world.time.nowMs;
    user.submit(known.job).then(
      (answer) => {
        if (!life?.isAlive) return;
        life.offEnd(again);
        this.world.note(client, `submit of ${known.jobId}: ${answer.code} ${answer.jobId}`);
        this.world.ledger.count(`answers-${answer.code}`);
        this.world.checker.submitAnswered(known.job, { ...answer, askedAt: at });
        if (!doneAnswers.has(answer.code)) again();
      },
      (error: unknown) => {
        if (!life?.isAlive) return;
        life.offEnd(again);
        this.world.note(client, `submit of ${known.jobId} failed: ${String(error)}`);
        again();
      },
    );
  }

  private control(client: string, deed: Exclude<DeedKind, 'submit' | 'schedule' | 'resubmit'>, known: Known): void {
    const user = this.world.users.get(client);
    if (!user) return;
    const life = this.world.clients.find(({ name }) => name === client)?.life;
    this.world.note(client, `${deed} ${known.jobId}`);
    const call = {
      cancel: () => user.cancel(known.jobId),
      suspend: () => user.suspend(known.jobId),
      resume: () => user.resume(known.jobId),
      trigger: () => user.trigger(known.jobId, `R${++this.made}`),
      edit: () => user.edit(known.jobId, this.edit(known.job)),
      get: () => user.get(known.jobId),
    }[deed];
    const askedAt = this.world.time.nowMs;
    call().then(
      (answer) => {
        if (!life?.isAlive) return;
        this.world.ledger.count(`deeds-${deed}`);
        this.world.note(client, `${deed} of ${known.jobId}: ${answer.receipt ?? answer.job?.status.state ?? 'none'}`);
        this.world.checker.controlAnswered(deed, { jobId: known.jobId, askedAt, client, ...answer });
      },
      (error: unknown) => {
        if (!life?.isAlive) return;
        if (!LtsError.is(error))
          this.world.ledger.violate('answers', `${deed} of ${known.jobId} failed without a code: ${String(error)}`);
        this.world.note(client, `${deed} of ${known.jobId} failed: ${String(error)}`);
      },
    );
  }

  private edit(job: Job): { priority?: number; trigger?: SubmittedTrigger } {
    const isPeriodic = job.cron !== undefined || job.repeat !== undefined || job.fixedDelay !== undefined;
    if (!isPeriodic || this.chance.isLucky(0.4)) return { priority: this.chance.whole(1, 200) };
    return {
      trigger: { kind: 'repeat', intervalMs: this.chance.pick([2_000, 7_000]), count: this.chance.pick([-1, 3]) },
    };
  }

  private oneShot(): Job {
    const kind = this.drawn(jobKinds, this.world.plan.jobs);
    const nodeGroup = this.chance.pick(this.world.plan.workers).nodeGroup;
    const retryInterval = this.chance.pick([500, 3_000, 15_000]);
    return { nodeGroup, retryInterval, ...this.shape(kind) };
  }

  private shape(kind: JobKind): Job {
    const { chance } = this;
    const taskId = `task${chance.whole(1, 4)}`;
    const trackerWall = this.world.wallMs();
    switch (kind) {
      case 'plain':
        return { params: script(this.run('success')) };
      case 'delayed':
        return chance.isLucky(0.5)
          ? { params: script(this.run('success')), delay: chance.whole(1, 20_000) }
          : { params: script(this.run('success')), triggerTime: trackerWall + chance.whole(-5_000, 20_000) };
      case 'keyed':
        return { taskId, params: script(this.run('success')), delay: chance.pick([0, 0, 3_000]) };
      case 'retrying':
        return {
          params: script(
            this.run(chance.pick(['later', 'exception'])),
            this.run(chance.pick(['later', 'exception', 'success'])),
            this.run('success'),
          ),
          maxRetryTimes: chance.whole(0, 3),
        };
      case 'failing':
        return { params: script(this.run('failed')) };
      case 'slow':
        return {
          params: script(
            { does: 'success', takesMs: chance.whole(1_000, 45_000), heedsAbort: chance.isLucky(0.7) },
            this.run('success'),
          ),
          ...(chance.isLucky(0.5) ? { timeout: chance.whole(500, 5_000), maxRetryTimes: 1 } : {}),
        };
      case 'poison':
        return chance.isLucky(0.5)
          ? { params: script(this.run('poison')) }
          : { params: script(this.run('poison'), this.run('poison'), this.run('success')) };
      case 'expiring':
        return {
          params: script(this.run('success')),
          delay: chance.pick([0, 2_000]),
          expireAt: trackerWall + chance.whole(1, 8_000),
        };
      case 'replacing':
        return {
          taskId,
          params: script(this.run('success')),
          delay: chance.pick([0, 3_000, 15_000]),
          replaceOnExist: true,
        };
    }
  }

  private periodic(): Job {
    const { chance } = this;
    const nodeGroup = chance.pick(this.world.plan.workers).nodeGroup;
    const mostly = this.run(chance.pick(['success', 'success', 'later', 'failed']));
    const how: Job = {
      nodeGroup,
      retryInterval: chance.pick([500, 5_000]),
      maxRetryTimes: 2,
      relyOnPrevCycle: chance.isLucky(0.5),
      misfire: chance.pick(['fire-once', 'skip', 'fire-all']),
      params: script(mostly, this.run('success')),
      ...(chance.isLucky(0.6) ? { taskId: `schedule${chance.whole(1, 2)}`, replaceOnExist: chance.isLucky(0.4) } : {}),
    };
    switch (chance.whole(0, 2)) {
      case 0:
        return {
          ...how,
          cron: chance.pick(this.world.isShared ? sharedCrons : ['*/5 * * * * ?', '0/10 * * * * ?']),
          timeZone: 'UTC',
        };
      case 1:
        return { ...how, repeat: { interval: chance.pick([1_000, 4_000, 15_000]), count: chance.pick([-1, 1, 5]) } };
      default:
        return { ...how, relyOnPrevCycle: true, fixedDelay: chance.pick([1_000, 6_000]) };
    }
  }

  private run(does: Behaviour['does']): Behaviour {
    return { does, takesMs: this.chance.pick([0, 5, 200, 3_000]), heedsAbort: this.chance.isLucky(0.8) };
  }

  private drawn<Kind extends string>(kinds: readonly Kind[], weights: Readonly<Record<Kind, number>>): Kind {
    let at = this.chance.next() * kinds.reduce((sum, kind) => sum + weights[kind], 0);
    for (const kind of kinds) {
      at -= weights[kind];
      if (at < 0) return kind;
    }
    return kinds[0] as Kind;
  }
}

const script = (...runs: Behaviour[]): Script => ({ runs });

function describe(job: Job): string {
  const { jobId: _, ...rest } = job;
  return JSON.stringify(rest);
}
