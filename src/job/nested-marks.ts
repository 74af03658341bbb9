/** Which properties of a params class hold instances of other classes; written by @Nested, read by who makes the instances. */
import type { Class } from './contract.js';

const key = Symbol.for('lts.nested');

type Marks = Map<string, () => Class>;

export interface NestedMark {
  /** The prototype that the property belongs to. */
  readonly target: object;
  readonly property: string | symbol;
  readonly type: () => Class;
}

export function markNested({ target, property, type }: NestedMark): void {
  const owner = target.constructor as { [key]?: Marks };
  const marks: Marks = Object.hasOwn(owner, key) ? (owner[key] as Marks) : new Map();
  marks.set(String(property), type);
  Object.defineProperty(owner, key, { value: marks, configurable: true });
}

/** Of the class and those that it extends; the nearest one wins. */
export function nestedMarksOf(type: Class): ReadonlyMap<string, () => Class> {
  const lineage: Marks[] = [];
  for (let owner: unknown = type; typeof owner === 'function'; owner = Object.getPrototypeOf(owner)) {
    if (Object.hasOwn(owner, key)) lineage.unshift((owner as unknown as { [key]: Marks })[key]);
  }
  return new Map(lineage.flatMap((marks) => [...marks]));
}
