/** Starting and stopping that may be called at any time, in any number: concurrent starts are one start. */
export class OnceStarted<Running> {
  private starting: Promise<Running> | undefined;
  private running: Running | undefined;
  private stopping: Promise<unknown> = Promise.resolve();
  private interruption = new AbortController();

  /** What runs now. */
  get now(): Running | undefined {
    return this.running;
  }

  /** A start that fails leaves nothing behind and may be tried again. A stop that comes meanwhile aborts the signal. */
  async start(open: (interruption: AbortSignal) => Promise<Running>): Promise<void> {
    this.starting ??= this.stopping.then(this.opening(open));
    const { starting } = this;
    try {
      const running = await starting;
      if (this.starting === starting) this.running = running;
    } catch (error) {
      if (this.starting === starting) this.starting = undefined;
      throw error;
    }
  }

  private opening(open: (interruption: AbortSignal) => Promise<Running>): () => Promise<Running> {
    this.interruption = new AbortController();
    const { signal } = this.interruption;
    return () => open(signal);
  }

  private async take(): Promise<Running | undefined> {
    const { starting } = this;
    this.interruption.abort(this);
    this.starting = undefined;
    this.running = undefined;
    return starting?.catch(() => undefined);
  }

  /** Closes what runs; a start or another stop that comes meanwhile waits for it. */
  async stop<Report>(close: (running: Running) => Promise<Report>): Promise<Report | undefined> {
    const earlier = this.stopping;
    const closing = this.take().then((running) => (running === undefined ? undefined : close(running)));
    this.stopping = Promise.allSettled([earlier, closing]);
    await earlier;
    return closing;
  }
}
