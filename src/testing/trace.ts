/** What happened in a run, as one number that must come out the same for the same seed, and as text when it is wanted. */
import { hashText } from './seeded-chance.js';
import type { Scheduler } from './virtual-time.js';

export class Trace {
  private hash = 0x811c9dc5;
  private lines = 0;

  constructor(
    private readonly world: Scheduler,
    private readonly print?: (line: string) => void,
  ) {}

  note(who: string, what: string): void {
    const line = `${this.world.nowMs.toFixed(3).padStart(12)} ${who.padEnd(14)} ${what}`;
    this.hash = hashText(line, this.hash);
    this.lines++;
    this.print?.(line);
  }

  /** For the reader only: not part of the digest, and not even made when nobody reads. */
  explain(who: string, what: () => string): void {
    this.print?.(`${this.world.nowMs.toFixed(3).padStart(12)} ${who.padEnd(14)} ${what()}`);
  }

  /** Of all lines so far. */
  digest(): string {
    return `${this.lines}-${this.hash.toString(16).padStart(8, '0')}`;
  }
}
