/** One seed from its first event to its last: safety with faults, then liveness without. */
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { Incidents } from './incidents.js';
import { realRoles } from './nodes.js';
import { type Plan, planOf } from './swarm.js';
import { Workload } from './workload.js';
import { World, type WorldOptions } from './world.js';

export interface Outcome {
  readonly seed: number;
  readonly plan: Plan;
  readonly events: number;
  readonly virtualMs: number;
  readonly digest: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

export interface RunOptions extends Omit<WorldOptions, 'builders'> {
  /** Replaces what the seed drew. */
  readonly plan?: Partial<Plan> | undefined;
}

/** Long enough for a lease, a sweep and the longest retry after the last fault; where nobody is master, each fourth round sweeps. */
const recoveryMs = ({ mastership }: Plan): number => (mastership === 'none' ? 290_000 : 110_000);
const endWithinMs = 20 * 60_000;
const stepMs = 5_000;

export async function runSeed(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const drawn = planOf(seed, new SeededChance(seed).split('plan'));
  const plan = { ...drawn, ...options.plant?.plan?.(drawn), ...options.plan };
  const world = new World(plan, { ...options, builders: realRoles });
  const workload = new Workload(world);
  const onRejection = (error: unknown) =>
    world.ledger.violate('crash', `a rejection that nobody handled: ${stackOf(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    await play(world, workload);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  return {
    seed,
    plan,
    events: world.time.events,
    virtualMs: world.time.nowMs,
    digest: world.trace.digest(),
    counts: { ...world.ledger.counts, ...world.network.counts },
    violations: world.ledger.violations,
  };
}

async function play(world: World, workload: Workload): Promise<void> {
  const isSound = () => world.ledger.violations.length === 0;
  world.start();
  new Incidents(world).start();
  workload.start();
  await world.time.runWhile(isSound, world.plan.safetyMs);
  if (isSound()) await live(world, workload, isSound);
  if (isSound()) world.checker.finish();
}

/** Without the frames of Node itself. */
function stackOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return text
    .split('\n')
    .filter((line) => !line.includes('node:internal'))
    .slice(0, 6)
    .join(' ');
}

async function live(world: World, workload: Workload, isSound: () => boolean): Promise<void> {
  workload.stop();
  world.calm();
  if (world.checker.open().some((record) => record.body.rule)) {
    const calmMs = recoveryMs(world.plan);
    await world.time.runWhile(isSound, world.time.nowMs + calmMs);
    if (!isSound()) return;
    world.checker.checkSchedulesAlive(calmMs);
  }
  const until = world.time.nowMs + endWithinMs;
  while (isSound() && world.time.nowMs < until && !(await isDrained(world))) {
    workload.closeDown(world.checker.open());
    const next = world.time.nowMs + stepMs;
    await world.time.runWhile(isSound, next);
    world.time.nowMs = Math.max(world.time.nowMs, next);
  }
  if (isSound()) await checkFailStores(world);
}

async function isDrained(world: World): Promise<boolean> {
  if (world.checker.open().length > 0 || world.checker.owed().length > 0) return false;
  return (await leftOver(world)).length === 0;
}

async function leftOver(world: World): Promise<string[]> {
  const left: string[] = [];
  for (const [name, store] of world.failStores) {
    for (const topic of ['submissions', 'results', 'biz-logs'] as const) {
      const count = await store.count(topic);
      if (count > 0) left.push(`${count} ${topic} of ${name}`);
    }
  }
  return left;
}

async function checkFailStores(world: World): Promise<void> {
  for (const text of await leftOver(world)) world.ledger.violate('G13', `still in the FailStore: ${text}`);
}
