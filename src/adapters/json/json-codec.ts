/** Values as JSON text: one walk that finds what JSON would lose or refuse, then one `JSON.stringify`. */
import { LtsError } from '../../errors.js';
import { tooLarge } from '../../kit/wire-bytes.js';
import type { Codec } from '../../ports/codec.js';

export interface JsonCodecOptions {
  /** Most bytes of the text in a message, where its quotes and backslashes are escaped once more. Default 256 KiB. */
  readonly bytesMax?: number;
  /** Most levels of objects and arrays. Default 32. */
  readonly depthMax?: number;
}

/** Something that cannot travel, and where: keys from the outside in. */
interface Fault {
  readonly what: string;
  readonly path: (string | number)[];
  readonly isTooLarge?: boolean;
}

/** JSON would silently turn these into `{}`. */
const opaqueClasses = [Map, Set, WeakMap, WeakSet, Promise, RegExp, Error, ArrayBuffer];

/**
 * Gives plain data back unchanged, and refuses what JSON would lose: functions, symbols, BigInt, NaN, Map, Set, Promise and
 * their like, keys named `__proto__`, and values that contain themselves. Instances of other classes come back as plain
 * objects, objects with a `toJSON` (Date) as what it answers. `undefined` encodes to `null`, in arrays too, and is left out
 * as a property. `decode` throws LTS_PAYLOAD_INVALID for text that is not JSON or has a key named `__proto__`.
 */
export class JsonCodec implements Codec {
  private readonly bytesMax: number;
  private readonly depthMax: number;

  constructor(options: JsonCodecOptions = {}) {
    this.bytesMax = options.bytesMax ?? 256 * 1024;
    this.depthMax = options.depthMax ?? 32;
  }

  encode(value: unknown, field: string): string {
    const walk = new Walk(this.depthMax, this.bytesMax);
    refuse(walk.check(value, 0), field);
    const text = stringify(value, field);
    // What a toJSON answered is seen in the text only.
    if (walk.hasToJson) refuse(new Walk(this.depthMax, this.bytesMax).check(JSON.parse(text), 0), field);
    const what = tooLarge(text, this.bytesMax);
    if (what !== undefined) refuse(tooMuch(`has ${what}`), field);
    return text;
  }

  decode(text: string): unknown {
    const value = parse(text);
    // An escape may hide the name of a key, so it is as suspicious as the name itself.
    if (text.includes('__proto__') || text.includes('\\u')) refuse(findProtoKey(value), 'value');
    return value;
  }
}

class Walk {
  hasToJson = false;
  private nodesLeft: number;

  /** Every value takes a byte at least, so more values than bytes are too many: shared parts cannot blow the walk up. */
  constructor(
    private readonly depthMax: number,
    bytesMax: number,
  ) {
    this.nodesLeft = bytesMax;
  }

  check(value: unknown, depth: number): Fault | undefined {
    if (--this.nodesLeft < 0) return tooMuch('has too many values');
    if (typeof value === 'string' || typeof value === 'boolean' || value === undefined || value === null)
      return undefined;
    if (typeof value === 'number')
      return Number.isFinite(value) ? undefined : fault(`is ${value}, which JSON cannot hold`);
    if (typeof value !== 'object') return fault(`is a ${typeof value}, which JSON cannot hold`);
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
      this.hasToJson = true;
      return undefined;
    }
    if (depth === this.depthMax) return fault(`is nested deeper than ${this.depthMax} levels, or contains itself`);
    return Array.isArray(value) ? this.checkArray(value, depth + 1) : this.checkObject(value, depth + 1);
  }

  private checkArray(array: readonly unknown[], depth: number): Fault | undefined {
    for (let i = 0; i < array.length; i++) {
      const found = this.check(array[i], depth);
      if (found) return within(found, i);
    }
    return undefined;
  }

  private checkObject(object: object, depth: number): Fault | undefined {
    const opaque = opaqueName(object);
    if (opaque) return fault(`is a ${opaque}, which JSON cannot hold`);
    for (const key of Object.keys(object)) {
      if (key === '__proto__') return within(fault('is a key that is refused'), key);
      const found = this.check((object as Record<string, unknown>)[key], depth);
      if (found) return within(found, key);
    }
    return undefined;
  }
}

function opaqueName(object: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === null) return undefined;
  const isOpaque = ArrayBuffer.isView(object) || opaqueClasses.some((opaque) => object instanceof opaque);
  return isOpaque ? object.constructor.name : undefined;
}

/** Its own stack, because text from outside may be nested deeper than calls can be. */
function findProtoKey(root: unknown): Fault | undefined {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return fault("has a key named '__proto__', which is refused");
    for (const child of Object.values(value)) open.push(child);
  }
  return undefined;
}

function stringify(value: unknown, field: string): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (cause) {
    throw new LtsError('LTS_PAYLOAD_INVALID', `${field} cannot be encoded as JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LtsError('LTS_PAYLOAD_INVALID', `The text is not JSON: ${(cause as Error).message}`, { cause });
  }
}

const fault = (what: string): Fault => ({ what, path: [] });
const tooMuch = (what: string): Fault => ({ what, path: [], isTooLarge: true });

function within(found: Fault, key: string | number): Fault {
  found.path.unshift(key);
  return found;
}

/** Throws what was found, naming its place as the user would write it: `params.lines[2].price`. */
function refuse(found: Fault | undefined, field: string): void {
  if (!found) return;
  const place = found.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  if (found.isTooLarge)
    throw new LtsError(
      'LTS_PAYLOAD_TOO_LARGE',
      `${field} ${found.what}. Store the data elsewhere and pass a reference.`,
    );
  throw new LtsError('LTS_PAYLOAD_INVALID', `${field}${place} ${found.what}. Pass plain data.`);
}
