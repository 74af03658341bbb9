/** The documents follow the table. `npx vitest run test/boot/settings -u` writes lts.properties anew. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/boot/settings/load-settings.js';
import { propertiesDocument, settingsDocument } from '../../../src/boot/settings/settings-documents.js';
import { settingsReport } from '../../../src/boot/settings/settings-report.js';
import { allSettings } from '../../../src/boot/settings/table/settings-table.js';
import { JobClient, JobTracker, TaskTracker } from '../../../src/index.js';

const root = join(import.meta.dirname, '../../..');

describe('lts.properties', () => {
  it('in the root is what the table says', async () => {
    await expect(propertiesDocument()).toMatchFileSnapshot(join(root, 'lts.properties'));
  });

  it('says nothing but defaults', () => {
    const read = loadSettings({ baseFolder: root, files: ['lts.properties'], env: {} });
    const byDefault = loadSettings({ baseFolder: root, files: [], env: {} });
    const notCompared = { entries: [], isDefault: undefined };
    expect({ ...read, ...notCompared }).toEqual({ ...byDefault, ...notCompared });
    expect(read.entries.filter(({ origin }) => origin.startsWith('lts.properties:')).length).toBeGreaterThan(2);
  });

  it('names every key once, with its default', () => {
    const lines = propertiesDocument().split('\n');
    for (const { key, default: text = '' } of allSettings) {
      expect(lines.filter((line) => line.replace(/^#/, '') === `${key}=${text}`)).toHaveLength(1);
    }
  });
});

it('the table of the README has every key of its own, with its default', () => {
  const rows = settingsDocument().split('\n');
  for (const { key, default: text, inherits } of allSettings) {
    const row = rows.filter((line) => line.startsWith(`| \`${key}\` |`));
    expect(row).toHaveLength(inherits ? 0 : 1);
    if (text !== undefined) expect(row[0]).toContain(`| \`${text}\` |`);
  }
});

describe('lts config', () => {
  const settings = loadSettings({ baseFolder: root, files: [], env: { LTS_LOG_LEVEL: 'warn', LTS_ODD: 'x' } });

  it('has a line for every key with its value and origin, and the warnings', () => {
    const lines = settingsReport(settings).text.split('\n');
    expect(lines[0]).toMatch(/^KEY +VALUE +ORIGIN/);
    expect(lines).toHaveLength(1 + allSettings.length + 1);
    expect(lines.find((line) => line.startsWith('lts.log.level'))).toMatch(
      /^lts\.log\.level +warn +env LTS_LOG_LEVEL$/,
    );
    expect(lines.find((line) => line.startsWith('lts.scan'))).toMatch(/^lts\.scan +- +default$/);
    expect(lines.at(-1)).toBe('warning: env LTS_ODD: no such key.');
  });

  it('has the same as JSON', () => {
    const { settings: all, warnings } = settingsReport(settings).json;
    expect(all).toHaveLength(allSettings.length);
    expect(all).toContainEqual({ key: 'lts.log.level', value: 'warn', origin: 'env LTS_LOG_LEVEL' });
    expect(all).toContainEqual({ key: 'lts.scan', value: null, origin: 'default' });
    expect(warnings).toHaveLength(1);
  });
});

describe('the column of options', () => {
  const tables = settingsDocument().split(/\n\n(?=[^|])/);
  const optionsOf = (title: string) =>
    (tables.find((table) => table.startsWith(title)) ?? expect.fail(`no table ${title}`))
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map(
        (line) =>
          line
            .split(/(?<!\\)\|/)[4]
            ?.trim()
            .replaceAll('`', '') ?? '',
      );
  const nodes = {
    JobClient: (options: object) => new JobClient(options),
    TaskTracker: (options: object) => new TaskTracker({ jobRunner: () => {}, ...options }),
    JobTracker: (options: object) => new JobTracker(options),
  };

  it.each(Object.entries(nodes))('regression: it named what is no option of a %s', (name, make) => {
    const options = [...optionsOf('Every node'), ...optionsOf(`${name}\n`)];
    expect(options.length).toBeGreaterThan(5);
    for (const option of options) make({ [option]: undefined });
    expect(() => make({ nodeGroups: undefined })).toThrow(/no such option/);
  });

  it('has those of `mongo` and `nats`', () => {
    for (const option of optionsOf('MongoDB')) new JobTracker({ mongo: { [option]: undefined } });
    const tls = ['caFile', 'certFile', 'keyFile', 'isHandshakeFirst'];
    for (const option of optionsOf('NATS')) {
      if (!tls.includes(option)) new JobClient({ nats: { [option]: undefined } });
    }
    expect(optionsOf('MongoDB')).toContain('addresses');
  });

  it('is empty for keys that no node has an option for', () => {
    expect(new Set(optionsOf('The application'))).toEqual(new Set(['']));
  });
});
