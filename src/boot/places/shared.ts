/** What several nodes of one process use together, found by a key: the first to come opens it, the last to go closes it. */

interface Use<Thing> {
  readonly thing: Promise<Thing>;
  users: number;
}

export class Shared<Thing extends { close(): Promise<void> }> {
  private readonly uses = new Map<string, Use<Thing>>();
  /** What is being closed: whoever comes waits until it is free. */
  private readonly closing = new Map<string, Promise<void>>();

  /** Throws what `open` throws. Each `enter` that resolves needs its `leave`. */
  async enter(key: string, open: () => Promise<Thing>): Promise<Thing> {
    while (this.closing.has(key)) await this.closing.get(key);
    const use = this.uses.get(key) ?? { thing: open(), users: 0 };
    this.uses.set(key, use);
    use.users++;
    try {
      return await use.thing;
    } catch (error) {
      if (this.uses.get(key) === use) this.uses.delete(key);
      throw error;
    }
  }

  async leave(key: string): Promise<void> {
    const use = this.uses.get(key);
    if (!use || --use.users > 0) return;
    this.uses.delete(key);
    const closed = use.thing.then((thing) => thing.close());
    const free = () => void this.closing.delete(key);
    this.closing.set(key, closed.then(free, free));
    await closed;
  }
}
