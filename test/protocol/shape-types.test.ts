import { expectTypeOf, it } from 'vitest';
import type { MessageKind, Messages } from '../../src/protocol/messages.js';
import type { messageShapes } from '../../src/protocol/shapes/message-shapes.js';
import type { TypeOf } from '../../src/protocol/shapes/shape.js';

/** The same type, spelled out: no interfaces, intersections, `readonly` or `| undefined` that a strict comparison would see. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<Exclude<T[Key], undefined>> }
    : T;
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;
type Shapes = typeof messageShapes;
type Part = 'body' | 'reply';
/** The kinds whose type is not the type of their shape. */
type Different<P extends Part> = {
  [K in MessageKind]: Same<Messages[K][P], TypeOf<Shapes[K][P]>> extends true ? never : K;
}[MessageKind];

it('the type of each message is the type of its shape; tsc holds it', () => {
  expectTypeOf<Different<'body'>[]>().toEqualTypeOf<never[]>();
  expectTypeOf<Different<'reply'>[]>().toEqualTypeOf<never[]>();
});
