/** What every FailStore promises. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FailEntry, FailStore } from '../../src/ports/fail-store.js';

export interface FailStoreFixture {
  /** A new, unopened store on an empty place; the same place again after `reopen`. */
  create(bounds?: { entriesMax?: number; bytesMax?: number }): FailStore;
  /** Absent where nothing survives the object. */
  reopen?(): FailStore;
  cleanUp(): Promise<void>;
}

const submission = (key: string, value = `value of ${key}`, at = 1): FailEntry => ({
  topic: 'submissions',
  key,
  value,
  at,
});

export function failStoreSuite(name: string, makeFixture: () => FailStoreFixture): void {
  describe(`FailStore: ${name}`, () => {
    let fixture: FailStoreFixture;
    let store: FailStore;

    const start = async (bounds?: { entriesMax?: number; bytesMax?: number }) => {
      store = fixture.create(bounds);
      await store.open();
    };
    const keys = async (topic: FailEntry['topic'] = 'submissions', max = 100) =>
      (await store.peek(topic, max)).map((entry) => entry.key);

    beforeEach(() => {
      fixture = makeFixture();
    });
    afterEach(async () => {
      await store.close();
      await fixture.cleanUp();
    });

    it('gives entries back unchanged, in the order of their put', async () => {
      await start();
      const entries = ['z', 'a', 'm'].map((key, i) => submission(key, `{"text":"${key} ü 😀 "}`, 1_000 + i));
      await store.put(entries.slice(0, 2));
      await store.put(entries.slice(2));
      expect(await store.peek('submissions', 10)).toEqual(entries);
      expect(await store.count('submissions')).toBe(3);
    });

    it('keeps order beyond ten entries and gives no more than asked', async () => {
      await start();
      const names = Array.from({ length: 120 }, (_, i) => `key${i}`);
      await store.put(names.map((key) => submission(key)));
      expect(await keys('submissions', 1_000)).toEqual(names);
      expect(await keys('submissions', 7)).toEqual(names.slice(0, 7));
    });

    it('replaces an entry of the same key in its place', async () => {
      await start();
      await store.put([submission('a'), submission('b')]);
      await store.put([submission('a', 'new', 9)]);
      expect(await store.peek('submissions', 10)).toEqual([submission('a', 'new', 9), submission('b')]);
      expect(await store.count('submissions')).toBe(2);
    });

    it('keeps the last of several entries with one key in one put', async () => {
      await start();
      await store.put([submission('a', 'first'), submission('b'), submission('a', 'second')]);
      expect(await store.peek('submissions', 10)).toEqual([submission('a', 'second'), submission('b')]);
    });

    it('keeps topics apart, also for the same key', async () => {
      await start();
      await store.put([submission('a'), { ...submission('a', 'a result'), topic: 'results' }]);
      await store.remove('submissions', ['a']);
      expect(await keys('submissions')).toEqual([]);
      expect(await store.peek('results', 10)).toEqual([{ ...submission('a', 'a result'), topic: 'results' }]);
      expect(await keys('biz-logs')).toEqual([]);
    });

    it('removes what it is told and nothing else', async () => {
      await start();
      await store.put([submission('a'), submission('b'), submission('c')]);
      await store.remove('submissions', ['b', 'unknown']);
      expect(await keys()).toEqual(['a', 'c']);
    });

    it('puts a key that was removed at the end', async () => {
      await start();
      await store.put([submission('a'), submission('b')]);
      await store.remove('submissions', ['a']);
      await store.put([submission('a')]);
      expect(await keys()).toEqual(['b', 'a']);
    });

    it('moves a quarantined entry aside with its reason', async () => {
      await start();
      await store.put([submission('a'), submission('b')]);
      await store.quarantine('submissions', 'a', 'refused for good');
      await store.quarantine('submissions', 'unknown', 'nothing to move');
      expect(await keys()).toEqual(['b']);
      expect(await store.count('submissions')).toBe(1);
      expect(await store.quarantined('submissions')).toEqual([{ ...submission('a'), reason: 'refused for good' }]);
      expect(await store.quarantined('results')).toEqual([]);
    });

    it('clears a quarantined entry by remove', async () => {
      await start();
      await store.put([submission('a')]);
      await store.quarantine('submissions', 'a', 'refused');
      await store.remove('submissions', ['a']);
      expect(await store.quarantined('submissions')).toEqual([]);
    });

    it('refuses a put beyond the bound of entries and keeps nothing of it', async () => {
      await start({ entriesMax: 3 });
      await store.put([submission('a'), submission('b')]);
      await expect(store.put([submission('c'), submission('d')])).rejects.toMatchObject({
        code: 'LTS_FAIL_STORE_FULL',
      });
      expect(await keys()).toEqual(['a', 'b']);
      await store.put([submission('c'), submission('a', 'replaced')]);
      expect(await keys()).toEqual(['a', 'b', 'c']);
    });

    it('refuses a put beyond the bound of bytes and has room again after a remove', async () => {
      await start({ bytesMax: 100 });
      await store.put([submission('a', 'x'.repeat(60))]);
      await expect(store.put([submission('b', 'ü'.repeat(30))])).rejects.toMatchObject({ code: 'LTS_FAIL_STORE_FULL' });
      await store.put([submission('a', 'x'.repeat(20))]);
      await store.put([submission('b', 'ü'.repeat(30))]);
      await store.remove('submissions', ['b']);
      await store.put([submission('c', 'x'.repeat(70))]);
      expect(await keys()).toEqual(['a', 'c']);
    });

    it('bounds each topic by itself', async () => {
      await start({ entriesMax: 1 });
      await store.put([submission('a'), { ...submission('a'), topic: 'results' }]);
      expect(await store.count('results')).toBe(1);
    });

    it('counts quarantined entries in the bound', async () => {
      await start({ entriesMax: 1 });
      await store.put([submission('a')]);
      await store.quarantine('submissions', 'a', 'refused');
      await expect(store.put([submission('b')])).rejects.toMatchObject({ code: 'LTS_FAIL_STORE_FULL' });
    });

    it('gives concurrent puts their own answers', async () => {
      await start({ entriesMax: 5 });
      const answers = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => store.put([submission(`k${i}`)])));
      expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(5);
      expect(await store.count('submissions')).toBe(5);
    });

    it('keeps entries, order, quarantine and bounds across a restart', async () => {
      if (!fixture.reopen) return;
      await start({ entriesMax: 4 });
      await store.put(['c', 'a', 'b'].map((key) => submission(key)));
      await store.quarantine('submissions', 'a', 'refused');
      await store.close();
      store = fixture.reopen();
      await store.open();
      await store.put([submission('aa')]);
      expect(await keys()).toEqual(['c', 'b', 'aa']);
      expect(await store.quarantined('submissions')).toEqual([{ ...submission('a'), reason: 'refused' }]);
      await expect(store.put([submission('d')])).rejects.toMatchObject({ code: 'LTS_FAIL_STORE_FULL' });
    });
  });
}
