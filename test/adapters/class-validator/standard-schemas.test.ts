/** Standard Schemas as params: their output, their issues with paths, and what happens when they misbehave. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ClassValidatorSchemas } from '../../../src/adapters/class-validator/class-validator-schemas.js';
import type { ParamsSchema, StandardSchema } from '../../../src/job/contract.js';

const schemas = new ClassValidatorSchemas();

type Validate = StandardSchema['~standard']['validate'];
const handWritten = (validate: Validate): StandardSchema => ({ '~standard': { version: 1, vendor: 'hand', validate } });

const zod = z.object({ lines: z.array(z.object({ price: z.number() })), pages: z.number().default(1) });
const valibot = v.object({ lines: v.array(v.object({ price: v.number() })), pages: v.optional(v.number(), 1) });

describe.each([
  ['zod', zod],
  ['valibot', valibot],
] as const)('%s', (vendor, schema) => {
  it('gives its output, and leaves the data as it was', async () => {
    const data = { lines: [{ price: 1 }] };
    expect(await schemas.check<unknown>(schema, data)).toEqual({ lines: [{ price: 1 }], pages: 1 });
    expect(data).toEqual({ lines: [{ price: 1 }] });
  });

  it('says what is wrong by path', async () => {
    const data = { lines: [{ price: 1 }, { price: 'x' }] };
    await expect(schemas.check<unknown>(schema, data)).rejects.toMatchObject({
      code: 'LTS_PARAMS_INVALID',
      message: expect.stringMatching(
        new RegExp(`^the params do not fit their ${vendor} schema: lines\\[1\\]\\.price: \\S`),
      ),
    });
    await expect(schemas.check<unknown>(schema, null)).rejects.toThrow(/schema: params: \S/);
  });
});

it('an asynchronous schema is waited for', async () => {
  const even = z.object({ n: z.number().refine(async (n) => n % 2 === 0, 'must be even') });
  expect(await schemas.check(even, { n: 2 })).toEqual({ n: 2 });
  await expect(schemas.check(even, { n: 1 })).rejects.toThrow('n: must be even.');
  const doubled = handWritten(async (value) => ({ value: [value, value] }));
  expect(await schemas.check(doubled, 1)).toEqual([1, 1]);
});

it('segments of paths come as keys or as objects with a key', async () => {
  const path = ['lines', 2, { key: 'price' }, { key: 0 }, Symbol.for('s')];
  const schema = handWritten(() => ({ issues: [{ message: 'is wrong', path }, { message: 'all of it' }] }));
  await expect(schemas.check(schema, {})).rejects.toMatchObject({
    cause: [
      { path: 'lines[2].price[0].Symbol(s)', rule: 'is wrong' },
      { path: '', rule: 'all of it' },
    ],
    message: 'the params do not fit their hand schema: lines[2].price[0].Symbol(s): is wrong; params: all of it.',
  });
});

it('a schema that is a function or an instance of a class is called as the method that it is', async () => {
  class Written {
    readonly '~standard' = {
      version: 1 as const,
      vendor: 'written',
      factor: 3,
      validate(value: unknown) {
        return { value: Number(value) * this.factor };
      },
    };
  }
  expect(await schemas.check(new Written(), 2)).toBe(6);
  const callable = Object.assign(
    () => undefined,
    handWritten(() => ({ value: 'called' })),
  );
  expect(await schemas.check(callable, 2)).toBe('called');
});

it.each<[string, Validate]>([
  [
    'throws',
    () => {
      throw new Error('no luck');
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('no luck');
    },
  ],
  ['answers nothing', () => undefined as never],
  ['answers issues that are no list', () => ({ issues: 7 }) as never],
  ['answers a null in a path', () => ({ issues: [{ message: 'x', path: [null] }] }) as never],
])('a schema that %s is at fault itself', async (_what, validate) => {
  await expect(schemas.check(handWritten(validate), {})).rejects.toMatchObject({
    code: 'LTS_PROCESSOR_INVALID',
    message: expect.stringContaining('the rules of their hand schema threw'),
  });
});

it.each([undefined, null, 'orders', {}, { '~standard': undefined }])('%j is no schema', async (schema) => {
  await expect(schemas.check(schema as unknown as ParamsSchema, {})).rejects.toMatchObject({
    code: 'LTS_PROCESSOR_INVALID',
  });
});
