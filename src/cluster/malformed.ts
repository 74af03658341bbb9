/** Messages from outside that had not the shape of their kind: counted, and logged at most once a minute for each kind. */
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';

const logEveryMs = 60_000;

interface Tally {
  count: number;
  loggedMono: number;
}

export class Malformed {
  private readonly tallies = new Map<string, Tally>();

  constructor(private readonly ports: { readonly clock: Clock; readonly log: Log }) {}

  /** `kind` is one of a fixed set: the tallies are kept for ever. */
  note(kind: string, text: string): void {
    const tally = this.tallies.get(kind) ?? { count: 0, loggedMono: Number.NEGATIVE_INFINITY };
    this.tallies.set(kind, tally);
    tally.count++;
    const now = this.ports.clock.monoMs();
    if (now - tally.loggedMono < logEveryMs) return;
    tally.loggedMono = now;
    this.ports.log.warn({ kind, count: tally.count }, `a malformed message: ${text}`);
  }

  /** Since the start of this node, by kind; `unknown` are those of a kind that the node does not answer. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.tallies].map(([kind, { count }]) => [kind, count]));
  }
}
