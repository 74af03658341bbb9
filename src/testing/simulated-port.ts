/**
 * A port as a node of the simulator sees it: calls take time, may be refused, and the node may die before or after each.
 *
 *   crash before | request on its way | refused or done | reply on its way | crash after | answered
 */
import { LtsError } from '../errors.js';
import type { StoreFaults } from './faults.js';
import type { NodeLife } from './node-life.js';
import type { SeededChance } from './seeded-chance.js';
import type { Trace } from './trace.js';

/** The places where a node calls the outside; it may die at each of them. */
export interface CrashPoints {
  /** True when the node died here. */
  isFatal(life: NodeLife, point: string): boolean;
}

/** A caller that hears nothing gives up then. */
const giveUpMs = 5_000;

export interface PortOptions {
  /** Names the port in traces and crash points. */
  readonly name: string;
  readonly life: NodeLife;
  readonly chance: SeededChance;
  readonly faults: () => StoreFaults;
  readonly points: CrashPoints;
  readonly trace: Trace;
  readonly onRefused?: (() => void) | undefined;
  readonly onUnknown?: (() => void) | undefined;
  readonly onSlow?: (() => void) | undefined;
  /** True while nothing passes between the node and the store. */
  readonly isCut?: (() => boolean) | undefined;
  /** Calls of one life are done and answered in the order in which they were made, as by one writer with one disk. */
  readonly isOrdered: boolean;
}

/** What the caller of a dead node waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

/**
 * Wraps a port whose methods all answer promises. What `inner` does it does at one instant, as a store on a disk of its own
 * would: it goes on, with what it committed, when the node has died.
 */
export function simulatedPort<Port extends object>(inner: Port, options: PortOptions): Port {
  const lanes = { to: new Lane(options), back: new Lane(options) };
  return new Proxy(inner, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...values: unknown[]) =>
        call(`${options.name}.${String(name)}`, () => method.apply(target, values), { ...options, lanes });
    },
  });
}

interface Call extends PortOptions {
  readonly lanes: { readonly to: Lane; readonly back: Lane };
}

async function call(point: string, act: () => Promise<unknown>, options: Call): Promise<unknown> {
  const { life, points, chance, lanes } = options;
  if (!life.isAlive || points.isFatal(life, `${point}:before`)) return never();
  const faults = options.faults();
  const isRefused = chance.isLucky(faults.refuseRate);
  const onTheWayMs = chance.between(faults.latencyMs.min, faults.latencyMs.max) / 2;
  const slowMs = chance.isLucky(faults.slowRate) ? chance.between(faults.slowMs.min, faults.slowMs.max) : 0;
  if (slowMs > 0) options.onSlow?.();
  await lanes.to.pass(onTheWayMs + slowMs);
  options.trace.note(life.name, isRefused ? `${point} refused` : point);
  if (options.isCut?.()) throw await unanswered(point, life);
  if (isRefused) options.onRefused?.();
  if (isRefused)
    throw new LtsError('LTS_STORE_FAILED', `${point}: the store refused the call (simulated). Try again later.`);
  const answer = await act();
  if (points.isFatal(life, `${point}:after`)) return never();
  await lanes.back.pass(onTheWayMs);
  if (options.isCut?.()) throw await unanswered(point, life);
  if (!faults.unknownRate || !chance.isLucky(faults.unknownRate)) return answer;
  options.onUnknown?.();
  throw unknown(point);
}

async function unanswered(point: string, life: NodeLife): Promise<LtsError> {
  await new Promise<void>((resolve) => {
    life.schedule(giveUpMs, resolve);
  });
  return unknown(point);
}

function unknown(point: string): LtsError {
  return new LtsError(
    'LTS_STORE_FAILED',
    `${point}: no answer came (simulated); it may have been done. Try again later.`,
  );
}

/** One direction between a node and its store. */
class Lane {
  private lastAt = 0;

  constructor(private readonly options: PortOptions) {}

  /** Never resolves once the node has died. */
  pass(ms: number): Promise<void> {
    const { life, isOrdered } = this.options;
    const delayMs = isOrdered ? Math.max(ms, this.lastAt - life.nowMs) : ms;
    this.lastAt = Math.max(this.lastAt, life.nowMs + delayMs);
    return new Promise((resolve) => {
      life.schedule(delayMs, resolve);
    });
  }
}
