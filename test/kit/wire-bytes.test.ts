/** A text never weighs more on the wire than was said. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wireBytes } from '../../src/kit/wire-bytes.js';

const real = (text: string): number => Buffer.byteLength(JSON.stringify(text));

it.each(['', 'plain', '"\\', '\n\u0001', 'é漢', '{"a":"b"}'])('%j is weighed exactly or a little more', (text) => {
  expect(wireBytes(text)).toBeGreaterThanOrEqual(real(text));
  expect(wireBytes(text)).toBeLessThanOrEqual(real(text) + 4 * text.length);
});

it('any text, with broken pairs too, is never under-weighed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0xd800, max: 0xdfff }), (text, lone) => {
      const whole = text + String.fromCharCode(lone);
      expect(wireBytes(whole)).toBeGreaterThanOrEqual(real(whole));
    }),
  );
});
