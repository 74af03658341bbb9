/**
 * The decorated classes of this process, because a container cannot list what it has bound. Shared by all copies of this package; classes are
 * held weakly, so one that is defined in a test or a reloaded module goes when nobody else has it.
 */
import type { Class } from '../job/contract.js';

interface DecoratedClasses {
  readonly refs: Set<WeakRef<Class>>;
  readonly known: WeakSet<Class>;
  /** Takes the empty reference of a class that is gone out of `refs`. */
  readonly gone: FinalizationRegistry<WeakRef<Class>>;
}

const place = Symbol.for('lts.decorated-classes');

function all(): DecoratedClasses {
  const holder = globalThis as { [place]?: DecoratedClasses };
  holder[place] ??= newList();
  return holder[place];
}

function newList(): DecoratedClasses {
  const refs = new Set<WeakRef<Class>>();
  return { refs, known: new WeakSet(), gone: new FinalizationRegistry((ref) => refs.delete(ref)) };
}

export function rememberDecorated(type: Class): void {
  const { refs, known, gone } = all();
  if (known.has(type)) return;
  known.add(type);
  const ref = new WeakRef(type);
  refs.add(ref);
  gone.register(type, ref);
}

/** Every class that bears a mark, in the order of decoration. */
export function decoratedClasses(): Class[] {
  return [...all().refs].flatMap((ref) => ref.deref() ?? []);
}
