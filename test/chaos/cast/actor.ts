/** One node of the cast: a process that is killed, frozen and started again under the same name, behind a proxy of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Deferred } from '../../../src/kit/deferred.js';
import type { Fault, Journal } from '../journal.js';
import type { NodePlan, Order, Role } from './node.js';
import type { LinkProxy } from './proxy.js';

export interface ActorParts {
  readonly name: string;
  readonly role: Role;
  /** The compiled program of a node. */
  readonly program: string;
  /** Journals and logs. */
  readonly folder: string;
  readonly journal: Journal;
  /** Its way to NATS. */
  readonly link: LinkProxy;
  readonly options: object;
  /** Clients: the pause between submits at its start. */
  readonly everyMs: () => number;
}

const startsMax = 20;
const againAfterMs = 500;

export class Actor {
  private child: ChildProcess | undefined;
  private gone = new Deferred<void>();
  private answered = new Deferred<void>();
  private lives = 0;
  /** Set by a kill or stop; ended by the next start. */
  private ended: Fault | undefined;
  private lastPid = 0;
  private isRetired = false;

  constructor(readonly parts: ActorParts) {}

  get name(): string {
    return this.parts.name;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.child !== undefined;
  }

  /** Starts it, as a supervisor would: again and again until it stands. Answers how many starts it took; 0 if it lived. */
  async start(): Promise<number> {
    if (this.isAlive) return 0;
    for (let tries = 1; tries <= startsMax && !this.isRetired; tries++) {
      if (await this.spawn(this.name, this.parts.options)) {
        this.noteStarted();
        return tries;
      }
      await new Promise((resolve) => setTimeout(resolve, againAfterMs));
    }
    throw new Error(`${this.name} did not start in ${startsMax} tries; its log says why`);
  }

  /** A second process with the same identity; true if it stood, in which case it is killed. */
  async startTwin(options: object): Promise<boolean> {
    const twin = new Actor({ ...this.parts, name: `${this.name}-twin`, options });
    const stood = await twin.spawn(twin.name, options);
    await twin.kill();
    return stood;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.end('kill', 'SIGKILL');
  }

  /** It is killed, and nobody starts it again. */
  async retire(): Promise<void> {
    this.isRetired = true;
    await this.kill();
  }

  /** SIGTERM: it stops in order. */
  async stop(): Promise<void> {
    await this.end('stop', 'SIGTERM');
  }

  freeze(): void {
    this.signal('freeze', 'SIGSTOP');
  }

  thaw(): void {
    if (!this.isAlive) return;
    this.note('healed', 'freeze');
    process.kill(this.pid, 'SIGCONT');
  }

  /** Its event loop stands still for so long. */
  async block(ms: number): Promise<void> {
    const life = this.pid;
    if (!this.isAlive) return;
    this.note('fault', 'block');
    this.tell({ order: 'block', ms });
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (this.pid === life) this.note('healed', 'block');
  }

  /** Nothing happens to a dead one. */
  tell(order: Order): void {
    if (this.child?.connected) this.child.send(order);
  }

  /** It kills itself at the point that the order names. */
  async die(order: Order): Promise<void> {
    if (!this.isAlive) return;
    this.ended = 'kill';
    this.note('fault', 'kill');
    this.tell(order);
    await this.gone.promise;
  }

  /** Resolves with its next answer to a submit, or with its end. */
  nextAnswer(): Promise<void> {
    return this.isAlive ? this.answered.promise : Promise.resolve();
  }

  private async end(fault: 'kill' | 'stop', signal: NodeJS.Signals): Promise<void> {
    if (!this.isAlive) return;
    this.ended = fault;
    this.signal(fault, signal);
    await this.gone.promise;
  }

  private signal(fault: Fault, signal: NodeJS.Signals): void {
    if (!this.isAlive) return;
    this.note('fault', fault);
    process.kill(this.pid, signal);
  }

  private note(kind: 'fault' | 'healed', fault: Fault, life = this.pid): void {
    this.parts.journal.write({ kind, fault, who: this.name, life });
  }

  /** The next life ends the time without it. */
  private noteStarted(): void {
    if (this.ended) this.note('healed', this.ended, this.lastPid);
    this.ended = undefined;
  }

  /** True when it stands, false when it ended before. */
  private spawn(by: string, options: object): Promise<boolean> {
    const { role, program, folder, journal, everyMs } = this.parts;
    const plan: NodePlan = { role, by, life: ++this.lives, journal: folder, options, everyMs: everyMs() };
    const log = openSync(join(folder, `${by}.log`), 'a');
    const child = spawn(process.execPath, [program, JSON.stringify(plan)], { stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    this.child = child;
    this.gone = new Deferred();
    this.answered = new Deferred();
    const { gone } = this;
    const stood = new Deferred<boolean>();
    const killNow = () => child.kill('SIGKILL');
    process.on('exit', killNow);
    child.on('message', (message) => (message === 'ready' ? stood.resolve(true) : this.noteAnswer()));
    // An order to a process that was just killed.
    child.on('error', () => {});
    child.on('exit', (code, signal) => {
      process.off('exit', killNow);
      journal.write({ kind: 'exit', who: by, life: child.pid ?? 0, how: signal ?? `code ${code}` });
      this.lastPid = child.pid ?? 0;
      this.child = undefined;
      stood.resolve(false);
      gone.resolve();
      this.noteAnswer();
    });
    return stood.promise;
  }

  private noteAnswer(): void {
    const { answered } = this;
    this.answered = new Deferred();
    answered.resolve();
  }
}
