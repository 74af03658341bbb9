/** Randomness that a test can seed. */
export interface Chance {
  /** In [0, 1). */
  next(): number;
}
export const Chance = Symbol.for('lts.Chance');
