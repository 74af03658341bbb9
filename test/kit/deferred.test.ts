/** A promise together with the functions that settle it. */
import { expect, it } from 'vitest';
import { Deferred } from '../../src/kit/deferred.js';

it('settles as told, once', async () => {
  const one = new Deferred<number>();
  one.resolve(1);
  one.resolve(2);
  one.reject(new Error('too late'));
  await expect(one.promise).resolves.toBe(1);
  const other = new Deferred<number>();
  other.reject(new Error('no'));
  await expect(other.promise).rejects.toThrow('no');
});
