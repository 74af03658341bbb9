/** Relaxed spelling: whatever the style of a key, it is the same key, and no two keys are the same. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of settings look like those of templates.
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/boot/settings/load-settings.js';
import { formerReason } from '../../../src/boot/settings/table/former-keys.js';
import { allSettings } from '../../../src/boot/settings/table/settings-table.js';
import { propertyName, restAfter, stripped } from '../../../src/boot/settings/table/spelling.js';

const keys = allSettings.map(({ key }) => key);

/** The words of a key, joined and cased at random. */
const variantOf = (key: string) => {
  const words = key.split(/[.-]/);
  const cases = [
    (word: string) => word,
    (word: string) => word.toUpperCase(),
    (word: string) => word.charAt(0).toUpperCase() + word.slice(1),
  ];
  const styles = fc.tuple(
    fc.array(fc.constantFrom('.', '-', '_', '', '..'), { minLength: words.length, maxLength: words.length }),
    fc.array(fc.constantFrom(...cases), { minLength: words.length, maxLength: words.length }),
  );
  return styles.map(([joints, casing]) =>
    words.map((word, i) => (i === 0 ? '' : joints[i]) + (casing[i] as (word: string) => string)(word)).join(''),
  );
};

it('no two keys of the table are the same key', () => {
  expect(new Set(keys.map(stripped)).size).toBe(keys.length);
});

it('no key of the table is taken for one of LTS that does nothing', () => {
  const sharedWithLts = keys.filter((key) => formerReason(key) !== undefined);
  expect(sharedWithLts).toEqual([]);
});

it('every spelling of a key finds it', () => {
  const anyKey = fc.constantFrom(...keys).chain((key) => variantOf(key).map((variant) => ({ key, variant })));
  fc.assert(
    fc.property(anyKey, ({ key, variant }) => {
      // A file that is not there: the key is found if that is what is said of its value.
      const load = () => loadSettings({ files: [], env: {}, code: { [variant]: '${file:/nowhere/lts}' } });
      expect(load).toThrowError(`code: ${key}: ${resolve('/nowhere/lts')} cannot be read (ENOENT).`);
    }),
    { seed: 4, numRuns: 300 },
  );
});

describe('below a prefix', () => {
  it.each([
    ['lts.jobtracker.configs.redis.pool-size', 'pool-size'],
    ['LTS_JOBTRACKER_CONFIGS_REDIS_POOL_SIZE', 'POOL_SIZE'],
    ['ltsJobtrackerConfigsRedis.url', 'url'],
    ['lts.jobtracker.configs.redis', undefined],
    ['lts.jobtracker.configs.redis.', undefined],
    ['lts.jobtracker.configs.rediss.url', undefined],
    ['lts.job', undefined],
  ])('%s leaves %s', (key, rest) => {
    expect(restAfter(key, 'lts.jobtracker.configs.redis')).toBe(rest);
  });

  it.each([
    ['pool-size', 'poolSize'],
    ['pool.size', 'poolSize'],
    ['POOL_SIZE', 'poolSize'],
    ['poolSize', 'poolSize'],
    ['url', 'url'],
  ])('%s is the property %s', (key, property) => {
    expect(propertyName(key)).toBe(property);
  });
});
