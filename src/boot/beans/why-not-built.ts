/** Why the container could not build a class, in words that name the way from the class to what is missing. */
import type { Class } from '../../job/contract.js';
import { textOf } from '../../kit/shown.js';
import { nameOf } from './bean-names.js';

/** Reads inversify 8's own sentences; an unknown one is passed on as it is. */
export function whyNotBuilt(type: Class, error: unknown): string {
  const text = error instanceof Error ? error.message : textOf(error);
  return `${nameOf(type)} cannot be built: ${missing(type, text) ?? undeclared(text) ?? other(error, text)}`;
}

function missing(type: Class, text: string): string | undefined {
  const token = /No bindings found for service: "(.+?)"/.exec(text)?.[1];
  const asker = /Trying to resolve bindings for "(.+?)(?: \(Root service\))?"/.exec(text)?.[1];
  if (token === undefined || asker === undefined) return undefined;
  const way = [...(wayTo(asker, type) ?? [type.name, '...', asker]), token];
  return `nothing is bound to ${token} (${way.join(' -> ')}). Bind it in the container that is given to the application.`;
}

function undeclared(text: string): string | undefined {
  const type = /missing metadata on type "(.+?)"/.exec(text)?.[1];
  if (type === undefined) return undefined;
  return (
    `it is not known what the constructor of ${type} takes. Put @inject(token) before each of its parameters, ` +
    `or switch emitDecoratorMetadata on, mark ${type} with @injectable() and import 'reflect-metadata' before anything else.`
  );
}

function other(error: unknown, text: string): string {
  const first = text.split('\n')[0]?.replace(/\.$/, '') ?? '';
  const isInversify = error instanceof Error && error.constructor.name.startsWith('Inversify');
  if (isInversify) return `${first}. Correct its constructor or the bindings.`;
  return `a constructor on the way threw: ${first}. A constructor should only store what it is given.`;
}

/** The classes from one to the next that asks for it, the shortest way; undefined where a token in between is no class. */
function wayTo(name: string, from: Class): string[] | undefined {
  const ways = [[from]];
  const seen = new Set(ways[0]);
  for (const way of ways) {
    const last = way.at(-1) as Class;
    if (last.name === name) return way.map((type) => type.name);
    for (const next of classesAskedFor(last)) {
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** Inversify's own notes of a constructor. Not a public format: where it changes, the way is shown shorter. */
function classesAskedFor(type: Class): Class[] {
  const notes = Reflect.getOwnMetadata('@inversifyjs/core/classMetadataReflectKey', type);
  const parameters: readonly { value?: unknown }[] = notes?.constructorArguments ?? [];
  return parameters.flatMap(({ value }) => (typeof value === 'function' ? [value as Class] : []));
}
