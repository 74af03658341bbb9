/** From a shape to its JSON Schema, draft 2020-12. */
import type { Fields, Shape } from './shape.js';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** `named`: shapes that are written once, under `$defs`, and referred to by their name. */
export function jsonSchemaOf(shape: Shape, named: ReadonlyMap<unknown, string>): JsonSchema {
  const name = named.get(shape);
  return name === undefined ? spelledOut(shape, named) : { $ref: `#/$defs/${name}` };
}

/** The schema of the shape itself; only what it holds is referred to by name. */
export function spelledOut(shape: Shape, named: ReadonlyMap<unknown, string>): JsonSchema {
  const of = (inner: Shape) => jsonSchemaOf(inner, named);
  switch (shape.is) {
    case 'text':
      return {
        type: 'string',
        ...(shape.charsMax === undefined ? {} : { maxLength: shape.charsMax }),
        // A schema cannot count bytes: two of them are the quotes around the text.
        ...(shape.bytesMax === undefined
          ? {}
          : { maxLength: shape.bytesMax - 2, description: `at most ${shape.bytesMax} bytes as a JSON string` }),
        ...(shape.pattern === undefined ? {} : { pattern: shape.pattern }),
      };
    case 'whole':
    case 'number':
      return {
        type: shape.is === 'whole' ? 'integer' : 'number',
        ...(shape.max === Number.MAX_VALUE ? {} : { minimum: shape.min, maximum: shape.max }),
      };
    case 'truth':
      return { type: 'boolean' };
    case 'scalar':
      return { type: ['string', 'number', 'boolean'] };
    case 'one-of':
      return { enum: shape.words };
    case 'nullable':
      return { anyOf: [of(shape.of), { type: 'null' }] };
    case 'list':
      return { type: 'array', items: of(shape.of), maxItems: shape.itemsMax };
    case 'record':
      return { type: 'object', additionalProperties: of(shape.of) };
    case 'object':
      return objectSchema(shape.fields, named);
    case 'union':
      return {
        oneOf: Object.entries(shape.cases).map(([kind, { fields }]) =>
          objectSchema(fields, named, { kind: { const: kind } }),
        ),
      };
    case 'either':
      return {
        if: { required: [shape.field] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; the value is never awaited.
        then: of(shape.with),
        else: of(shape.without),
      };
  }
}

function objectSchema(
  fields: Fields,
  named: ReadonlyMap<unknown, string>,
  first: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.filter(([, { is }]) => is !== 'optional' && is !== 'absent').map(([name]) => name);
  const properties = entries.map(([name, field]) => [name, fieldSchema(field, named)] as const);
  return {
    type: 'object',
    required: [...Object.keys(first), ...required],
    properties: { ...first, ...Object.fromEntries(properties) },
  };
}

function fieldSchema(field: Fields[string], named: ReadonlyMap<unknown, string>): unknown {
  if (field.is === 'absent') return false;
  return jsonSchemaOf(field.is === 'optional' ? field.of : field, named);
}
