/** How many runs fit. */
import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/task-tracker/slots.js';

/** A slot is received, then started. */
function begin(slots: Slots): void {
  slots.receive();
  slots.start();
}

it('running and promised slots are not free', () => {
  const slots = new Slots(4);
  expect(slots.free).toBe(4);
  slots.promise(2);
  begin(slots);
  expect(slots.free).toBe(1);
  slots.takeBack(2);
  slots.end(1_000);
  expect(slots.free).toBe(4);
});

it('a job that waits here takes a slot until it starts or is given up', () => {
  const slots = new Slots(2);
  slots.receive();
  expect(slots.free).toBe(1);
  slots.giveUp();
  expect(slots.free).toBe(2);
});

it('never starts more than workThreads', () => {
  const slots = new Slots(2);
  begin(slots);
  expect(slots.canStart).toBe(true);
  begin(slots);
  expect(slots.canStart).toBe(false);
  slots.end(5);
  expect(slots.canStart).toBe(true);
});

it('more runs than slots leave none free, and none is negative', () => {
  const slots = new Slots(1);
  begin(slots);
  begin(slots);
  expect(slots.free).toBe(0);
  slots.end(1_000);
  expect(slots.free).toBe(0);
  slots.end(1_000);
  expect(slots.free).toBe(1);
});

describe('fetching ahead', () => {
  it('offers twice the slots while recent runs were short', () => {
    const slots = new Slots(8);
    begin(slots);
    slots.end(3);
    expect(slots.free).toBe(16);
  });

  it('stops with the first runs that are long', () => {
    const slots = new Slots(8);
    for (const ranMs of [3, 3, 3, 1_000]) {
      begin(slots);
      slots.end(ranMs);
    }
    expect(slots.free).toBe(8);
  });
});
