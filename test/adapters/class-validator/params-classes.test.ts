/** Params classes with class-validator rules: what becomes an instance, what is found wrong, and where. */
import {
  IsArray,
  IsDate,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Min,
  registerDecorator,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { ClassValidatorSchemas } from '../../../src/adapters/class-validator/class-validator-schemas.js';
import { LtsError, Nested } from '../../../src/index.js';
import type { Class } from '../../../src/job/contract.js';

const schemas = new ClassValidatorSchemas();
const check = <T>(type: Class<T>, value: unknown) => schemas.check(type, value);

async function failure(type: Class, value: unknown): Promise<LtsError> {
  const error = await check(type, value).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (LtsError.is(error)) return error;
  throw new Error(`Expected an LtsError, got ${String(error)}`);
}

/** The findings of the message, one by one. */
async function findings(type: Class, value: unknown): Promise<string[]> {
  const error = await failure(type, value);
  expect(error.code).toBe('LTS_PARAMS_INVALID');
  return error.message
    .replace(/^the params do not fit [^:]+: /, '')
    .replace(/\.$/, '')
    .split('; ');
}

/** A rule of one's own. */
function rule(name: string, validate: (value: unknown) => boolean | Promise<boolean>, options?: ValidationOptions) {
  return (object: object, propertyName: string) =>
    registerDecorator({
      name,
      target: object.constructor,
      propertyName,
      options: { message: `${propertyName} is refused by ${name}`, ...options },
      validator: { validate },
    });
}

class Price {
  @IsInt() @Min(0) cents!: number;
}
class Line {
  @IsString() sku!: string;
  @IsInt() @Min(1) count = 1;
  @Nested(() => Price) price!: Price;
}
class Order {
  @IsString() shop!: string;
  @IsOptional() @IsInt() @Min(1) pages?: number = 1;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Nested(() => Line) lines?: Line[];
  @IsOptional() @IsDate() @Nested(() => Date) due?: Date;
  total(): number {
    return (this.lines ?? []).reduce((sum, { count, price }) => sum + count * price.cents, 0);
  }
}
const line = { sku: 'a', price: { cents: 5 } };

describe('an instance of a params class', () => {
  it('has its methods, its defaults, and instances of the classes that it holds', async () => {
    const order = await check(Order, { shop: '1', lines: [line, { ...line, count: 3 }], due: '2026-02-28T12:00:00Z' });
    expect(order).toBeInstanceOf(Order);
    expect(order.pages).toBe(1);
    expect(order.lines?.[1]).toBeInstanceOf(Line);
    expect(order.lines?.[1]?.price).toBeInstanceOf(Price);
    expect(order.total()).toBe(20);
    expect(order.due).toEqual(new Date('2026-02-28T12:00:00Z'));
  });

  it('keeps its default for an undefined field, and takes null as it is', async () => {
    expect((await check(Order, { shop: '1', pages: undefined })).pages).toBe(1);
    expect((await check(Order, { shop: '1', pages: null, due: null, lines: null })).pages).toBeNull();
  });

  it('keeps fields that no rule names', async () => {
    expect(await check(Order, { shop: '1', extra: { a: [1] } })).toMatchObject({ extra: { a: [1] } });
  });

  it('is another object each time, and the data stays as it was', async () => {
    const data = Object.freeze({ shop: '1', lines: Object.freeze([Object.freeze({ ...line })]) });
    const [one, two] = [await check(Order, data), await check(Order, data)];
    expect(one).not.toBe(two);
    expect(one.lines).not.toBe(data.lines);
    expect(data).toEqual({ shop: '1', lines: [line] });
  });

  it('of a class without rules takes any object', async () => {
    class Free {
      anything?: unknown;
    }
    expect(await check(Free, { anything: [1], more: 2 })).toBeInstanceOf(Free);
  });

  it('takes rules and nested classes of the class that it extends; its own nested class wins', async () => {
    class Discounted extends Price {
      @IsInt() percent!: number;
    }
    class Offer extends Line {
      @Nested(() => Discounted) declare price: Discounted;
    }
    expect((await check(Offer, { sku: 'a', price: { cents: 1, percent: 2 } })).price).toBeInstanceOf(Discounted);
    expect((await findings(Offer, { sku: 1, price: { cents: 1 } })).sort()).toEqual([
      'price.percent: must be an integer number',
      'sku: must be a string',
    ]);
    expect((await check(Line, line)).price).not.toBeInstanceOf(Discounted);
  });

  it('may hold classes that are declared later, and itself', async () => {
    class Tree {
      @IsInt() value!: number;
      @Nested(() => Tree) children?: Tree[];
      @Nested(() => Later) later?: unknown;
    }
    class Later {
      @IsString() name!: string;
    }
    const data = { value: 1, children: [{ value: 2, children: [{ value: 'x' }] }], later: { name: 3 } };
    expect(await findings(Tree, data)).toEqual([
      'children[0].children[0].value: must be an integer number',
      'later.name: must be a string',
    ]);
  });
});

describe('what is wrong', () => {
  it('is named by its path, every place of it', async () => {
    const lines = [line, { sku: 2, price: { cents: -1 } }, { sku: 'c', price: {} }];
    expect((await findings(Order, { pages: 0, lines })).sort()).toEqual([
      'lines[1].price.cents: must not be less than 0',
      'lines[1].sku: must be a string',
      'lines[2].price.cents: must be an integer number',
      'lines[2].price.cents: must not be less than 0',
      'pages: must not be less than 1',
      'shop: must be a string',
    ]);
  });

  it('names the class, and for programs lists path and rule', async () => {
    const error = await failure(Order, {});
    expect(error.message).toBe('the params do not fit Order: shop: must be a string.');
    expect(error.cause).toEqual([{ path: 'shop', rule: 'must be a string' }]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [{ shop: '1' }]],
    ['a text', 'shop'],
    ['a number', 7],
  ])('%s is no object', async (_name, value) => {
    expect(await findings(Order, value)).toEqual(['params: must be an object']);
  });

  it('a nested place takes an object or a list of objects, and nothing else', async () => {
    expect(await findings(Order, { shop: '1', lines: [null, 'x', [line], undefined] })).toEqual([
      'lines[0]: must be an object',
      'lines[1]: must be an object',
      'lines[2]: must be an object',
      'lines[3]: must be an object',
    ]);
    expect(await findings(Line, { sku: 'a', price: 5 })).toContain('price: must be an object');
  });

  it('@IsArray and @IsObject say which of the two it must be', async () => {
    class Strict {
      @IsArray() @Nested(() => Price) many!: Price[];
      @IsObject() @Nested(() => Price) one!: Price;
    }
    expect(await findings(Strict, { many: { cents: 1 }, one: [{ cents: 1 }] })).toEqual([
      'many: must be an array',
      'one: must be an object',
    ]);
  });

  it('each value of a plain list is said as such', async () => {
    class Tags {
      @IsString({ each: true }) tags!: string[];
    }
    expect(await findings(Tags, { tags: ['a', 1] })).toEqual(['tags: each value must be a string']);
  });

  it('more than 50 findings are counted, not listed', async () => {
    const lines = Array.from({ length: 60 }, () => ({ ...line, sku: 1 }));
    const error = await failure(Order, { shop: '1', lines });
    expect(error.message).toMatch(/lines\[49\]\.sku: must be a string; and 10 more\.$/);
    expect(error.cause).toHaveLength(60);
  });
});

describe('@ValidateNested', () => {
  it('beside @Nested says nothing twice, and nested values are checked without it as well', async () => {
    class Both {
      @ValidateNested() @Nested(() => Price) one!: Price;
      @ValidateNested({ each: true }) @Nested(() => Price) many!: Price[];
      @Nested(() => Price) bare!: Price;
    }
    const bad = { cents: 'x' };
    const error = await failure(Both, { one: bad, many: [bad], bare: bad });
    expect((error.cause as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      ...['bare.cents', 'bare.cents', 'many[0].cents', 'many[0].cents', 'one.cents', 'one.cents'],
    ]);
  });

  it('beside @Nested says nothing of its own about what is no object', async () => {
    class Both {
      @ValidateNested() @Nested(() => Price) one!: Price;
      @ValidateNested({ each: true }) @Nested(() => Price) many!: Price[];
    }
    expect(await findings(Both, { one: 5, many: ['x'] })).toEqual([
      'one: must be an object',
      'many[0]: must be an object',
    ]);
  });

  it('without @Nested would check nothing, so it is refused with the remedy', async () => {
    class Alone {
      @IsOptional() @ValidateNested() price?: Price;
    }
    const error = await failure(Alone, {});
    expect(error.code).toBe('LTS_PROCESSOR_INVALID');
    expect(error.message).toMatch(/Alone\.price has @ValidateNested but no class\. Add @Nested/);
  });
});

describe('dates', () => {
  class Dated {
    @Nested(() => Date) at!: Date;
  }
  it.each([
    ['2026-02-28', Date.UTC(2026, 1, 28)],
    ['2026-02-28T10:00Z', Date.UTC(2026, 1, 28, 10)],
    ['2026-02-28T23:00:00.123456-02:00', Date.UTC(2026, 2, 1, 1, 0, 0, 123)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    [new Date(8.64e15).toISOString(), 8.64e15],
    [new Date(-1e15).toISOString(), -1e15],
  ])('%s is one', async (text, ms) => {
    expect((await check(Dated, { at: text })).at.getTime()).toBe(ms);
  });

  it.each([
    ...['2026-02-30', '2026-02-29T00:00:00Z', '2026-13-01', '2026-01-01T25:00:00Z', '01/02/2026', 'tomorrow', ''],
    ...[0, 1_700_000_000_000, true, {}, new Date(Number.NaN)],
  ])('%s is none', async (at) => {
    expect(await findings(Dated, { at })).toEqual(['at: must be a date in ISO 8601 form']);
  });

  it('a list of them is named place by place', async () => {
    expect(await findings(Dated, { at: ['2026-01-01', 'x'] })).toEqual(['at[1]: must be a date in ISO 8601 form']);
  });
});

describe('hostile data', () => {
  it('cannot replace methods, the constructor or the prototype, and pollutes nothing', async () => {
    const data: unknown = JSON.parse(
      '{"shop":"1","__proto__":{"isAdmin":true},"constructor":{"prototype":{}},"total":0}',
    );
    expect((await findings(Order, data)).sort()).toEqual([
      '__proto__: is no field of Order but a part of the class',
      'constructor: is no field of Order but a part of the class',
      'total: is no field of Order but a part of the class',
    ]);
    expect('isAdmin' in {}).toBe(false);
  });

  it('nested data neither', async () => {
    const lines = [JSON.parse('{"sku":"a","price":{"cents":1,"__proto__":{"cents":2}}}')];
    expect(await findings(Order, { shop: '1', lines })).toEqual([
      'lines[0].price.__proto__: is no field of Price but a part of the class',
    ]);
  });

  it('names of Object.prototype are fields like any other', async () => {
    expect(await check(Order, { shop: '1', hasOwnProperty: 1, toString: 'x' })).toMatchObject({ toString: 'x' });
  });

  it('deeper than 32 levels is refused, 32 are not, and what contains itself ends', async () => {
    class Deep {
      @Nested(() => Deep) next?: Deep;
    }
    const nested = (levels: number): object => (levels === 1 ? {} : { next: nested(levels - 1) });
    expect(await check(Deep, nested(32))).toBeInstanceOf(Deep);
    expect(await findings(Deep, nested(33))).toEqual([
      `${Array(32).fill('next').join('.')}: is nested deeper than 32 levels`,
    ]);
    const endless: { next?: object } = {};
    endless.next = endless;
    expect(await findings(Deep, endless)).toHaveLength(1);
  });

  it('accessors of the class are used, and those without a setter left alone', async () => {
    class Guarded {
      private kept = '';
      get name(): string {
        return this.kept;
      }
      set name(value: string) {
        if (value === '') throw new RangeError('no empty name');
        this.kept = value.trim();
      }
      get length(): number {
        return this.kept.length;
      }
    }
    expect(await check(Guarded, { name: ' a ', length: 9 })).toMatchObject({ name: 'a', length: 1 });
    expect(await findings(Guarded, { name: '' })).toEqual(['name: was refused: no empty name']);
  });
});

describe('rules', () => {
  it('may be asynchronous', async () => {
    class Stocked {
      @rule('stock', async (value) => value === 'a') sku!: string;
    }
    expect(await check(Stocked, { sku: 'a' })).toEqual({ sku: 'a' });
    expect(await findings(Stocked, { sku: 'b' })).toEqual(['sku: is refused by stock']);
  });

  it.each([
    [
      'at once',
      () => {
        throw new Error('the stock is closed');
      },
    ],
    [
      'later',
      async () => {
        throw new Error('the stock is closed');
      },
    ],
    [
      'what is no Error',
      () => {
        throw Object.create(null);
      },
    ],
  ])('that throw %s are not the fault of the params', async (_when, validate) => {
    class Broken {
      @rule('stock', validate as unknown as () => boolean) sku!: string;
    }
    const error = await failure(Broken, { sku: 'a' });
    expect(error.code).toBe('LTS_PROCESSOR_INVALID');
    expect(error.message).toMatch(/the rules of Broken threw: (the stock is closed|a value of type object)/);
  });

  it('a class whose constructor needs arguments is named with its place', async () => {
    class Needy {
      readonly size: number;
      constructor(options: { size: number }) {
        this.size = options.size;
      }
    }
    class Holder {
      @Nested(() => Needy) needy?: Needy;
    }
    const error = await failure(Holder, { needy: {} });
    expect(error.code).toBe('LTS_PROCESSOR_INVALID');
    expect(error.message).toMatch(/^needy cannot become a Needy, whose constructor must need no arguments: .*size/);
  });

  it('a @Nested that names no class is refused, naming its place', async () => {
    class Circular {
      @Nested(() => undefined as unknown as Class) other?: unknown;
    }
    const error = await failure(Circular, { other: {} });
    expect([error.code, error.message]).toEqual([
      'LTS_PROCESSOR_INVALID',
      '@Nested of other names no class. Write @Nested(() => Line).',
    ]);
  });
});

it('@Nested compiled in the standard way is refused with the setting that is missing', () => {
  const standard = Nested(() => Price) as unknown as (value: undefined, context: object) => void;
  expect(() => standard(undefined, { kind: 'field', name: 'price' })).toThrow(/"experimentalDecorators": true/);
});
