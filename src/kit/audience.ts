/** Listeners who are told after a change, in its order, never inside the call that made it. */
export class Audience<Change> {
  private readonly listeners = new Set<(change: Change) => void>();

  /** The answer ends the listening. */
  add(listener: (change: Change) => void): () => void {
    // A wrapper of its own, so that the same function may listen twice and each answer ends its own listening.
    const listening = (change: Change) => listener(change);
    this.listeners.add(listening);
    return () => void this.listeners.delete(listening);
  }

  tell(change: Change): void {
    for (const listener of this.listeners)
      queueMicrotask(() => {
        if (this.listeners.has(listener)) listener(change);
      });
  }
}
