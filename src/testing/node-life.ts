/**
 * One life of one simulated process, from its start to its end.
 *
 *   running -> frozen -> running    SIGSTOP and SIGCONT: everything that reaches it waits, and time goes on without it
 *   running, frozen -> ended        crash or exit: its timers never fire, its awaits never return
 */
import type { PlannedEvent } from './event-heap.js';
import type { Scheduler } from './virtual-time.js';

const always = { isCancelled: false };

/** An event on its way into the node. */
interface Visit {
  readonly event: Pick<PlannedEvent, 'isCancelled'>;
  readonly run: () => void;
}

export class NodeLife implements Scheduler {
  private state: 'running' | 'frozen' | 'ended' = 'running';
  private held: Visit[] = [];
  private readonly endListeners = new Set<() => void>();

  constructor(
    private readonly world: Scheduler,
    /** Identity and number of the life, for traces. */
    readonly name: string,
  ) {}

  get nowMs(): number {
    return this.world.nowMs;
  }

  get isAlive(): boolean {
    return this.state !== 'ended';
  }

  get isFrozen(): boolean {
    return this.state === 'frozen';
  }

  schedule(delayMs: number, run: () => void): PlannedEvent {
    const event = this.world.schedule(delayMs, () => this.enter({ event, run }));
    return event;
  }

  /** Something reaches the node from outside: now, or when it is awake again. */
  receive(run: () => void): void {
    this.enter({ event: always, run });
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  /** Everything held is brought in again, in the order in which it came. */
  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    const held = this.held;
    this.held = [];
    for (const visit of held) this.world.schedule(0, () => this.enter(visit));
  }

  /** The process is gone, in the middle of whatever it did. */
  end(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.held = [];
    for (const listener of this.endListeners) listener();
  }

  onEnd(listener: () => void): void {
    this.endListeners.add(listener);
  }

  offEnd(listener: () => void): void {
    this.endListeners.delete(listener);
  }

  private enter(visit: Visit): void {
    if (this.state === 'ended' || visit.event.isCancelled) return;
    if (this.state === 'frozen') this.held.push(visit);
    else visit.run();
  }
}
