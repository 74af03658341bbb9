/** What nodes of one process share is opened once, closed once, and never used while it closes. */
import { expect, it } from 'vitest';
import { Shared } from '../../../src/boot/places/shared.js';
import { Deferred } from '../../../src/kit/deferred.js';

class Thing {
  isClosed = false;
  readonly closing = new Deferred<void>();

  async close(): Promise<void> {
    await this.closing.promise;
    this.isClosed = true;
  }
}

const aThing = async () => new Thing();

it('those who enter at once get the same thing; it closes when the last has left', async () => {
  const shared = new Shared<Thing>();
  const [one, two] = await Promise.all([shared.enter('a', aThing), shared.enter('a', aThing)]);
  expect(two).toBe(one);
  expect(await shared.enter('b', aThing)).not.toBe(one);
  await shared.leave('a');
  expect(one.isClosed).toBe(false);
  one.closing.resolve();
  await shared.leave('a');
  expect(one.isClosed).toBe(true);
});

it('who enters while it closes waits, and gets a new one', async () => {
  const shared = new Shared<Thing>();
  const old = await shared.enter('a', aThing);
  const left = shared.leave('a');
  const entered = shared.enter('a', async () => {
    expect(old.isClosed).toBe(true);
    return new Thing();
  });
  old.closing.resolve();
  await left;
  expect(await entered).not.toBe(old);
});

it('who enters while another leaves does not get what closes', async () => {
  const shared = new Shared<Thing>();
  const one = await shared.enter('a', aThing);
  one.closing.resolve();
  const [entered] = await Promise.all([shared.enter('a', aThing), shared.leave('a')]);
  expect(entered.isClosed).toBe(false);
});

it('an opening that fails leaves nothing behind', async () => {
  const shared = new Shared<Thing>();
  const failing = () => Promise.reject(new Error('no disk'));
  await expect(Promise.all([shared.enter('a', failing), shared.enter('a', failing)])).rejects.toThrow('no disk');
  await expect(shared.enter('a', aThing)).resolves.toBeInstanceOf(Thing);
});
