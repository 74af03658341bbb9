/** The ports of a real process: its time, ids, chance, codec and schemas. One of each serves all nodes. */
import { hostname } from 'node:os';
import { ClassValidatorSchemas } from '../adapters/class-validator/class-validator-schemas.js';
import { JsonCodec } from '../adapters/json/json-codec.js';
import { SystemChance } from '../adapters/system/system-chance.js';
import { SystemClock } from '../adapters/system/system-clock.js';
import { SystemIds } from '../adapters/system/system-ids.js';

export const clock = new SystemClock();
export const ids = new SystemIds(clock);
export const chance = new SystemChance();
export const codec = new JsonCodec();
export const schemas = new ClassValidatorSchemas();

/** `TT-host-pid-a1b2c3`: unique, and tells a person where the node runs. */
export function newIdentity(prefix: 'JC' | 'JT' | 'TT'): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 30);
  return `${prefix}-${host}-${process.pid}-${ids.random().slice(0, 6)}`;
}
