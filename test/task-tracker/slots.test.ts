/** How many runs fit. */
import { expect, it } from 'vitest';
import { Slots } from '../../src/task-tracker/slots.js';

it('running and promised slots are not free', () => {
  const slots = new Slots(4);
  expect(slots.free).toBe(4);
  slots.promise(2);
  slots.start();
  expect(slots.free).toBe(1);
  slots.takeBack(2);
  slots.end();
  expect(slots.free).toBe(4);
});

it('an overfull node has no free slot, not less than none', () => {
  const slots = new Slots(1);
  slots.start();
  slots.start();
  expect(slots.free).toBe(0);
  slots.end();
  expect(slots.free).toBe(0);
  slots.end();
  expect(slots.free).toBe(1);
});
