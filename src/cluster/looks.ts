/** Looks at the registry whenever it has changed: one at a time, and one more after whatever number of changes came meanwhile. */
export class Looks {
  private isLooking = false;
  private isStale = false;

  constructor(
    private readonly look: () => Promise<void>,
    /** Told of a look that failed; the next change brings the next one. */
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Resolves when what there is now was looked at, or at once if a look is under way, which is then repeated. */
  async again(): Promise<void> {
    this.isStale = true;
    if (this.isLooking) return;
    this.isLooking = true;
    while (this.isStale) {
      this.isStale = false;
      await this.look().catch(this.onFailure);
    }
    this.isLooking = false;
  }
}
