/** What a text weighs as part of a JSON message. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wireBytes } from '../../src/kit/wire-bytes.js';

const real = (text: string): number => Buffer.byteLength(JSON.stringify(text));
const everyUnit = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));

it('any text, with broken pairs too, is weighed exactly', () => {
  expect(everyUnit.filter((unit) => wireBytes(unit) !== real(unit))).toEqual([]);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0xd800, max: 0xdfff }), (text, lone) => {
      const half = String.fromCharCode(lone);
      for (const whole of [text, text + half, half + text, half + half]) expect(wireBytes(whole)).toBe(real(whole));
    }),
  );
});
