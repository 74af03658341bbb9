/** Randomness for jitter and choice; not for secrets. */
import type { Chance } from '../../ports/chance.js';

export class SystemChance implements Chance {
  next(): number {
    return Math.random();
  }
}
