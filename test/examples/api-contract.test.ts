/** What users write is a contract: its blocks stand in `api/`; they are compiled and run as a user would, by plain Node. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { loadSettings } from '../../src/boot/settings/load-settings.js';
import { makeProgram } from '../../src/cli/program.js';
import * as lts from '../../src/index.js';
import type { Checkout } from './api/checkout.js';

const root = resolve(import.meta.dirname, '../..');

/** The package under its own name, and the blocks beside it, as JavaScript in a folder of their own. */
function compileInto(folder: string): void {
  const exports = { '.': './src/index.js', './testing': './src/testing/index.js' };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'light-task-scheduler', type: 'module', exports }),
  );
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  cpSync(join(root, 'test/examples/api/lts.properties'), join(folder, 'api/lts.properties'));
  for (const [from, to] of [
    ['src', 'src'],
    ['test/examples/api', 'api'],
  ] as const) {
    for (const path of readdirSync(join(root, from), { recursive: true, encoding: 'utf8' })) {
      if (path.endsWith('.ts')) compileFile(join(root, from, path), join(folder, to, path.replace(/\.ts$/, '.js')));
    }
  }
}

function compileFile(from: string, to: string): void {
  const { outputText } = ts.transpileModule(readFileSync(from, 'utf8'), {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      experimentalDecorators: true,
      verbatimModuleSyntax: true,
    },
  });
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, outputText);
}

describe('the blocks', () => {
  let folder = '';
  let outcome: Record<string, unknown> = {};

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lts-api-'));
    compileInto(folder);
    const options = { cwd: join(folder, 'api'), timeout: 60_000 };
    const { stdout } = await promisify(execFile)(process.execPath, ['main.js'], options);
    outcome = JSON.parse(stdout.trim().split('\n').at(-1) as string);
  }, 90_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('a class found by its bean id runs what the builder submitted', () => {
    const log = ['a line that the console shows under this job'];
    const submit = { code: 'accepted', taskId: 'tntOrder:cws1804', state: 'succeeded', message: 'done', log };
    expect(outcome.submit).toEqual(submit);
  });

  it('a typed submit is followed, gives its value and is cancelled too late', () => {
    expect(outcome).toMatchObject({ synced: 12, receipt: 'already-ended' });
  });

  it('the testing kit passes ten retries', () => {
    expect(outcome.testing).toEqual({ state: 'failed', reason: 'exhausted', attempts: 11 });
  });

  it('the type of the result comes from the class and its method', () => {
    type Paid = Awaited<ReturnType<Checkout['pay']>>;
    expectTypeOf<Paid['synced']>().toEqualTypeOf<number>();
  });
});

describe('the names', () => {
  const builder = new Set(Object.getOwnPropertyNames(lts.LtsJobClient.prototype));
  const context = new Set([
    ...Object.getOwnPropertyNames(lts.JobContext.prototype),
    ...Object.getOwnPropertyNames(new lts.JobContext({ slot: undefined } as never)),
  ]);
  const commands = new Set(makeProgram().commands.map((command) => command.name()));
  const isSetting = (key: string): boolean => {
    try {
      return loadSettings({ files: [], env: {}, code: { [key]: '1' } }).warnings.length === 0;
    } catch {
      return false;
    }
  };

  /** Parts of later work, and whether they are there by now. When one is, take it off this table and write its test. */
  const pending: Readonly<Record<string, () => boolean>> = {
    'builder: route': () => builder.has('route'),
    'builder: shard': () => builder.has('shard'),
    'builder: block': () => builder.has('block'),
    'builder: dependsOn': () => builder.has('dependsOn'),
    'JobContext: shard': () => context.has('shard'),
    '@EnableAdmin': () => 'EnableAdmin' in lts,
    'lts.admin.port': () => isSetting('lts.admin.port'),
    'lts admin': () => commands.has('admin'),
    'Dispatch, JobStatus': () => 'Dispatch' in lts || 'JobStatus' in lts,
  };

  it.each(Object.entries(pending))('%s is pending', (_, isThere) => {
    expect(isSetting('lts.health.port')).toBe(true);
    expect(isThere()).toBe(false);
  });

  it('every other verb of the builder is there', () => {
    const verbs =
      'bizId bizType processor setParam setParams nodeGroup taskId priority triggerTime delay cron repeat fixedDelay ' +
      'maxRetryTimes retryInterval backoff timeout needFeedback replaceOnExist relyOnPrevCycle expireAt submit submitAndWait';
    expect(verbs.split(' ').filter((verb) => !builder.has(verb))).toEqual([]);
  });

  it('every other word of the JobContext is there', () => {
    const words =
      'job attempt retryTimes repeatedCount scheduledFor runId bizLogger progress signal nodeGroup withParams';
    expect(words.split(' ').filter((word) => !context.has(word))).toEqual([]);
  });

  it('every other command is there', () => {
    const words =
      'start jobtracker tasktracker submit jobs job logs cancel run suspend resume explain nodes config doctor cron';
    expect(words.split(' ').filter((word) => !commands.has(word))).toEqual([]);
  });

  it('every verb of the JobClient is there', () => {
    const client = new lts.JobClient({ jobQueue: 'memory' });
    const words =
      'submit submitAll submitAndWait submitJob cancelJob cancel getJob explain result events start stop'.split(' ');
    expect(words.filter((word) => !(word in client))).toEqual([]);
    expect(lts.RetryJobClient).toBe(lts.JobClient);
  });
});
