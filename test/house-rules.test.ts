/** The rules of the house that no linter can hold: names, opening sentences, the table of errors, one suite per port. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../src/errors.js';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

function filesOf(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|cjs|md|html|css)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .map((path) => path.replaceAll('\\', '/'));
}

const self = 'test/house-rules.test.ts';
const sources = filesOf('src').filter((path) => path.endsWith('.ts'));
const tests = filesOf('test').filter((path) => path.endsWith('.ts') && path !== self);
const examples = filesOf('examples').filter((path) => path.endsWith('.ts'));

/** `path:line text` of every line that the pattern finds. */
function linesWith(pattern: RegExp, paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  );
}

const layers =
  'kit job ports protocol cluster job-client job-tracker task-tracker admin decorators adapters boot cli testing';
const bannedFolders =
  /^(utils?|common|types?|interfaces?|constants?|core|base|supports?|helpers?|managers?|shared|misc|lib)$/;
const bannedWords = /(^|-)(utils?|helpers?|managers?|impl|abstract|common|misc|and)(-|\.|$)/;
const bannedExports =
  /^export (?:default )?(?:abstract )?(?:class|interface|type|enum|function|async function|const) (\w*(?:Manager|Helper|Utils?|Impl)\b|Abstract[A-Z]\w*|I[A-Z][a-z]\w*)/;

describe('names', () => {
  it('src holds the known layers, errors.ts and index.ts', () => {
    const known = new Set([...layers.split(' '), 'errors.ts', 'index.ts']);
    const entries = readdirSync(join(root, 'src'));
    expect(entries.filter((entry) => !known.has(entry))).toEqual([]);
  });

  it('no folder or file of src has a name that says nothing', () => {
    const isBanned = (path: string) =>
      dirname(path)
        .split('/')
        .some((folder) => bannedFolders.test(folder)) || bannedWords.test(basename(path));
    expect(sources.filter(isBanned)).toEqual([]);
  });

  it('no exported name says what it is for a compiler instead of what it does', () => {
    expect(linesWith(bannedExports, sources)).toEqual([]);
  });
});

describe('files', () => {
  it('every file opens with a sentence', () => {
    /** A comment whose first words start with a capital or a quoted name and end as a sentence does. */
    const opening = /^(?:#!.*\n)?(?:\/\*\*?|\/\/)[\s*]*(?=[A-Z`'"@<])\S+(?:[\s*/]+\S+)+?[.:](?:\s|$)/;
    const opensWithSentence = (path: string) => {
      const firstComment = /^(?:#!.*\n)?(?:\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(read(path))?.[0] ?? '';
      return opening.test(firstComment);
    };
    expect([...sources, ...examples].filter((path) => !opensWithSentence(path))).toEqual([]);
  });

  // Each port is one file, however many there are.
  it('no folder of src but that of the ports holds more than 12 files', () => {
    const counts = new Map<string, number>();
    for (const path of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([folder, count]) => count > 12 && folder !== 'src/ports')).toEqual([]);
  });

  it('no machine path, and no note of unfinished work without its reason', () => {
    const machinePath = /(?<![\w.])\/(home|root|work|Users|tmp)\/|\b[A-Z]:\\\\/;
    const bareNote = /\b(TODO|FIXME|XXX|HACK)\b(?!(\([^)]+\))?: \S+ \S+)/;
    expect(linesWith(machinePath, [...sources, ...examples])).toEqual([]);
    expect(linesWith(bareNote, [...sources, ...examples, ...tests])).toEqual([]);
  });
});

describe('ports', () => {
  const withSuite = ['transport', 'job-queue', 'job-logger', 'fail-store', 'registry', 'leases', 'clock'];
  /** Too small for a suite of their own: one method, or a table. */
  const withoutSuite = ['chance', 'codec', 'ids', 'log', 'old-data', 'runners', 'schemas'];

  it('every port is either held by a conformance suite or known to need none', () => {
    const ports = sources.filter((path) => dirname(path) === 'src/ports').map((path) => basename(path, '.ts'));
    expect(ports.filter((port) => ![...withSuite, ...withoutSuite].includes(port))).toEqual([]);
    expect(withSuite.filter((port) => !ports.includes(port))).toEqual([]);
  });

  it.each(withSuite)('the suite of %s exists and a test binds it to an adapter', (port) => {
    expect(tests).toContain(`test/conformance/${port}.suite.ts`);
    const binding = new RegExp(`from '\\S*/${port}\\.suite\\.js'`);
    const bindings = tests.filter((path) => path.endsWith('.test.ts') && binding.test(read(path)));
    expect(bindings).not.toEqual([]);
  });
});

describe('errors', () => {
  /** Rows `| LTS_… | what happened | what to do |` of the README. */
  function rowsOfReadme(): string[][] {
    const rows = read('README.md').matchAll(/^\|\s*`?(LTS_\w+)`?\s*\|(.*?)(?<!\\)\|(.*?)(?<!\\)\|\s*$/gm);
    return [...rows].map((row) => row.slice(1).map((cell) => cell.replaceAll('\\|', '|').trim()));
  }

  it('the README explains exactly the codes of the table, in the same words', () => {
    const table = Object.entries(errorTable).map(([code, { text, action }]) => [code, text, action]);
    expect(rowsOfReadme().sort()).toEqual(table.sort());
  });

  it('every code is used', () => {
    const code = sources
      .filter((path) => path !== 'src/errors.ts')
      .map(read)
      .join('\n');
    expect(Object.keys(errorTable).filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });
});

describe('tests', () => {
  it('none runs alone', () => {
    expect(linesWith(/\b(it|test|describe|suite)(\.\w+)*\.only\b/, tests)).toEqual([]);
  });

  it('every title is unique in its file', () => {
    const repeated = tests.flatMap((path) => {
      const titles = [...read(path).matchAll(/\b(?:it|test)(?:\.\w+)*\(\s*(['"`])(.+?)\1\s*,/g)].map(
        (found) => found[2],
      );
      return titles.filter((title, index) => titles.indexOf(title) !== index).map((title) => `${path}: ${title}`);
    });
    expect(repeated).toEqual([]);
  });
});
