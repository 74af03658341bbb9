/** Scanning: files by glob, the exported beans in them, and what is said when there are none. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openBeans } from '../../../src/boot/beans/beans.js';
import { scanProcessors } from '../../../src/boot/beans/scanner.js';
import { type ErrorCode, LtsError } from '../../../src/index.js';
import { transpile } from '../../helpers/transpile.js';

const folders: string[] = [];
let folder = '';
// Below this folder, so that the files are compiled by the test runner and share its copy of the package.
beforeEach(() => {
  folder = mkdtempSync(join(import.meta.dirname, 'scanned-'));
  folders.push(folder);
});
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

function write(path: string, source: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const door = relative(dirname(file), join(import.meta.dirname, '../../../src/index.js')).replaceAll('\\', '/');
  writeFileSync(file, `import { Processor, defineProcessor, EnableJobClient } from '${door}';\n${source}`);
}

const aClass = (name: string) => `export class ${name} { run() {} }\nProcessor()(${name});\n`;

async function refusal(globs: string[], code: ErrorCode): Promise<Error> {
  const error = await scanProcessors(globs, folder).catch((found: unknown) => found);
  expect(LtsError.is(error, code)).toBe(true);
  return error as Error;
}

const namesOf = async (...globs: string[]) =>
  (await scanProcessors(globs, folder)).map((bean) => ('processor' in bean ? bean.processor : bean.name));

describe('what is found', () => {
  it('exported decorated classes and definitions, default exports too, and nothing else', async () => {
    write(
      'a.mjs',
      `${aClass('A')}
      class Hidden { run() {} }
      Processor()(Hidden);
      export class Plain {}
      export class Application {}
      EnableJobClient()(Application);
      export const defined = defineProcessor('defined', {}, () => {});
      export const list = [defineProcessor('inList', {}, () => {})];
      export default class B { run() {} }
      Processor()(B);`,
    );
    expect(await namesOf('*.mjs')).toEqual(['A', 'B', 'defined']);
  });

  it('files in the order of their paths, whatever the order of the globs; each bean once', async () => {
    write('z.mjs', aClass('Z'));
    write('deep/a.mjs', aClass('Deep'));
    write('again.mjs', `export { Z, Z as Other } from './z.mjs';`);
    write('m.mjs', aClass('M'));
    expect(await namesOf('./z.mjs', './**/*.mjs')).toEqual(['Z', 'Deep', 'M']);
  });

  it('TypeScript under a loader, without declaration files and what is no code', async () => {
    write('t.ts', `@Processor()\nexport class Typed { run(): number { return 1; } }`);
    write('t.d.ts', 'this is never read');
    write('t.js.map', 'nor this');
    write('node_modules/x/x.mjs', 'nor this');
    expect(await namesOf('**/*')).toEqual(['Typed']);
  });
});

describe('what is refused', () => {
  it('a glob that matches nothing, with the folder, also beside one that matches', async () => {
    write('a.mjs', aClass('A'));
    const { message } = await refusal(['*.mjs', 'none/*.js'], 'LTS_CONFIG_INVALID');
    expect(message).toContain('the glob none/*.js matches no code file');
    expect(message).toContain(folder);
  });

  it('files without any processor, listing them', async () => {
    write('a.mjs', 'export const nothing = 1;');
    write('b.mjs', 'export class Plain {}');
    const { message } = await refusal(['*.mjs'], 'LTS_CONFIG_INVALID');
    expect(message).toMatch(/matches files without any processor: .*a\.mjs, .*b\.mjs\. Export a class/);
  });

  it('a file that cannot be imported, with its cause', async () => {
    write('broken.mjs', `throw new Error('no such table');`);
    const error = await refusal(['*.mjs'], 'LTS_PROCESSOR_INVALID');
    expect(error.message).toMatch(/broken\.mjs was matched by the scan but cannot be imported: Error: no such table/);
    expect(error.cause).toMatchObject({ message: 'no such table' });
  });

  it('mistakes of scanned classes name the file', async () => {
    write('one.mjs', `export class One { run() {} }\nProcessor('same')(One);`);
    write('two.mjs', `export class Two { run() {} }\nProcessor('same')(Two);`);
    const processors = await scanProcessors(['*.mjs'], folder);
    const schemas = { check: () => Promise.reject(new Error('not asked')) };
    await expect(openBeans({ processors, schemas })).rejects.toThrow(/One \(.*one\.mjs\) and by Two \(.*two\.mjs\)/);
  });
});

describe('in a process without a TypeScript loader', () => {
  it('a .ts file is refused with the ways out', async () => {
    const compiled = await transpile(['src']);
    folders.push(compiled);
    writeFileSync(join(compiled, 'typed.ts'), 'const mark = (type: unknown) => {};\n@mark\nexport class Typed {}\n');
    writeFileSync(
      join(compiled, 'scan.js'),
      `import { scanProcessors } from './src/boot/beans/scanner.js';
      await scanProcessors(['*.ts'], import.meta.dirname).catch((error) => console.log(error.code, error.message));`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [join(compiled, 'scan.js')]);
    expect(stdout).toMatch(/^LTS_PROCESSOR_INVALID .*typed\.ts was matched by the scan but cannot be imported/);
    expect(stdout).toContain('without a loader that compiles TypeScript with decorators');
    expect(stdout).toContain('node --import tsx app.ts; for the lts command: NODE_OPTIONS=--import=tsx');
    // All sources are compiled first, which a busy machine takes its time for.
  }, 60_000);
});

describe('advice', () => {
  it('regression: a missing export, or bad JSON that a file reads, was answered with advice to start a loader', async () => {
    const compiled = await transpile(['src']);
    folders.push(compiled);
    writeFileSync(join(compiled, 'other.js'), 'export const a = 1;');
    writeFileSync(join(compiled, 'one.mts'), "import { b } from './other.js';\nexport const c = b;\n");
    writeFileSync(join(compiled, 'two.mts'), "JSON.parse('{');\n");
    const loader = join(import.meta.dirname, '../../../node_modules/tsx/dist/loader.mjs');
    writeFileSync(
      join(compiled, 'scan.js'),
      `import { scanProcessors } from './src/boot/beans/scanner.js';
      for (const glob of ['one.mts', 'two.mts'])
        await scanProcessors([glob], import.meta.dirname).catch((error) => console.log(error.message));`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      pathToFileURL(loader).href,
      join(compiled, 'scan.js'),
    ]);
    expect(stdout).toMatch(/one\.mts .*does not provide an export named 'b'\. Correct the file/);
    expect(stdout).toMatch(/two\.mts .*JSON.*Correct the file/);
    expect(stdout).not.toContain('loader');
  });

  it('regression: a text that ends with a full stop got a second one', async () => {
    write('stopped.mjs', `throw new Error('No such table.');`);
    const { message } = await refusal(['*.mjs'], 'LTS_PROCESSOR_INVALID');
    expect(message).toContain('Error: No such table. Correct the file');
  });
});
