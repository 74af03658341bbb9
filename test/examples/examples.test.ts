/** Every example and every TypeScript block of the README runs as a user would run it: by itself, in an empty folder. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folders: string[] = [];
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lts-example-'));
  folders.push(folder);
});
afterEach(() => {
  for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true });
});

async function run(file: string): Promise<string> {
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
  const options = { cwd: folder, timeout: 60_000 };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [tsx, '--tsconfig', join(root, 'tsconfig.json'), file],
    options,
  );
  return stdout;
}

describe('examples', () => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    'quickstart.ts': ["code: 'accepted'", 'succeeded', '{ synced: 12 }', 'attempt 2', 'success: true'],
  };

  it('each example is run here', () => {
    expect(readdirSync(join(root, 'examples')).sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.entries(expected))(
    '%s shows what it promises',
    async (name, texts) => {
      const output = await run(join(root, 'examples', name));
      for (const text of texts) expect(output).toContain(text);
    },
    90_000,
  );
});

describe('README', () => {
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, block]) => block as string,
  );

  it('has the program in eight lines', () => {
    expect(blocks.length).toBeGreaterThan(0);
    expect(blocks[0]?.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(8);
  });

  it.each(blocks.map((block, i) => [i + 1, block] as const))(
    'block %i runs and prints what its comment says',
    async (_, block) => {
      const file = join(folder, 'block.mts');
      writeFileSync(file, block);
      const said = /console\.log\(.*\); \/\/ (.*)/.exec(block)?.[1];
      const output = await run(file);
      if (said) expect(output).toContain(said);
      expect(output).not.toContain('"level":50');
    },
    90_000,
  );
});
