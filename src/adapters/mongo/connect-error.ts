/** Why no connection to MongoDB came about, for people: the address without its secrets, the cause, and what to do. */
import { LtsError } from '../../errors.js';
import { isPassing, saidOf, storeError } from './mongo-errors.js';

export interface Connecting {
  /** Server addresses, without secrets. */
  readonly place: string;
  readonly connectMs: number;
}

/** The DNS, which is asked for the servers of a mongodb+srv:// address only, may be silent for half a minute. */
export class NoAnswerInTime extends Error {}

/** LTS_CONFIG_INVALID for a refused user or an unfit server, LTS_STORE_FAILED where none was reached. LtsErrors pass. */
export function connectError({ place, connectMs }: Connecting, cause: unknown): LtsError {
  const known = storeError('connect', place, cause);
  const isMute = cause instanceof NoAnswerInTime;
  const isUnnamed = isOfDns(cause) || (isMute && place.includes('+srv://'));
  if (known.code === 'LTS_CONFIG_INVALID' || !(isPassing(cause) || isUnnamed || isMute)) return known;
  const text = isUnnamed
    ? `The DNS does not say which MongoDB servers ${place} means (${saidOf(cause)}). Correct the name or the DNS of this machine, or name the servers: mongodb://host:27017.`
    : `No MongoDB server that takes writes answers at ${place} within ${connectMs} ms (${saidOf(cause)}). Start it, correct the addresses, or let this machine through to it (firewall, access list, TLS).`;
  return new LtsError('LTS_STORE_FAILED', text, { cause });
}

function isOfDns(error: unknown): boolean {
  const { syscall } = (error ?? {}) as { syscall?: unknown };
  return syscall === 'querySrv' || syscall === 'queryTxt';
}
