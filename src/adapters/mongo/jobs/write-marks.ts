/** Names for writes: each unique, so that one found in a document proves whose write it was. */
export class WriteMarks {
  private count = 0;
  private readonly base: string;

  /** `random` distinguishes this process from all others. */
  constructor(random: string) {
    this.base = random.slice(0, 12);
  }

  next(): string {
    return `${this.base}.${(this.count++).toString(36)}`;
  }
}
