/** Starting and stopping that may be called at any time, in any number: concurrent starts are one start. */
export class OnceStarted<Running> {
  private starting: Promise<Running> | undefined;
  private running: Running | undefined;

  /** What runs now. */
  get now(): Running | undefined {
    return this.running;
  }

  /** A start that fails leaves nothing behind and may be tried again. */
  async start(open: () => Promise<Running>): Promise<void> {
    this.starting ??= open();
    const { starting } = this;
    try {
      const running = await starting;
      if (this.starting === starting) this.running = running;
    } catch (error) {
      if (this.starting === starting) this.starting = undefined;
      throw error;
    }
  }

  /** Hands out what runs, once, to whoever stops it. */
  async take(): Promise<Running | undefined> {
    const { starting } = this;
    this.starting = undefined;
    this.running = undefined;
    return starting?.catch(() => undefined);
  }
}
