/** Random damage to a message body, as fast-check draws it: one place is removed, or holds something else. */
import fc from 'fast-check';

type Place = readonly (string | number)[];

function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null || at.length === 8) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...at, key]))];
}

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** JSON text of what may stand where something else was expected. */
const wrong = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '-1',
    '0.5',
    '1e308',
    '9007199254740993',
    '[[[]]]',
    '[null]',
    '{"kind":"x"}',
  ),
  fc.constantFrom(
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":1}}',
    '{"jobId":5}',
    '{"length":-1}',
    '"__proto__"',
  ),
  fc.integer({ min: 1, max: 60 }).map(nested),
  fc.constant(nested(2_000)),
  fc.constant(`[${'0,'.repeat(1_500)}0]`),
  fc.string({ maxLength: 300 }).map((text) => JSON.stringify(text)),
  fc.constant(JSON.stringify('x'.repeat(300_000))),
  fc.integer().map(String),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
);

function withPlace(value: unknown, [key, ...rest]: Place, text: string | undefined): unknown {
  if (key === undefined) return text === undefined ? undefined : JSON.parse(text);
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  if (rest.length === 0 && text === undefined) {
    if (Array.isArray(copy)) copy.splice(Number(key), 1);
    else delete copy[key];
  } else copy[key] = withPlace(copy[key], rest, text);
  return copy;
}

/** The body with one to three places damaged, or with a further field that holds anything. */
export function damaged(body: unknown): fc.Arbitrary<unknown> {
  const one = (value: unknown): fc.Arbitrary<unknown> =>
    fc
      .tuple(
        fc.constantFrom(...placesOf(value)),
        fc.option(wrong, { nil: undefined, freq: 4 }),
        fc.integer({ min: 0, max: 9 }),
      )
      .map(([place, text, more]) => withPlace(value, more === 0 ? [...place, 'more'] : place, text));
  return fc.oneof({ weight: 3, arbitrary: one(body) }, { weight: 1, arbitrary: one(body).chain((once) => one(once)) });
}
