/** Every example and every TypeScript block of the README runs as a user would run it: by itself, in an empty folder. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsDocument } from '../../src/boot/settings/settings-documents.js';

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

async function run(file: string, tsconfig = join(root, 'tsconfig.json')): Promise<string> {
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
  const options = { cwd: folder, timeout: 60_000, env: { ...process.env, LTS_DATA_PATH: join(folder, 'data') } };
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, '--tsconfig', tsconfig, file], options);
  return stdout;
}

/** What the output of each must show. */
const expected: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'quickstart/main.ts': [
    /submitted \{\s+code: 'accepted',\s+taskId: 'tntOrder:cws1804',\s+jobId: '\w{26}'/,
    'log       INFO SpringBean runs for shop 1111111, attempt 1',
    /log {7}WARN run \w+: retry 1 is due at \S+: Error: the shop does not answer/,
    'log       INFO SpringBean runs for shop 1111111, attempt 2',
    'result    succeeded - SpringBean did its work',
    /feedback {2}\{\s+taskId: 'tntOrder:cws1804',\s+success: true,\s+message: 'SpringBean did its work'/,
  ],
  'cluster/main.ts': [/all 40 pages are done|A cluster needs NATS: run `npm run servers`/],
  'cron-and-repeat.ts': [
    'every 200 ms: run 3',
    'by cron: run 2',
    'after a pause: run 2',
    'the clock change: 28/03/2027, 03:00:00',
    'the clock change: 29/03/2027, 02:30:00',
  ],
  'custom-job-logger.ts': ['read back: greets world', /the file : \{"jobId":.*"text":"greets world"\}/],
  'following.ts': [
    'progress 67 % page 2',
    'log      page 3',
    'result   { pages: 3 }',
    'cancel   delivered',
    'ended    cancelled',
    'explain  not-due - It is due at',
  ],
  'method-handlers.ts': [
    'typed  12',
    'by id  orders older than 30 days are gone',
    'no id  nobody in particular ran {"shop":"2"}',
    'many   3 | orders older than 7 days are gone',
  ],
  'node-groups.ts': [
    'invoice written in billing',
    'one response for each group: accepted, accepted',
    'web heard from shop: cache of shop cleared',
    'web heard from billing: cache of billing cleared',
  ],
  'plain.ts': [
    'typed   12',
    "plain   accepted { shop: '2', synced: 24 }",
    'refused rejected - priority: 0.5',
    'stopped { finished: 0, handedBack: 0, abandoned: 0 }',
  ],
  'retries.ts': [
    'none -> { sentAt: 1 }',
    'busy -> { sentAt: 3 }',
    'crash -> exhausted after 3 attempts: Error: the connection broke',
    'address -> failed after 1 attempts: there is no such address',
  ],
  'services.ts': [
    'synced 12',
    'notice 12 orders, 1 of this instance',
    'log INFO asks shop 1',
    /log INFO job \w{26} took \d+ ms/,
  ],
  'testing-processors.ts': [
    'one run  : EXECUTE_SUCCESS { synced: 12 }',
    '5 minutes: 11 attempts, failed exhausted',
    '2 hours  : succeeded { synced: 3 }',
  ],
  'typed-params.ts': [
    'placed   5 pieces',
    'refunded o-1: 2.5',
    'sent     1@a@example.com',
    'refused  Job shop.place: the params do not fit Order: lines[0].amount: must not be less than 1.',
  ],
};

describe('examples', () => {
  /** What those in folders are made of, beside their `main.ts`, and what has a test file of its own. */
  const parts =
    /^(quickstart\/(processors\/|data\/|lts\.properties$)|cluster\/(node|processes|survive)\.ts$|plain-client\/main\.mjs$)/;

  it('each example is run here', () => {
    const files = readdirSync(join(root, 'examples'), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(root, 'examples'), join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
    expect(files.filter((file) => !parts.test(file)).sort()).toEqual(Object.keys(expected).sort());
  });

  it('the head of each example says how to run it', () => {
    for (const name of Object.keys(expected)) {
      expect(readFileSync(join(root, 'examples', name), 'utf8')).toContain(`npx tsx examples/${name}`);
    }
  });

  it.each(Object.entries(expected))(
    '%s shows what it promises',
    async (name, texts) => {
      const output = await run(join(root, 'examples', name));
      for (const text of texts) expect(output).toMatch(text);
    },
    90_000,
  );

  it('npm start is the quickstart', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.start).toBe('tsx examples/quickstart/main.ts');
  });
});

describe('README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block as string);

  it('has the program in eight lines', () => {
    expect(blocks.length).toBeGreaterThan(3);
    expect(blocks[0]?.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(8);
  });

  it.each(blocks.map((block, i) => [i + 1, block] as const))(
    'block %i runs and prints what its comments say',
    async (_, block) => {
      const file = join(folder, 'block.mts');
      writeFileSync(file, block);
      const said = [...block.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text as string);
      expect(said.length).toBeGreaterThan(0);
      // A tsconfig applies to the files beside it only, and decorators need one.
      const tsconfig = join(folder, 'tsconfig.json');
      writeFileSync(tsconfig, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }));
      const output = await run(file, tsconfig);
      for (const text of said) expect(output).toContain(text);
      expect(output).not.toContain('"level":50');
    },
    90_000,
  );

  it('explains every setting in the words of the table', () => {
    expect(readme).toContain(settingsDocument().trim());
  });

  it('links only to what is there, and to every example', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path as string);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    for (const name of Object.keys(expected)) expect(links).toContain(`examples/${name}`);
  });

  it('states the number of packages that an installation has', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; os?: string[]; devOptional?: boolean }>;
    };
    const installed = Object.entries(lock.packages).filter(
      ([path, { dev, devOptional }]) => path && !dev && !devOptional,
    );
    expect(installed.length).toBeGreaterThan(0);
  });
});
