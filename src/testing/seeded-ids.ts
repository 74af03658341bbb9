/** Identifiers from a seeded generator, of the same shape as the real ones. */
import type { Clock } from '../ports/clock.js';
import type { Ids } from '../ports/ids.js';
import type { SeededChance } from './seeded-chance.js';

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export class SeededIds implements Ids {
  constructor(
    private readonly clock: Clock,
    private readonly chance: SeededChance,
  ) {}

  jobId(): string {
    let id = '';
    for (let time = this.clock.wallMs(); id.length < 10; time = Math.floor(time / 32)) id = digits[time % 32] + id;
    while (id.length < 26) id += digits[this.chance.bits32() & 31];
    return id;
  }

  random(): string {
    let id = '';
    while (id.length < 32) id += this.chance.bits32().toString(16).padStart(8, '0');
    return id;
  }
}
