/** Faults are data: what may go wrong, how often and how badly. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What the network may do to a message. Rates are of single deliveries, so a lost reply counts like a lost request. */
export interface NetworkFaults {
  readonly latencyMs: Range;
  readonly dropRate: number;
  /** Takes `slowMs` more: beyond the deadlines of most requests, and still delivered. */
  readonly slowRate: number;
  readonly slowMs: Range;
  readonly duplicateRate: number;
  /** Delivered once more, `replayMs` later. */
  readonly replayRate: number;
  readonly replayMs: Range;
  /** Only messages of these kinds and their replies meet faults. Default: all. */
  readonly kinds?: ReadonlySet<string> | undefined;
}

/** What a store may do to a call. */
export interface StoreFaults {
  readonly latencyMs: Range;
  readonly slowRate: number;
  readonly slowMs: Range;
  /** Answers LTS_STORE_FAILED and has done nothing. */
  readonly refuseRate: number;
  /** Answers LTS_STORE_FAILED and has done what it was asked. Default 0. */
  readonly unknownRate?: number | undefined;
}

/** How often a node dies at one of its calls to the outside. */
export interface CrashFaults {
  readonly beforeRate: number;
  readonly afterRate: number;
}

export const calmNetwork: NetworkFaults = {
  latencyMs: { min: 0.2, max: 2 },
  dropRate: 0,
  slowRate: 0,
  slowMs: { min: 0, max: 0 },
  duplicateRate: 0,
  replayRate: 0,
  replayMs: { min: 0, max: 0 },
};

export const calmStore: StoreFaults = {
  latencyMs: { min: 0.1, max: 1 },
  slowRate: 0,
  slowMs: { min: 0, max: 0 },
  refuseRate: 0,
};

/** How much goes wrong between the nodes of a test cluster. */
export type FaultLevel = 'none' | 'some' | 'many';

/** Without faults the network takes no time: a retry after 30 s runs 30 s later to the millisecond. */
const instantNetwork: NetworkFaults = { ...calmNetwork, latencyMs: { min: 0, max: 0 } };

const levels: Readonly<Record<FaultLevel, NetworkFaults>> = {
  none: instantNetwork,
  some: {
    latencyMs: { min: 0.2, max: 20 },
    dropRate: 0.005,
    slowRate: 0.005,
    slowMs: { min: 100, max: 8_000 },
    duplicateRate: 0.01,
    replayRate: 0.002,
    replayMs: { min: 100, max: 10_000 },
  },
  many: {
    latencyMs: { min: 1, max: 200 },
    dropRate: 0.05,
    slowRate: 0.05,
    slowMs: { min: 100, max: 15_000 },
    duplicateRate: 0.05,
    replayRate: 0.02,
    replayMs: { min: 100, max: 60_000 },
  },
};

/** A level, or rates of one's own; what they do not name is as at level 'none'. */
export function networkFaultsOf(faults: FaultLevel | Partial<NetworkFaults>): NetworkFaults {
  return typeof faults === 'string' ? levels[faults] : { ...instantNetwork, ...faults };
}
