/** What the driver's own errors are taken for. */
import { MongoBulkWriteError, MongoNetworkError, MongoServerError, MongoWriteConcernError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { isPassing, refusalsOf, shownAddresses, storeError } from '../../../src/adapters/mongo/mongo-errors.js';

type BulkParts = ConstructorParameters<typeof MongoBulkWriteError>;

/** As the driver throws it from a bulk write: of single statements, or around an error of the whole command. */
function bulkError(cause: object, { concernCode = 0, matched = 0 } = {}): MongoBulkWriteError {
  const result = {
    matchedCount: matched,
    getWriteConcernError: () => (concernCode === 0 ? undefined : { code: concernCode }),
  };
  return new MongoBulkWriteError(cause as BulkParts[0], result as unknown as BulkParts[1]);
}

const statements = (...codes: number[]): object => ({
  message: 'E11000',
  code: codes[0],
  writeErrors: codes.map((code, index) => ({ code, index: 2 * index })),
});
const concern = new MongoWriteConcernError({
  ok: 1,
  writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
});
const network = new MongoNetworkError('connection 3 to 127.0.0.1:27017 closed');

describe('an error of the driver', () => {
  it.each([
    ['a lost connection', network],
    ['a lost connection in a bulk write', bulkError(network)],
    [
      'a socket that broke while the driver wrote to it',
      Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET' }),
    ],
    ['an election', new MongoServerError({ message: 'not primary', code: 10107 })],
    ['an election in a bulk write', bulkError(new MongoServerError({ message: 'not primary', code: 10107 }))],
    ['a shutdown', new MongoServerError({ message: 'interrupted', code: 11600 })],
    ['a majority that is slow', concern],
    ['a majority that is slow in a bulk write', bulkError({ message: 'timed out', code: 64 }, { concernCode: 64 })],
    ['a majority that is slow beside a taken key', bulkError(statements(11_000), { concernCode: 64 })],
  ])('passes, its outcome unknown: %s', (_, error) => {
    expect(isPassing(error)).toBe(true);
    expect(() => refusalsOf(error)).toThrow(error);
    expect(storeError('add jobs', 'here', error)).toMatchObject({ code: 'LTS_STORE_FAILED', isRetryable: true });
  });

  it.each([
    ['a full disk', new MongoServerError({ message: 'no space', code: 14_031 })],
    ['a document that is refused', bulkError(statements(11_000, 121))],
    ['a defect of ours', new TypeError('x is not a function')],
  ])('does not pass and is no refusal: %s', (_, error) => {
    expect(isPassing(error)).toBe(false);
    expect(() => refusalsOf(error)).toThrow(error);
  });

  it('names the statements that met a taken key, and how many others matched', () => {
    const error = bulkError(statements(11_000, 11_000), { matched: 5 });
    expect(isPassing(error)).toBe(false);
    expect(refusalsOf(error)).toEqual({ places: [0, 2], matched: 5 });
  });

  it.each([13, 18])('with code %i asks for another user', (code) => {
    const error = storeError('connect', 'here', new MongoServerError({ message: 'Authentication failed.', code }));
    expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
  });

  it('of a server that the driver is too new for asks for a newer server', () => {
    const text = 'Server at a:1 reports maximum wire version 6, but this version of the driver requires at least 8';
    expect(storeError('connect', 'here', new Error(text))).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
  });
});

describe('addresses as they are shown', () => {
  it.each([
    ['a:1,b:2', 'a:1,b:2'],
    ['mongodb://a:1/lts', 'mongodb://a:1/lts'],
    ['mongodb://user:pass@a:1,b:2/lts?tls=true', 'mongodb://***@a:1,b:2/lts?tls=true'],
    ['mongodb+srv://u:p%40ss@host', 'mongodb+srv://***@host'],
    ['mongodb://u:p@ss@host/lts', 'mongodb://***@host/lts'],
    ['mongodb://u:p/q@host', 'mongodb://***@host'],
  ])('%s', (addresses, shown) => {
    expect(shownAddresses(addresses)).toBe(shown);
  });
});
