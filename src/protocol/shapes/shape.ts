/** The shapes of message bodies: plain values, from which come the check, the JSON Schema and the TypeScript type. */

export interface TextShape {
  readonly is: 'text';
  readonly charsMax?: number;
  /** In a message, where quotes, backslashes and control characters are escaped. */
  readonly bytesMax?: number;
  readonly pattern?: string;
}
export interface NumberShape {
  readonly is: 'number' | 'whole';
  readonly min: number;
  readonly max: number;
}
export interface TruthShape {
  readonly is: 'truth';
}
/** A text, a number or a truth value. */
export interface ScalarShape {
  readonly is: 'scalar';
}
export interface OneOfShape<Word extends string = string> {
  readonly is: 'one-of';
  readonly words: readonly Word[];
}
export interface ListShape<Item extends Shape = Shape> {
  readonly is: 'list';
  readonly of: Item;
  readonly itemsMax: number;
}
/** Keys are free texts. */
export interface RecordShape<Value extends Shape = Shape> {
  readonly is: 'record';
  readonly of: Value;
}
export interface NullableShape<Inner extends Shape = Shape> {
  readonly is: 'nullable';
  readonly of: Inner;
}
export type Fields = { readonly [Name in string]: Shape | OptionalShape | AbsentShape };
/** Fields that are not named here are allowed, kept and ignored. */
export interface ObjectShape<F extends Fields = Fields> {
  readonly is: 'object';
  readonly fields: F;
}
/** Objects told apart by their field `kind`. */
export interface UnionShape<
  Cases extends Readonly<Record<string, ObjectShape>> = Readonly<Record<string, ObjectShape>>,
> {
  readonly is: 'union';
  readonly cases: Cases;
}
/** Objects told apart by whether they have the field `field`. */
export interface EitherShape<With extends ObjectShape = ObjectShape, Without extends ObjectShape = ObjectShape> {
  readonly is: 'either';
  readonly field: string;
  readonly with: With;
  readonly without: Without;
}
export type Shape =
  | TextShape
  | NumberShape
  | TruthShape
  | ScalarShape
  | OneOfShape
  | ListShape
  | RecordShape
  | NullableShape
  | ObjectShape
  | UnionShape
  | EitherShape;

/** The field may be left out. */
export interface OptionalShape<Inner extends Shape = Shape> {
  readonly is: 'optional';
  readonly of: Inner;
}
/** The field must be left out. */
export interface AbsentShape {
  readonly is: 'absent';
}

export const text = (bounds: Omit<TextShape, 'is'> = {}): TextShape => ({
  is: 'text',
  ...bounds,
});
export const whole = (min: number, max: number): NumberShape => ({ is: 'whole', min, max });
export const number = (min: number, max: number): NumberShape => ({ is: 'number', min, max });
export const truth: TruthShape = { is: 'truth' };
export const scalar: ScalarShape = { is: 'scalar' };
export const absent: AbsentShape = { is: 'absent' };
export const oneOf = <const Word extends string>(...words: readonly Word[]): OneOfShape<Word> => ({
  is: 'one-of',
  words,
});
export const list = <Item extends Shape>(of: Item, itemsMax: number): ListShape<Item> => ({ is: 'list', of, itemsMax });
export const record = <Value extends Shape>(of: Value): RecordShape<Value> => ({ is: 'record', of });
export const nullable = <Inner extends Shape>(of: Inner): NullableShape<Inner> => ({ is: 'nullable', of });
export const optional = <Inner extends Shape>(of: Inner): OptionalShape<Inner> => ({ is: 'optional', of });
export const object = <F extends Fields>(fields: F): ObjectShape<F> => ({ is: 'object', fields });
export const union = <Cases extends Readonly<Record<string, ObjectShape>>>(cases: Cases): UnionShape<Cases> => ({
  is: 'union',
  cases,
});
export const either = <With extends ObjectShape, Without extends ObjectShape>(
  field: string,
  branches: { readonly with: With; readonly without: Without },
): EitherShape<With, Without> => ({ is: 'either', field, ...branches });

/** What a body of this shape is in TypeScript. */
export type TypeOf<S> = S extends { readonly is: 'text' }
  ? string
  : S extends { readonly is: 'whole' | 'number' }
    ? number
    : S extends { readonly is: 'truth' }
      ? boolean
      : S extends { readonly is: 'scalar' }
        ? string | number | boolean
        : S extends { readonly is: 'one-of'; readonly words: readonly (infer Word)[] }
          ? Word
          : S extends { readonly is: 'list'; readonly of: infer Item }
            ? readonly TypeOf<Item>[]
            : S extends { readonly is: 'record'; readonly of: infer Value }
              ? Record<string, TypeOf<Value>>
              : S extends { readonly is: 'nullable'; readonly of: infer Inner }
                ? TypeOf<Inner> | null
                : S extends { readonly is: 'object'; readonly fields: infer F }
                  ? TypeOfFields<F>
                  : S extends { readonly is: 'union'; readonly cases: infer Cases }
                    ? { [Kind in keyof Cases]: { kind: Kind } & TypeOf<Cases[Kind]> }[keyof Cases]
                    : S extends { readonly is: 'either'; readonly with: infer With; readonly without: infer Without }
                      ? TypeOf<With> | TypeOf<Without>
                      : never;

type TypeOfFields<F> = keyof F extends never
  ? Record<string, never>
  : {
      -readonly [Name in keyof F as F[Name] extends OptionalShape | AbsentShape ? never : Name]: TypeOf<F[Name]>;
    } & {
      -readonly [Name in keyof F as F[Name] extends OptionalShape ? Name : never]?:
        | (F[Name] extends { readonly is: 'optional'; readonly of: infer Inner } ? TypeOf<Inner> : never)
        | undefined;
    };
