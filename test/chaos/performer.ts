/** Does the steps of a scenario to a cast, each at its point, and journals what was done. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from './cast/actor.js';
import type { Cast } from './cast/cast.js';
import { type Fault, linesOf, monoMs } from './journal.js';
import { storyOf } from './judge/story.js';
import type { Step } from './steps.js';

const lookEveryMs = 50;
const pointWithinMs = 20_000;
const longMs = 1_000;

export class Performer {
  constructor(private readonly cast: Cast) {}

  async all(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.perform(step);
  }

  private async perform(step: Step): Promise<unknown> {
    const { cast } = this;
    // Shapes differ in their trackers.
    if ('who' in step && step.who !== 'nats' && !cast.actors.has(step.who)) return undefined;
    switch (step.do) {
      case 'wait':
        return sleep(step.ms);
      case 'kill':
        return this.kill(step);
      case 'stop':
        return cast.named(step.who).stop();
      case 'start':
        return this.start(cast.named(step.who));
      case 'freeze':
        return step.who === 'nats' ? cast.freezeNats() : cast.named(step.who).freeze();
      case 'thaw':
        return step.who === 'nats' ? cast.thawNats() : cast.named(step.who).thaw();
      case 'block':
        return cast.named(step.who).block(step.ms);
      case 'twin':
        return this.startTwin(cast.named(step.who));
      case 'submit':
        return cast.named(step.who).tell({ order: 'submit', works: step.works });
      case 'stop-server':
        return cast.stopServer(step.server);
      case 'start-server':
        return cast.startServer(step.server);
      case 'sequence':
        return this.all(step.steps);
      case 'together':
        return Promise.all(step.steps.map((one) => this.perform(one)));
      default:
        return this.touch(step);
    }
  }

  private touch(step: Extract<Step, { link: string }>): void {
    const link = this.cast.link(step.link);
    if (step.do === 'mend') {
      // Before the bytes flow: whoever hears of it at once must not look too early.
      this.healLink(step.link);
      link.mend();
      return;
    }
    this.note('fault', step.do, step.link);
    if (step.do === 'cut') link.cut();
    else if (step.do === 'delay') link.delay(step.ms);
    else if (step.do === 'hold' || step.do === 'swallow') link.set(step.direction, step.do);
    else {
      link.reset();
      this.note('healed', 'reset', step.link);
    }
  }

  private healLink(link: string): void {
    for (const fault of ['cut', 'hold', 'swallow', 'delay'] as const) this.note('healed', fault, link);
  }

  private note(kind: 'fault' | 'healed', fault: Fault, link: string): void {
    this.cast.journal.write({ kind, fault, who: link, life: 0 });
  }

  private async kill({ who, at }: Extract<Step, { do: 'kill' }>): Promise<void> {
    const actor = this.cast.named(who);
    switch (at) {
      case 'run-end':
        return actor.die({ order: 'die-at-run-end' });
      case 'submitting':
        return actor.die({ order: 'die-submitting' });
      case 'running':
        await this.until(() => !actor.isAlive || this.hasLongRun(actor));
        break;
      case 'accepted':
        await Promise.any(this.cast.of('client').map((client) => client.nextAnswer()));
        break;
      case 'idle':
        await this.quiet();
        break;
      case 'answering':
        return this.killAnswering(actor);
      case undefined:
    }
    await actor.kill();
    if (at === 'idle') this.load(this.cast.everyMs);
  }

  /** What it committed is not said any more. */
  private async killAnswering(actor: Actor): Promise<void> {
    this.cast.link(actor.name).set('out', 'hold');
    await sleep(300);
    await actor.kill();
    this.cast.link(actor.name).mend();
  }

  private async start(actor: Actor): Promise<void> {
    const tries = await actor.start();
    this.expect(`${actor.name} starts at once, not at try ${tries}`, tries <= 1 || this.isAnythingDown());
  }

  private async startTwin(actor: Actor): Promise<void> {
    const stood = await actor.startTwin(this.cast.twinOptions(actor));
    this.expect(`a second ${actor.name} is refused`, !stood);
    const refusals = linesOf(this.lines(), 'refused').filter(({ by }) => by === `${actor.name}-twin`);
    this.expect(
      `it is refused as LTS_IDENTITY_IN_USE`,
      refusals.some(({ code }) => code === 'LTS_IDENTITY_IN_USE'),
    );
  }

  /** Servers, trackers and this scenario's neighbour in a pair may be in the way of a start. */
  private isAnythingDown(): boolean {
    const now = monoMs();
    return storyOf(this.lines()).faults.some(
      ({ fault, to }) => fault !== 'reset' && to > now - 15_000 && fault !== 'stop',
    );
  }

  private expect(text: string, holds: boolean): void {
    this.cast.journal.write({ kind: 'expectation', text, holds });
  }

  private hasLongRun(actor: Actor): boolean {
    const now = monoMs();
    const own = this.lines().filter(({ pid }) => pid === actor.pid);
    return storyOf(own).runs.some(({ work, startAt, end }) => !end && work.ms >= longMs && now - startAt < work.ms / 2);
  }

  private async quiet(): Promise<void> {
    this.load(0);
    const isQuiet = () => storyOf(this.lines()).runs.every(({ overAt }) => overAt < Number.POSITIVE_INFINITY);
    await this.until(isQuiet);
  }

  private load(everyMs: number): void {
    for (const client of this.cast.of('client')) client.tell({ order: 'load', everyMs });
  }

  private lines() {
    return this.cast.journals.all();
  }

  /** Other faults may keep a point from being reached; then the step is done all the same. */
  private async until(holds: () => boolean): Promise<void> {
    const untilMono = monoMs() + pointWithinMs;
    while (!holds() && monoMs() < untilMono) await sleep(lookEveryMs);
  }
}
