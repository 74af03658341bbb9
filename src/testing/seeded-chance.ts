/** Randomness that one number decides, and that can be split: what one part draws never shifts what another draws. */
import type { Chance } from '../ports/chance.js';

/** FNV-1a, 32 bits. */
export function hashText(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The generator is sfc32 of Chris Doty-Humphrey's PractRand. */
export class SeededChance implements Chance {
  private a: number;
  private b = 0x9e3779b9;
  private c = 0x243f6a88;
  private counter = 1;

  constructor(private readonly seed: number) {
    this.a = seed | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  next(): number {
    return this.bits32() / 2 ** 32;
  }

  /** 32 random bits as a whole number. */
  bits32(): number {
    const sum = (this.a + this.b + this.counter++) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** An independent generator; the same name gives the same one, whatever was drawn before. */
  split(name: string): SeededChance {
    return new SeededChance(hashText(`${this.seed}/${name}`));
  }

  /** True in `rate` of all cases. */
  isLucky(rate: number): boolean {
    return rate > 0 && this.next() < rate;
  }

  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** A number from `min` to `max`. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)] as T;
  }
}
