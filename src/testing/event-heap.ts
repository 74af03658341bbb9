/** What is to happen in virtual time, ordered by (instant, order of planning): a binary heap. */

export interface PlannedEvent {
  readonly at: number;
  readonly sequence: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Two events of one instant run in the order in which they were added, so one seed has one history. */
export class EventHeap {
  private readonly events: PlannedEvent[] = [];
  private sequence = 0;

  add(at: number, run: () => void): PlannedEvent {
    const event: PlannedEvent = { at, sequence: this.sequence++, run, isCancelled: false };
    this.events.push(event);
    this.rise(this.events.length - 1);
    return event;
  }

  /** The instant of the earliest event that was not cancelled. */
  nextAt(): number | undefined {
    while (this.events[0]?.isCancelled) this.removeFirst();
    return this.events[0]?.at;
  }

  /** Removes and answers the earliest event that was not cancelled. */
  take(): PlannedEvent | undefined {
    return this.nextAt() === undefined ? undefined : this.removeFirst();
  }

  private removeFirst(): PlannedEvent | undefined {
    const first = this.events[0];
    const last = this.events.pop();
    if (last && this.events.length > 0) {
      this.events[0] = last;
      this.sink(0);
    }
    return first;
  }

  private rise(from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.isBefore(child, parent)) return;
      this.swap(child, parent);
      child = parent;
    }
  }

  private sink(from: number): void {
    let parent = from;
    for (;;) {
      let first = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.events.length && this.isBefore(child, first)) first = child;
      }
      if (first === parent) return;
      this.swap(parent, first);
      parent = first;
    }
  }

  private isBefore(left: number, right: number): boolean {
    const a = this.events[left] as PlannedEvent;
    const b = this.events[right] as PlannedEvent;
    return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
  }

  private swap(left: number, right: number): void {
    const moved = this.events[left] as PlannedEvent;
    this.events[left] = this.events[right] as PlannedEvent;
    this.events[right] = moved;
  }
}
