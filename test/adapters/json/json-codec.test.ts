import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonCodec } from '../../../src/adapters/json/json-codec.js';

const codec = new JsonCodec();
const refusal = (value: unknown): { code: string; message: string } => {
  try {
    codec.encode(value, 'params');
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('was not refused');
};

/** `levels` objects, one in the other. */
const nested = (levels: number): unknown => (levels === 0 ? 1 : { inner: nested(levels - 1) });

it('gives plain data back unchanged', () => {
  const plain = fc.jsonValue({ maxDepth: 6 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
  fc.assert(
    fc.property(plain, (value) => {
      // JSON has one zero only.
      const expected: unknown = JSON.parse(JSON.stringify(value));
      expect(codec.decode(codec.encode(value, 'params'))).toEqual(expected);
    }),
    { seed: 7, numRuns: 300 },
  );
});

it('encodes like JSON.stringify', () => {
  const value = { orderId: 7, lines: [{ sku: 'ä"\n😀', price: 1.5 }], note: null };
  expect(codec.encode(value, 'params')).toBe(JSON.stringify(value));
});

it('encodes undefined to null, in arrays too, and leaves it out as a property', () => {
  expect(codec.decode(codec.encode(undefined, 'params'))).toBeNull();
  expect(codec.encode({ a: undefined, b: [undefined] }, 'params')).toBe('{"b":[null]}');
});

it('encodes a Date as its text and instances of classes as plain objects', () => {
  class Order {
    constructor(readonly id: number) {}
  }
  expect(codec.encode({ at: new Date(0), order: new Order(5) }, 'params')).toBe(
    '{"at":"1970-01-01T00:00:00.000Z","order":{"id":5}}',
  );
});

describe('refuses with the place named', () => {
  const cases: [string, unknown, string][] = [
    ['a function', { lines: [1, 2, { price: () => 3 }] }, 'params.lines[2].price is a function'],
    ['a symbol', { a: Symbol('x') }, 'params.a is a symbol'],
    ['a BigInt', [[1n]], 'params[0][0] is a bigint'],
    ['NaN', { a: { b: Number.NaN } }, 'params.a.b is NaN'],
    ['infinity', [Number.POSITIVE_INFINITY], 'params[0] is Infinity'],
    ['a Map', { a: new Map() }, 'params.a is a Map'],
    ['a Set', new Set([1]), 'params is a Set'],
    ['a promise that nobody awaited', { user: Promise.resolve(1) }, 'params.user is a Promise'],
    ['bytes', { file: new Uint8Array(3) }, 'params.file is a Uint8Array'],
    ['an error', { cause: new TypeError('x') }, 'params.cause is a TypeError'],
    ['a function at the top', () => 1, 'params is a function'],
    [
      'a key named __proto__',
      { a: JSON.parse('{"__proto__": {"isAdmin": true}}') },
      'params.a.__proto__ is a key that is refused',
    ],
  ];
  it.each(cases)('%s', (_name, value, text) => {
    const { code, message } = refusal(value);
    expect(code).toBe('LTS_PAYLOAD_INVALID');
    expect(message).toContain(text);
  });
});

it('refuses what contains itself, also behind a toJSON', () => {
  const loop: { self?: unknown; again?: unknown } = {};
  loop.self = loop;
  loop.again = loop;
  expect(refusal(loop)).toMatchObject({
    code: 'LTS_PAYLOAD_INVALID',
    message: expect.stringContaining('contains itself'),
  });
  expect(refusal({ a: { toJSON: () => loop } })).toMatchObject({ code: 'LTS_PAYLOAD_INVALID' });
});

it('holds what a toJSON answers against the same rules', () => {
  expect(refusal({ toJSON: () => nested(33) })).toMatchObject({ code: 'LTS_PAYLOAD_INVALID' });
  expect(refusal({ toJSON: () => 1n })).toMatchObject({ code: 'LTS_PAYLOAD_INVALID' });
  expect(refusal({ toJSON: () => JSON.parse('{"__proto__": 1}') })).toMatchObject({ code: 'LTS_PAYLOAD_INVALID' });
  expect(refusal({ toJSON: () => 'x'.repeat(300_000) })).toMatchObject({ code: 'LTS_PAYLOAD_TOO_LARGE' });
});

it('takes 32 levels and refuses 33', () => {
  expect(codec.decode(codec.encode(nested(32), 'params'))).toEqual(nested(32));
  expect(refusal(nested(33))).toMatchObject({
    code: 'LTS_PAYLOAD_INVALID',
    message: expect.stringContaining('deeper than 32 levels'),
  });
});

it('takes exactly 256 KiB as part of a message and refuses a byte more', () => {
  const limit = 256 * 1024;
  const inMessage = (text: string) => Buffer.byteLength(JSON.stringify(text));
  // The quotes around the text, and those of the text itself with a backslash before each.
  const room = limit - 6;
  for (const [character, bytes] of [
    ['x', 1],
    ['ü', 2],
    ['€', 3],
    ['😀', 4],
    ['"', 4],
    ['\\', 4],
    ['\n', 3],
    ['\u0001', 7],
    ['\ud800', 7],
  ] as const) {
    const fits = character.repeat(Math.floor(room / bytes)) + 'x'.repeat(room % bytes);
    expect(inMessage(codec.encode(fits, 'params'))).toBe(limit);
    expect(refusal(`${fits}x`)).toMatchObject({
      code: 'LTS_PAYLOAD_TOO_LARGE',
      message: expect.stringContaining(`params has ${limit + 1} bytes in a message, where each quote and backslash`),
    });
  }
});

it('gives up early on shared parts that would multiply', () => {
  let shared: unknown = 'x';
  for (let i = 0; i < 31; i++) shared = [shared, shared];
  expect(refusal(shared)).toMatchObject({ code: 'LTS_PAYLOAD_TOO_LARGE' });
});

it('keeps to the limits that it was given', () => {
  const small = new JsonCodec({ bytesMax: 14, depthMax: 1 });
  expect(small.encode('12345678', 'line')).toBe('"12345678"');
  expect(() => small.encode('123456789', 'line')).toThrow('line has 15 bytes in a message');
  expect(() => small.encode([[]], 'line')).toThrow('line[0] is nested deeper than 1 levels');
});

it('refuses a key named __proto__ when it decodes, also an escaped and a deep one', () => {
  const deep = `${'['.repeat(50_000)}{"__proto__":1}${']'.repeat(50_000)}`;
  for (const text of ['{"__proto__":{"isAdmin":true}}', '{"\\u005f_proto__":{"isAdmin":true}}', deep])
    expect(() => codec.decode(text)).toThrow('__proto__');
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

it('decodes text that only mentions __proto__', () => {
  expect(codec.decode('{"a":"__proto__","b":"\\u00fc"}')).toEqual({ a: '__proto__', b: 'ü' });
});

it('refuses text that is not JSON', () => {
  for (const text of ['', '{', 'undefined', '{"a":1,}']) expect(() => codec.decode(text)).toThrow('not JSON');
});
