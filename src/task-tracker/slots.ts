/**
 * How many runs fit. Slots are running, promised (in open pulls and in reports under way), or free; running + promised never
 * exceed `workThreads`, so a tracker can never send more than the node may run.
 */
export class Slots {
  private running = 0;
  private promised = 0;

  constructor(private readonly workThreads: number) {}

  get free(): number {
    return Math.max(0, this.workThreads - this.running - this.promised);
  }

  promise(slots: number): void {
    this.promised += slots;
  }

  takeBack(slots: number): void {
    this.promised -= slots;
  }

  start(): void {
    this.running++;
  }

  end(): void {
    this.running--;
  }
}
