/** What one seed is about: which nodes there are, which faults exist and how strong, and what the users do. Many are zero. */
import type { CrashFaults, NetworkFaults, Range, StoreFaults } from '../../src/testing/faults.js';
import { calmNetwork, calmStore } from '../../src/testing/faults.js';
import type { SeededChance } from '../../src/testing/seeded-chance.js';
import type { Mastership } from './registry.js';

export type Role = 'tracker' | 'worker' | 'client';

export const incidentKinds = [
  'tracker-crash',
  'worker-crash',
  'client-crash',
  'tracker-freeze',
  'worker-freeze',
  'tracker-disconnect',
  'worker-disconnect',
  'client-disconnect',
  'cut',
  'wall-jump',
  'tracker-stop',
  'worker-stop',
  'partition',
  'store-cut',
  'registry-wipe',
  'clog',
  'network-down',
  'trackers-crash',
  'store-down',
  'leases-down',
  'store-clock-set',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];
/** Only where there are several trackers. */
const sharedKinds: readonly IncidentKind[] = ['partition', 'store-cut', 'registry-wipe'];
/** Drawn last, so that what a seed drew before them stays as it was. */
const laterKinds = ['clog', 'network-down', 'trackers-crash'] as const;
const laterSharedKinds = ['store-down', 'leases-down', 'store-clock-set'] as const;
/** What befalls more than one node. */
export type WideKind = (typeof laterKinds)[number] | (typeof laterSharedKinds)[number];
const notAlone: readonly IncidentKind[] = [...sharedKinds, ...laterKinds, ...laterSharedKinds];

export const jobKinds = [
  'plain',
  'delayed',
  'keyed',
  'retrying',
  'failing',
  'slow',
  'poison',
  'expiring',
  'replacing',
] as const;
export type JobKind = (typeof jobKinds)[number];

export const deedKinds = [
  'submit',
  'resubmit',
  'cancel',
  'suspend',
  'resume',
  'trigger',
  'edit',
  'get',
  'schedule',
] as const;
export type DeedKind = (typeof deedKinds)[number];

export interface WorkerPlan {
  readonly nodeGroup: string;
  readonly workThreads: number;
}

export interface Plan {
  readonly seed: number;
  /** One has its store for itself; several share theirs, with its time and its leases. */
  readonly trackers: number;
  readonly mastership: Mastership;
  readonly workers: readonly WorkerPlan[];
  readonly clients: number;
  readonly safetyMs: number;
  readonly network: NetworkFaults;
  readonly jobStore: StoreFaults;
  readonly failStore: StoreFaults;
  readonly crashes: Readonly<Record<Role, CrashFaults>>;
  /** Mean ms between two incidents of a kind; absent: none. */
  readonly incidents: Readonly<Partial<Record<IncidentKind, number>>>;
  readonly outageMs: Range;
  readonly wallOffsetMs: number;
  readonly deeds: Readonly<Record<DeedKind, number>>;
  readonly jobs: Readonly<Record<JobKind, number>>;
  /** Mean ms between two deeds of one client. */
  readonly deedEveryMs: number;
  readonly schedulesMax: number;
  readonly needFeedbackRate: number;
  readonly keepEndedMs: number;
  readonly useRetryClient: boolean;
  /** Answers of the store may overtake each other, as those of a database over a network. */
  readonly isStoreUnordered: boolean;
}

export function planOf(seed: number, chance: SeededChance): Plan {
  const drawn = drawnPlan(seed, chance);
  const plan = chance.isLucky(0.5) ? together(drawn, chance) : drawn;
  const kinds = plan.trackers > 1 ? [...laterKinds, ...laterSharedKinds] : laterKinds;
  return { ...plan, incidents: { ...plan.incidents, ...drawnOf(kinds, chance, 0.15) } };
}

/** Several trackers on one store, which is a database over a network. */
function together(plan: Plan, chance: SeededChance): Plan {
  const incidents = { ...plan.incidents, ...drawnOf(sharedKinds, chance, 0.25) };
  return {
    ...plan,
    trackers: chance.pick([2, 3, 3, 3, 5]),
    mastership: chance.pick(['elected', 'elected', 'elected', 'elected', 'all', 'none']),
    jobStore: { ...plan.jobStore, unknownRate: rateOf(chance, 0.3, 0.05) },
    incidents,
    isStoreUnordered: chance.isLucky(0.7),
  };
}

