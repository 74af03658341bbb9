/**
 * New identifiers of this process. A jobId is laid out like a ULID: 10 characters of time, 16 of chance, in Crockford's
 * base 32, so jobIds sort by the time at which they were made.
 */
import { randomFillSync } from 'node:crypto';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Two digits at once: half the steps per id. */
const pairs = Array.from({ length: 1024 }, (_, i) => `${digits[i >> 5]}${digits[i & 31]}`);
const quadMax = 2 ** 20;
const poolBytes = 4096;

/** Unique over all processes by chance, strictly rising within this one even when the wall clock goes back. */
export class SystemIds implements Ids {
  private lastMs = -1;
  private timeText = '';
  /** The 80 bits after the time as four numbers of 20 bits, most significant first. */
  private high = 0;
  private upper = 0;
  private lower = 0;
  private low = 0;
  private prefix = '';
  private readonly pool = Buffer.allocUnsafe(poolBytes);
  private poolAt = poolBytes;

  constructor(private readonly clock: Clock) {}

  jobId(): string {
    const now = this.clock.wallMs();
    if (now > this.lastMs) this.startMs(now);
    else this.increment();
    return this.prefix + quad(this.lower) + quad(this.low);
  }

  random(): string {
    const at = this.take(16);
    return this.pool.toString('hex', at, at + 16);
  }

  private startMs(now: number): void {
    this.lastMs = now;
    this.timeText = timeDigits(now);
    const at = this.take(12);
    // The top bit stays 0, so a millisecond has room for 2^79 increments.
    this.high = (this.pool.readUInt32LE(at) % quadMax) >> 1;
    this.upper = this.pool.readUInt32LE(at + 4) % quadMax;
    this.lower = this.pool.readUInt16LE(at + 8);
    this.low = this.pool.readUInt16LE(at + 10);
    this.setPrefix();
  }

  /** A step of chance, not 1: processes whose chance parts lie close together do not walk through the same ids. */
  private increment(): void {
    const at = this.take(2);
    this.low += 1 + this.pool.readUInt16LE(at);
    if (this.low < quadMax) return;
    this.low -= quadMax;
    if (++this.lower < quadMax) return;
    this.lower = 0;
    if (++this.upper === quadMax) {
      this.upper = 0;
      this.high++;
    }
    this.setPrefix();
  }

  private setPrefix(): void {
    this.prefix = this.timeText + quad(this.high) + quad(this.upper);
  }

  private take(bytes: number): number {
    if (this.poolAt + bytes > poolBytes) {
      randomFillSync(this.pool);
      this.poolAt = 0;
    }
    const at = this.poolAt;
    this.poolAt += bytes;
    return at;
  }
}

function quad(value: number): string {
  return (pairs[value >> 10] as string) + (pairs[value & 1023] as string);
}

function timeDigits(ms: number): string {
  const upper = Math.floor(ms / 2 ** 30);
  const lower = ms % 2 ** 30;
  return quad(upper) + (pairs[lower >> 20] as string) + quad(lower & 0xfffff);
}
