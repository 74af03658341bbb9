/**
 * From a shape to the check of a decoded body: compiled once into closures. Where the body is as it should be nothing is
 * allocated; else the first wrong place is named.
 */
import { shown } from '../../kit/shown.js';
import { tooLarge } from '../../kit/wire-bytes.js';
import { limits } from '../limits.js';
import type { EitherShape, Fields, ObjectShape, OneOfShape, Shape, TextShape, UnionShape } from './shape.js';

/** What is wrong, and where: `.jobs[3].body.priority` and `1.5 is no whole number`. */
export interface Fault {
  readonly path: string;
  readonly what: string;
}
export type Check = (value: unknown) => Fault | undefined;

type Values = Readonly<Record<string, unknown>>;

export function checkOf(shape: Shape): Check {
  switch (shape.is) {
    case 'text':
      return textCheck(shape);
    case 'whole':
      return wholeCheck(shape.min, shape.max);
    case 'number':
      return numberCheck(shape.min, shape.max);
    case 'truth':
      return (value) => (typeof value === 'boolean' ? undefined : wrong(value, 'is neither true nor false'));
    case 'scalar':
      return scalarCheck;
    case 'one-of':
      return oneOfCheck(shape);
    case 'nullable':
      return nullableCheck(checkOf(shape.of));
    case 'list':
      return listCheck(checkOf(shape.of), shape.itemsMax);
    case 'record':
      return recordCheck(checkOf(shape.of));
    case 'object':
      return objectCheck(shape, []);
    case 'union':
      return unionCheck(shape);
    case 'either':
      return eitherCheck(shape);
  }
}

function wrong(value: unknown, what: string): Fault {
  return { path: '', what: `${value === undefined ? 'nothing' : shown(value)} ${what}` };
}

const within = (step: string, { path, what }: Fault): Fault => ({ path: step + path, what });

function textCheck({
  charsMax = Number.POSITIVE_INFINITY,
  bytesMax = Number.POSITIVE_INFINITY,
  pattern,
}: TextShape): Check {
  const expression = pattern === undefined ? undefined : new RegExp(pattern);
  return (value) => {
    if (typeof value !== 'string') return wrong(value, 'is no text');
    if (value.length > charsMax) return { path: '', what: `${value.length} characters are more than ${charsMax}` };
    const what = tooLarge(value, bytesMax);
    if (what !== undefined) return { path: '', what };
    if (expression && !expression.test(value)) return wrong(value, `does not match ${pattern}`);
    return undefined;
  };
}

function wholeCheck(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrong(value, 'is no whole number');
    return value >= min && value <= max ? undefined : wrong(value, `is not from ${min} to ${max}`);
  };
}

function numberCheck(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'number') return wrong(value, 'is no number');
    return value >= min && value <= max ? undefined : wrong(value, `is not from ${min} to ${max}`);
  };
}

function scalarCheck(value: unknown): Fault | undefined {
  const type = typeof value;
  if (type === 'string' || type === 'number' || type === 'boolean') return undefined;
  return wrong(value, 'is no text, number or truth value');
}

function oneOfCheck({ words }: OneOfShape): Check {
  const known = new Set<unknown>(words);
  return (value) => (known.has(value) ? undefined : wrong(value, `is none of ${words.join(', ')}`));
}

function nullableCheck(check: Check): Check {
  return (value) => (value === null ? undefined : check(value));
}

function listCheck(check: Check, itemsMax: number): Check {
  return (value) => {
    if (!Array.isArray(value)) return wrong(value, 'is no list');
    if (value.length > itemsMax) return { path: '', what: `${value.length} items are more than ${itemsMax}` };
    for (let i = 0; i < value.length; i++) {
      const fault = check(value[i]);
      if (fault) return within(`[${i}]`, fault);
    }
    return undefined;
  };
}

function recordCheck(check: Check): Check {
  return (value) => {
    if (!isObject(value)) return wrong(value, 'is no object');
    for (const key in value) {
      // A group may be named `constructor`; its own key is harmless to whoever reads with `Object.entries`.
      const fault = key === '__proto__' ? reserved : check(value[key]);
      if (fault) return within(`.${key.slice(0, 80)}`, fault);
    }
    return undefined;
  };
}

/** `more`: fields that something else has checked. */
function objectCheck({ fields }: ObjectShape, more: readonly string[]): Check {
  const names = Object.keys(fields);
  const checks = names.map((name) => fieldCheck(fields[name] as Fields[string]));
  const known = new Set([...names, ...more]);
  return (value) => {
    if (!isObject(value)) return wrong(value, 'is no object');
    let present = more.length;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const field = value[name];
      if (field !== undefined) present++;
      const fault = (checks[i] as Check)(field);
      if (fault) return within(`.${name}`, fault);
    }
    return countOf(value) === present ? undefined : unknownFault(value, known);
  };
}

function fieldCheck(shape: Fields[string]): Check {
  if (shape.is === 'absent') return (value) => (value === undefined ? undefined : wrong(value, 'must be left out'));
  if (shape.is !== 'optional') return checkOf(shape);
  const check = checkOf(shape.of);
  return (value) => (value === undefined ? undefined : check(value));
}

function unionCheck({ cases }: UnionShape): Check {
  const checks = new Map<unknown, Check>(
    Object.entries(cases).map(([kind, shape]) => [kind, objectCheck(shape, ['kind'])]),
  );
  const kinds = Object.keys(cases).join(', ');
  return (value) => {
    if (!isObject(value)) return wrong(value, 'is no object');
    const check = checks.get(value.kind);
    return check ? check(value) : within('.kind', wrong(value.kind, `is none of ${kinds}`));
  };
}

function eitherCheck(shape: EitherShape): Check {
  const checkWith = checkOf(shape.with);
  const checkWithout = checkOf(shape.without);
  return (value) => {
    if (!isObject(value)) return wrong(value, 'is no object');
    return shape.field in value ? checkWith(value) : checkWithout(value);
  };
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Enumerating a decoded object costs a few ns and allocates nothing, unlike `Object.keys`. */
function countOf(value: Values): number {
  let count = 0;
  for (const _ in value) count++;
  return count;
}

const isReserved = (key: string): boolean => key === '__proto__' || key === 'constructor';
const reserved: Fault = { path: '', what: 'a key of this name is refused' };

/** Fields that this version does not know may hold anything that is harmless to keep. */
function unknownFault(value: Values, known: ReadonlySet<string>): Fault | undefined {
  for (const key in value) {
    if (known.has(key)) continue;
    const fault = isReserved(key) ? reserved : deepFault(value[key], limits.depthMax);
    if (fault) return within(`.${key.slice(0, 80)}`, fault);
  }
  return undefined;
}

function deepFault(value: unknown, depthLeft: number): Fault | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depthLeft === 0) return { path: '', what: `it is nested deeper than ${limits.depthMax} levels` };
  for (const [key, inner] of Object.entries(value)) {
    if (isReserved(key)) return reserved;
    const fault = deepFault(inner, depthLeft - 1);
    if (fault) return fault;
  }
  return undefined;
}