function drawnPlan(seed: number, chance: SeededChance): Plan {
  const groups = chance.isLucky(0.3) ? ['red', 'blue'] : ['red'];
  return {
    seed,
    trackers: 1,
    mastership: 'elected',
    workers: Array.from({ length: chance.whole(groups.length, 3) }, (_, i) => ({
      nodeGroup: groups[i % groups.length] as string,
      workThreads: chance.pick([1, 2, 4, 8]),
    })),
    clients: chance.whole(1, 2),
    safetyMs: chance.whole(30_000, 90_000),
    network: networkOf(chance),
    jobStore: storeOf(chance),
    failStore: storeOf(chance),
    crashes: { tracker: crashesOf(chance, 0.004), worker: crashesOf(chance, 0.004), client: crashesOf(chance, 0.01) },
    incidents: incidentsOf(chance),
    outageMs: chance.pick([
      { min: 100, max: 3_000 },
      { min: 500, max: 20_000 },
      { min: 5_000, max: 60_000 },
    ]),
    wallOffsetMs: chance.isLucky(0.4) ? chance.whole(-86_400_000, 86_400_000) : 0,
    deeds: weights(chance, deedKinds, {
      submit: 10,
      resubmit: 1,
      cancel: 2,
      suspend: 1,
      resume: 1,
      trigger: 1,
      edit: 1,
      get: 1,
      schedule: 1,
    }),
    jobs: weights(chance, jobKinds, {
      plain: 4,
      delayed: 2,
      keyed: 3,
      retrying: 3,
      failing: 1,
      slow: 2,
      poison: 0.5,
      expiring: 1,
      replacing: 2,
    }),
    deedEveryMs: chance.pick([800, 2_500, 6_000]),
    schedulesMax: chance.whole(0, 3),
    needFeedbackRate: chance.pick([0, 0.3, 1]),
    isStoreUnordered: chance.isLucky(0.25),
    useRetryClient: chance.isLucky(0.7),
    keepEndedMs: chance.pick([1_000, 60_000, 7 * 86_400_000]),
  };
}

/** Each of the kinds is left out by one seed in four, but never the first. */
function weights<Kind extends string>(
  chance: SeededChance,
  kinds: readonly Kind[],
  usual: Record<Kind, number>,
): Record<Kind, number> {
  const drawn = { ...usual };
  for (const kind of kinds.slice(1)) if (chance.isLucky(0.25)) drawn[kind] = 0;
  return drawn;
}

function rateOf(chance: SeededChance, existsRate: number, max: number): number {
  return chance.isLucky(existsRate) ? chance.next() * max : 0;
}

function networkOf(chance: SeededChance): NetworkFaults {
  const kinds = [
    'PullJobs',
    'ReportRuns',
    'RenewSession',
    'SubmitJobs',
    'Probe',
    'AskRuns',
    'StartSession',
    'JobsFinished',
    'JobsTold',
  ];
  return {
    latencyMs: chance.pick([calmNetwork.latencyMs, { min: 1, max: 50 }, { min: 10, max: 800 }]),
    dropRate: rateOf(chance, 0.4, 0.2),
    slowRate: rateOf(chance, 0.4, 0.2),
    slowMs: { min: 100, max: chance.pick([1_000, 8_000, 40_000]) },
    duplicateRate: rateOf(chance, 0.3, 0.3),
    replayRate: rateOf(chance, 0.3, 0.1),
    replayMs: { min: 100, max: chance.pick([2_000, 60_000]) },
    kinds: chance.isLucky(0.3) ? new Set([chance.pick(kinds), chance.pick(kinds)]) : undefined,
  };
}

function storeOf(chance: SeededChance): StoreFaults {
  return {
    latencyMs: chance.pick([calmStore.latencyMs, { min: 1, max: 20 }]),
    slowRate: rateOf(chance, 0.3, 0.1),
    slowMs: { min: 50, max: chance.pick([300, 3_000, 10_000]) },
    refuseRate: rateOf(chance, 0.3, 0.1),
  };
}

function crashesOf(chance: SeededChance, max: number): CrashFaults {
  return { beforeRate: rateOf(chance, 0.4, max), afterRate: rateOf(chance, 0.4, max) };
}

function incidentsOf(chance: SeededChance): Partial<Record<IncidentKind, number>> {
  return drawnOf(
    incidentKinds.filter((kind) => !notAlone.includes(kind)),
    chance,
    0.25,
  );
}

/** Which of these kinds a seed has, and how often. */
function drawnOf(
  kinds: readonly IncidentKind[],
  chance: SeededChance,
  existsRate: number,
): Partial<Record<IncidentKind, number>> {
  const incidents: Partial<Record<IncidentKind, number>> = {};
  for (const kind of kinds) if (chance.isLucky(existsRate)) incidents[kind] = chance.whole(8_000, 60_000);
  return incidents;
}

/** A short, busy life without faults: the ground on which every single crash is tried. */
export function calmPlan(drawn: Plan): Partial<Plan> {
  const never = { beforeRate: 0, afterRate: 0 };
  return {
    workers: [
      { nodeGroup: 'red', workThreads: 2 },
      { nodeGroup: 'red', workThreads: 2 },
    ],
    trackers: 1,
    mastership: 'elected',
    clients: 1,
    safetyMs: 20_000,
    network: calmNetwork,
    jobStore: calmStore,
    failStore: calmStore,
    crashes: { tracker: never, worker: never, client: never },
    incidents: {},
    outageMs: { min: 100, max: 6_000 },
    wallOffsetMs: 0,
    deeds: { ...drawn.deeds, schedule: 3, cancel: 2, edit: 1 },
    deedEveryMs: 800,
    schedulesMax: 3,
    needFeedbackRate: 0.5,
    keepEndedMs: 7 * 86_400_000,
  };
}
