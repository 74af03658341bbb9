/** Which JobTracker a node asks: any of them at random, or round-robin, consistent-hash or master-slave, as in LTS. */
import type { Clock } from '../ports/clock.js';
import type { NodeInfo } from '../ports/registry.js';

/**
 * `random` asks the queue group of all trackers and chooses none by name, until one does not answer: NATS goes on to offer requests to
 * a tracker that hangs, since it is connected. For a while those that the registry shows are then asked in turn.
 */
export const loadBalances = ['random', 'round-robin', 'consistent-hash', 'master-slave'] as const;
export type LoadBalance = (typeof loadBalances)[number];

/** The JobTrackers as the registry shows them; it may be behind the times. */
export interface KnownTrackers {
  readonly nodes: readonly Pick<NodeInfo, 'identity' | 'startedAt'>[];
  /** Identity of the master, where there is one. */
  readonly master?: string | undefined;
}

export interface TrackerChoiceParts {
  /** Of the node that chooses. */
  readonly identity: string;
  readonly clock: Clock;
}

/**
 * A tracker that did not answer is passed over for so long: until the registry, which takes 10 s, has noticed that it is gone, or it
 * listens, which begins a moment after it is listed. One that is passed over needlessly costs nothing: any tracker can do the work.
 */
const avoidMs = 15_000;
/** So long `random` asks by name after a request that was not answered. */
const byNameMs = 60_000;
/**
 * Points of each tracker on the ring: LTS's number. The share of a tracker is off by about 1 / sqrt(points) of itself, 10 %; more
 * points would win little over the chance that lies in the nodes' own places, and the ring is made anew at each change.
 */
const pointsPerTracker = 100;

export class TrackerChoice {
  /** Identities, the one to ask first in front. */
  private order: readonly string[] = [];
  private last: string | undefined;
  private byNameUntilMono = 0;
  private readonly avoidedUntilMono = new Map<string, number>();

  constructor(
    private readonly by: LoadBalance,
    private readonly parts: TrackerChoiceParts,
  ) {}

  /** To be called at every change; by `random` when a request was not answered. */
  know(trackers: KnownTrackers): void {
    const known = new Set(trackers.nodes.map(({ identity }) => identity));
    for (const identity of this.avoidedUntilMono.keys())
      if (!known.has(identity)) this.avoidedUntilMono.delete(identity);
    this.order = this.orderOf(trackers);
    this.byNameUntilMono = this.parts.clock.monoMs() + byNameMs;
  }

  /** The tracker to ask now; undefined: any, also while none is known that has not just failed to answer. */
  next(): string | undefined {
    if (this.by === 'random' && this.parts.clock.monoMs() >= this.byNameUntilMono) return undefined;
    const chosen = this.order.find((identity) => !this.isAvoided(identity));
    if (chosen !== undefined && (this.by === 'round-robin' || this.by === 'random')) {
      this.last = chosen;
      this.order = rotated(this.order, this.order.indexOf(chosen) + 1);
    }
    return chosen;
  }

  /** It did not answer: another one is chosen for a while. */
  avoid(identity: string): void {
    if (this.order.includes(identity)) this.avoidedUntilMono.set(identity, this.parts.clock.monoMs() + avoidMs);
  }

  private isAvoided(identity: string): boolean {
    const untilMono = this.avoidedUntilMono.get(identity);
    return untilMono !== undefined && this.parts.clock.monoMs() < untilMono;
  }

  private orderOf({ nodes, master }: KnownTrackers): readonly string[] {
    switch (this.by) {
      case 'random':
      case 'round-robin':
        return this.turns(nodes.map(({ identity }) => identity).sort());
      case 'consistent-hash':
        return ringOrder(nodes, this.parts.identity);
      case 'master-slave':
        return [...nodes].sort((a, b) => rankOf(a, master) - rankOf(b, master) || byAge(a, b)).map(identityOf);
    }
  }

  /** From the next after the last one on. Nodes that start together do not all begin with the same tracker. */
  private turns(sorted: readonly string[]): readonly string[] {
    const { last } = this;
    if (last === undefined) return rotated(sorted, hashOf(this.parts.identity) % Math.max(1, sorted.length));
    return rotated(
      sorted,
      sorted.findIndex((identity) => identity > last),
    );
  }
}

/** Beginning at this place; at the first where none was found. */
function rotated<T>(list: readonly T[], place: number): readonly T[] {
  const first = Math.max(0, place);
  return [...list.slice(first), ...list.slice(0, first)];
}

/** The trackers as one meets them on the ring, beginning at the place of `identity`: when the first is gone, the next follows. */
function ringOrder(nodes: KnownTrackers['nodes'], identity: string): readonly string[] {
  const ring = nodes
    .flatMap((node) => Array.from({ length: pointsPerTracker }, (_, i) => pointOf(node.identity, i)))
    .sort((a, b) => a.at - b.at || (a.identity < b.identity ? -1 : 1));
  const place = hashOf(identity);
  const met = rotated(
    ring,
    ring.findIndex(({ at }) => at >= place),
  );
  return [...new Set(met.map(identityOf))];
}

const pointOf = (identity: string, i: number) => ({ identity, at: hashOf(`${identity}#${i}`) });

/** FNV-1a with the last step of MurmurHash3, without which names that differ in one digit lie side by side on the ring. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const identityOf = ({ identity }: { readonly identity: string }): string => identity;

const rankOf = ({ identity }: { readonly identity: string }, master: string | undefined): number =>
  identity === master ? 0 : 1;

/** As masters are elected: the oldest first. */
const byAge = (a: KnownTrackers['nodes'][number], b: KnownTrackers['nodes'][number]): number =>
  a.startedAt - b.startedAt || (a.identity < b.identity ? -1 : 1);
