/** Instances: makes plain data an instance of a params class, with the classes that it holds. */
import { LtsError } from '../../errors.js';
import type { Class } from '../../job/contract.js';
import { nestedMarksOf } from '../../job/nested-marks.js';
import { type Finding, pathOf } from './findings.js';

export interface Instance {
  readonly type: Class;
  readonly object: object;
  readonly path: string;
}

const depthMax = 32;
/** The day is the first group. Years beyond 9999 as `toISOString` writes them. */
const isoPattern = /^((?:[+-]\d{2})?\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** One conversion. The data is never changed; parts that no class claims are taken over as they are. */
export class Instances {
  readonly findings: Finding[] = [];
  /** Everything that was made, each to be checked by its own class. */
  readonly made: Instance[] = [];

  /**
   * `new type()`, so that defaults of fields stand where the data has none, then the data's own enumerable fields. What is wrong is
   * noted in `findings`, and the data is answered as it is.
   */
  make(type: Class, data: unknown, path = ''): unknown {
    return this.makeAt(type, data, { path, depth: 0 });
  }

  private makeAt(type: Class, data: unknown, at: { path: string; depth: number }): unknown {
    if (type === Date) return this.dateOf(data, at.path);
    if (typeof data !== 'object' || data === null || Array.isArray(data))
      return this.refuse(data, at.path, 'must be an object');
    if (at.depth === depthMax) return this.refuse(data, at.path, `is nested deeper than ${depthMax} levels`);
    const object = newOf(type, at.path);
    this.made.push({ type, object, path: at.path });
    this.fill(object, { type, data, at });
    return object;
  }

  private fill(object: object, from: { type: Class; data: object; at: { path: string; depth: number } }): void {
    const { type, data, at } = from;
    const nested = nestedMarksOf(type);
    for (const [key, value] of Object.entries(data)) {
      if (value === undefined) continue;
      const path = pathOf(at.path, key);
      const nestedType = nested.get(key);
      if (!this.isField(type, key, path)) continue;
      const here = { path, depth: at.depth + 1 };
      this.assign(object, key, {
        path,
        value: nestedType ? this.nestedOf(classOf(nestedType, path), value, here) : value,
      });
    }
  }

  private nestedOf(type: Class, value: unknown, at: { path: string; depth: number }): unknown {
    if (value === null) return value;
    if (!Array.isArray(value)) return this.makeAt(type, value, at);
    return value.map((each, index) => this.makeAt(type, each, { ...at, path: pathOf(at.path, index) }));
  }

  /** Data must not replace what the class says of itself: its methods, its constructor, its prototype. */
  private isField(type: Class, key: string, path: string): boolean {
    const member = key === '__proto__' ? undefined : memberOf(type, key);
    if (key !== '__proto__' && typeof member?.value !== 'function') return !member?.get || member.set !== undefined;
    this.refuse(undefined, path, `is no field of ${type.name} but a part of the class`);
    return false;
  }

  private assign(object: object, key: string, { path, value }: { path: string; value: unknown }): void {
    try {
      (object as Record<string, unknown>)[key] = value;
    } catch (error) {
      this.refuse(undefined, path, `was refused: ${textOf(error)}`);
    }
  }

  private dateOf(data: unknown, path: string): unknown {
    const date = data instanceof Date || isIsoText(data) ? new Date(data) : undefined;
    if (date && !Number.isNaN(date.getTime())) return date;
    return this.refuse(data, path, 'must be a date in ISO 8601 form');
  }

  private refuse(data: unknown, path: string, rule: string): unknown {
    this.findings.push({ path, rule });
    return data;
  }
}

function newOf(type: Class, path: string): object {
  try {
    return new type() as object;
  } catch (cause) {
    const text = `${path || 'params'} cannot become a ${type.name}, whose constructor must need no arguments: ${textOf(cause)}`;
    throw new LtsError('LTS_PROCESSOR_INVALID', text, { cause });
  }
}

/** With a day that the calendar has: JavaScript would read 30 February as 2 March. */
function isIsoText(data: unknown): data is string {
  const day = typeof data === 'string' ? isoPattern.exec(data)?.[1] : undefined;
  const start = new Date(day ?? Number.NaN);
  return !Number.isNaN(start.getTime()) && start.toISOString().startsWith(`${day}T`);
}

function classOf(type: () => Class, path: string): Class {
  const found: unknown = type();
  if (typeof found === 'function') return found as Class;
  throw new LtsError('LTS_PROCESSOR_INVALID', `@Nested of ${path} names no class. Write @Nested(() => Line).`);
}

/** A method, accessor or constructor that the class has under this name. */
function memberOf(type: Class, key: string): PropertyDescriptor | undefined {
  for (
    let part = type.prototype as object | null;
    part && part !== Object.prototype;
    part = Object.getPrototypeOf(part)
  ) {
    const member = Object.getOwnPropertyDescriptor(part, key);
    if (member) return member;
  }
  return undefined;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
