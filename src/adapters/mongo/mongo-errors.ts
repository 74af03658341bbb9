/** What the driver's errors mean: which may pass and leave the outcome unknown, and how the others are told to people. */
import { LtsError } from '../../errors.js';

/** Server codes of elections, shutdowns and hosts that are not reached; and what Node says of a socket, which the driver may pass on as it is. */
const awayCodes: ReadonlySet<unknown> = new Set([
  ...[6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436],
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
]);
/** Server codes of slow majorities and write conflicts. */
const slowCodes: ReadonlySet<unknown> = new Set([24, 50, 64, 112, 133, 134, 262]);
/** Errors of the driver about a connection that is gone or not there yet. */
const awayNames: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoServerSelectionError',
  'MongoWaitQueueTimeoutError',
  'WaitQueueTimeoutError',
  'MongoStalePrimaryError',
]);
const duplicateKey = 11_000;
const authenticationFailed = 18;
const unauthorized = 13;
const namespaceNotFound = 26;

interface DriverError extends Error {
  readonly code?: unknown;
  /** What a bulk write wraps. */
  readonly errorResponse?: unknown;
  readonly writeErrors?: unknown;
  readonly result?: { getWriteConcernError?: () => { code?: number } | undefined; matchedCount?: number };
}

const isDriverError = (error: unknown): error is DriverError => error instanceof Error;

/** The error of the connection or of the whole command, where a bulk write has wrapped it. */
function rootOf(error: DriverError): DriverError {
  return isDriverError(error.errorResponse) ? rootOf(error.errorResponse) : error;
}

/** True when the same command may succeed later. It may have been carried out, or may be still. */
export function isPassing(error: unknown): boolean {
  if (!isDriverError(error)) return false;
  return isAway(error) || slowCodes.has(rootOf(error).code) || concernFailed(error);
}

/** True when no server was reached that could do it. */
export function isAway(error: unknown): boolean {
  if (!isDriverError(error)) return false;
  const root = rootOf(error);
  return awayNames.has(root.name) || awayCodes.has(root.code);
}

/** What the driver says, without secrets. */
export const saidOf = (error: unknown): string =>
  isDriverError(error) ? shownAddresses(rootOf(error).message) : String(error);

/** Carried out, but not yet acknowledged as the write concern asks. */
function concernFailed(error: DriverError): boolean {
  return error.name === 'MongoWriteConcernError' || error.result?.getWriteConcernError?.() !== undefined;
}

/** A single write met a key of another document. */
export function isDuplicateKey(error: unknown): boolean {
  return isDriverError(error) && rootOf(error).code === duplicateKey && !concernFailed(error);
}

/** The collection is not there. */
export const isMissing = (error: unknown): boolean => isDriverError(error) && rootOf(error).code === namespaceNotFound;

/** What became of a bulk write whose every statement was answered. */
export interface Refusals {
  /** Places of the statements that met a key of another record. */
  readonly places: readonly number[];
  readonly matched: number;
}

/** Throws the error itself when something else than taken keys went wrong. */
export function refusalsOf(error: unknown): Refusals {
  const writeErrors = isDriverError(error) && !concernFailed(error) ? error.writeErrors : undefined;
  if (!Array.isArray(writeErrors) || writeErrors.length === 0) throw error;
  const refused = writeErrors as { index: number; code: number }[];
  if (refused.some(({ code }) => code !== duplicateKey)) throw error;
  return { places: refused.map(({ index }) => index), matched: (error as DriverError).result?.matchedCount ?? 0 };
}

/** Server addresses as they may be shown: without user and password, whether they are a URL or not, and without the secrets of its options. */
export const shownAddresses = (addresses: string): string =>
  addresses
    .replace(/\/\/.*@/, '//***@')
    .replace(/^[^\s/]*@/, '***@')
    .replace(/([?&](?:\w*password|authMechanismProperties)=)[^&\s]*/gi, '$1***');

/** What a caller of the store is told. LtsErrors pass. */
export function storeError(what: string, place: string, error: unknown): LtsError {
  if (LtsError.is(error)) return error;
  const said = saidOf(error);
  const code = isDriverError(error) ? rootOf(error).code : undefined;
  if (code === authenticationFailed || code === unauthorized) {
    const text = `MongoDB at ${place} refused '${what}' (${said}). Correct the user and password, or give that user readWrite on the database.`;
    return new LtsError('LTS_CONFIG_INVALID', text, { cause: error });
  }
  if (/wire version/.test(said)) {
    const text = `MongoDB at ${place} is too old or too new for the driver (${said}). Use a server of version 4.4 or newer.`;
    return new LtsError('LTS_CONFIG_INVALID', text, { cause: error });
  }
  const advice = isPassing(error)
    ? 'Whether it was done is unknown; the same call again is safe.'
    : 'Look into the log of the database server.';
  return new LtsError('LTS_STORE_FAILED', `MongoDB at ${place}: '${what}' failed (${said}). ${advice}`, {
    cause: error,
  });
}
