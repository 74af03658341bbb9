/** Types of data on its way: what a class looks like as the plain data that is sent, and as what comes back from JSON. */

type Atom = string | number | boolean | bigint | symbol | null | undefined | Date;

// biome-ignore lint/suspicious/noExplicitAny: any function at all.
type AnyFunction = (...args: any[]) => unknown;

/** Without methods, and read-only lists will do; a type that is plain already stays as it is. */
export type Sent<T> = T extends Atom ? T : SentShape<T> extends T ? T : SentShape<T>;

type SentShape<T> = unknown extends T
  ? T
  : T extends readonly unknown[]
    ? { readonly [Index in keyof T]: Sent<T[Index]> }
    : { [Key in keyof T as NonNullable<T[Key]> extends AnyFunction ? never : Key]: Sent<T[Key]> };

/** After JSON: a Date is its text, methods are gone; a type that is plain already stays as it is. */
export type Received<T> = unknown extends T
  ? T
  : T extends { toJSON(...args: never): infer Json }
    ? Json
    : T extends Atom
      ? T
      : T extends void
        ? undefined
        : T extends ReceivedShape<T>
          ? ReceivedShape<T> extends T
            ? T
            : ReceivedShape<T>
          : ReceivedShape<T>;

type ReceivedShape<T> = T extends readonly unknown[]
  ? { [Index in keyof T]: Received<T[Index]> }
  : { [Key in keyof T as NonNullable<T[Key]> extends AnyFunction ? never : Key]: Received<T[Key]> };
