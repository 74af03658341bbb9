/**
 * The container that builds the beans: the user's own, or a new one. It binds what is missing, builds every class once to see that it can
 * be built, and takes its own bindings away at the end.
 */
// Loaded with the package, so before the user's classes: what their compiler writes of constructors is kept only then.
import 'reflect-metadata';
import type { Container, ServiceIdentifier } from 'inversify';
import { within } from '../../cluster/within.js';
import { LtsError } from '../../errors.js';
import type { Class } from '../../job/contract.js';
import { clock } from '../system-ports.js';
import { whyNotBuilt } from './why-not-built.js';

/** An application that waits for a dependency longer than this looks hung to whoever started it. */
const buildMsMax = 20_000;

type Inversify = typeof import('inversify');
type BindingIdentifier = Parameters<Container['unbind']>[0];

/** A value that constructors may ask for. */
export interface Binding {
  readonly token: ServiceIdentifier;
  readonly value: unknown;
}

export interface Built {
  readonly instances: ReadonlyMap<Class, unknown>;
  readonly mistakes: readonly string[];
  /** What the container said of the first class that cannot be built. */
  readonly cause?: unknown;
}

export class BeanContainer {
  private readonly bound: BindingIdentifier[] = [];
  readonly container: Container;

  /** Containers that users gave: what one application binds in it, another must neither use nor take away. */
  private static readonly inUse = new WeakSet<Container>();

  private constructor(
    private readonly inversify: Inversify,
    private readonly given: Container | undefined,
  ) {
    this.container = given ?? newContainer(inversify);
  }

  /** Loads inversify, which costs 80 ms, so not before it is needed. Throws LTS_CONFIG_INVALID while another application uses the container. */
  static async open(given: Container | undefined): Promise<BeanContainer> {
    const inversify = await import('inversify');
    if (given && BeanContainer.inUse.has(given)) {
      const text =
        'container: another application of this process uses this container. Give each its own, for instance new Container({ parent: shared }).';
      throw new LtsError('LTS_CONFIG_INVALID', text);
    }
    if (given) BeanContainer.inUse.add(given);
    return new BeanContainer(inversify, given);
  }

  /** A token that is bound already stays as it is. */
  bindValues(bindings: readonly Binding[]): void {
    for (const { token, value } of bindings) {
      if (hasBound(this.container, token)) continue;
      this.bound.push(this.container.bind(token).toConstantValue(value).getIdentifier());
    }
  }

  /** One instance of each class; of those that are made anew for each run as well, to see now whether they can be made. */
  async build(types: readonly Class[], isFresh: (type: Class) => boolean): Promise<Built> {
    const instances = new Map<Class, unknown>();
    const failures = new Map<Class, unknown>();
    // All are bound before the first is built: beans may ask for one another.
    for (const type of types) await attempt(type, failures, () => this.bindClass(type, isFresh(type)));
    for (const type of types) {
      if (failures.has(type)) continue;
      await attempt(type, failures, async () => instances.set(type, await this.built(type)));
    }
    const mistakes = [...failures].map(([type, error]) => whyNotBuilt(type, error));
    return { instances, mistakes, cause: [...failures.values()][0] };
  }

  /** The clean-up of what was built here (inversify's @preDestroy) runs. */
  async close(): Promise<void> {
    if (!this.given) return this.container.unbindAllAsync();
    try {
      for (const identifier of this.bound.splice(0).reverse()) await this.container.unbindAsync(identifier);
    } finally {
      BeanContainer.inUse.delete(this.given);
    }
  }

  private async built(type: Class): Promise<unknown> {
    const building = this.container.getAsync(type);
    if (await within(clock, buildMsMax, building)) return building;
    throw new Error(
      `a dependency on the way was not there within ${buildMsMax / 1000} s (an async binding that never resolves)`,
    );
  }

  private bindClass(type: Class, isFresh: boolean): void {
    if (hasBound(this.container, type)) return;
    this.markInjectable(type);
    const binding = this.container.bind(type).toSelf();
    this.bound.push((isFresh ? binding.inTransientScope() : binding.inSingletonScope()).getIdentifier());
  }

  /** Takes up what the compiler wrote of the constructor's types. */
  private markInjectable(type: Class): void {
    try {
      this.inversify.injectable()(type);
    } catch {
      // It throws only for a class that is marked already, and there is no public way to ask before.
    }
  }
}

/** Whether somebody bound it, in the container or a parent. A container with `autobind` binds a class when it is only asked about it. */
export function hasBound(container: Container, token: ServiceIdentifier): boolean {
  if (container.isCurrentBound(token)) return true;
  try {
    if (!container.isBound(token)) return false;
  } catch {
    // It tried to bind the class by itself and could not: so nobody has.
    return false;
  }
  if (!container.isCurrentBound(token)) return true;
  container.unbind(token);
  return false;
}

/** Builds any class it is asked for, each once: what a small application expects that binds nothing itself. */
const newContainer = ({ Container }: Inversify): Container =>
  new Container({ autobind: true, defaultScope: 'Singleton' });

async function attempt(type: Class, failures: Map<Class, unknown>, step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (error) {
    failures.set(type, error);
  }
}
