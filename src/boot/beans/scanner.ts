/** Finds processors in files: imports what the globs match and takes the exported decorated classes and definitions. */
import { resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isProcessorDefinition } from '../../decorators/define-processor.js';
import { LtsError } from '../../errors.js';
import { textOf } from '../../kit/shown.js';
import { type Bean, rememberFile } from './bean-names.js';
import { isBeanClass } from './bean-plan.js';

const codeFile = /\.[cm]?[jt]s$/;
const typeScriptFile = /\.[cm]?ts$/;
/** What Node says of TypeScript that it cannot run, with and without type stripping. */
const typeScriptRefusals = [
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
];
const shownFilesMax = 20;

/**
 * The exported beans of all files that the globs match, seen from the folder, each once: files in the order of their paths, exports in
 * the order of their names. Declaration files and node_modules are passed over. Throws LTS_CONFIG_INVALID for a glob that matches no
 * code and for files without any processor, LTS_PROCESSOR_INVALID for a file that cannot be imported.
 */
export async function scanProcessors(globs: readonly string[], baseFolder: string): Promise<Bean[]> {
  const files = await filesOf(globs, resolve(baseFolder));
  const beans = new Set<Bean>();
  for (const file of files) {
    for (const bean of await beansOf(file)) {
      if (!beans.has(bean)) rememberFile(bean, file);
      beans.add(bean);
    }
  }
  if (beans.size === 0) throw nothingIn(globs, files);
  return [...beans];
}

async function filesOf(globs: readonly string[], folder: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const files = new Set<string>();
  for (const pattern of globs) {
    const patterns = [sep === '\\' ? pattern.replaceAll('\\', '/') : pattern];
    const ignore = ['**/*.d.ts', '**/*.d.mts', '**/*.d.cts', '**/node_modules/**'];
    const matched = await glob(patterns, { cwd: folder, absolute: true, ignore, expandDirectories: false });
    const code = matched.filter((file) => codeFile.test(file));
    if (code.length === 0) throw noMatch(pattern, folder);
    for (const file of code) files.add(file);
  }
  return [...files].sort();
}

async function beansOf(file: string): Promise<Bean[]> {
  const found = Object.entries(await importFile(file)).sort(([a], [b]) => (a < b ? -1 : 1));
  return found.map(([, value]) => value).filter(isBean);
}

const isBean = (value: unknown): value is Bean => isBeanClass(value) || isProcessorDefinition(value);

async function importFile(file: string): Promise<Record<string, unknown>> {
  try {
    // A URL, since a Windows path (C:\...) would be taken for one with the scheme c.
    return await import(/* @vite-ignore */ pathToFileURL(file).href);
  } catch (error) {
    throw new LtsError('LTS_PROCESSOR_INVALID', importFailure(file, error), { cause: error });
  }
}

function importFailure(file: string, error: unknown): string {
  const what = `${file} was matched by the scan but cannot be imported`;
  if (typeScriptFile.test(file) && isTypeScriptRefusal(error)) {
    return (
      `${what}: this process runs without a loader that compiles TypeScript with decorators (${withoutStop(textOf(error))}). ` +
      'Start it with one (node --import tsx app.ts; for the lts command: NODE_OPTIONS=--import=tsx), or compile first and scan the .js files.'
    );
  }
  return `${what}: ${withoutStop(textOf(error))}. Correct the file, or narrow the glob.`;
}

const withoutStop = (text: string): string => text.replace(/\.$/, '');

function isTypeScriptRefusal(error: unknown): boolean {
  if (error instanceof SyntaxError) return isOfParser(error);
  return error instanceof Error && 'code' in error && typeScriptRefusals.includes(String(error.code));
}

/** Decorators are a plain SyntaxError to Node. A missing export is one too, and so is what a file's own JSON.parse throws. */
function isOfParser({ message, stack = '' }: SyntaxError): boolean {
  const [thrownAt = ''] = /^ +at .*$/m.exec(stack) ?? [];
  return thrownAt.includes('node:internal/') && !message.includes('requested module');
}

function noMatch(pattern: string, folder: string): LtsError {
  const text = `scan: the glob ${pattern} matches no code file (.js, .mjs, .cjs, .ts ...) in ${folder}. Correct the glob, or build first.`;
  return new LtsError('LTS_CONFIG_INVALID', text);
}

function nothingIn(globs: readonly string[], files: readonly string[]): LtsError {
  const more = files.length > shownFilesMax ? ` and ${files.length - shownFilesMax} more` : '';
  const text =
    `scan: ${globs.join(', ')} matches files without any processor: ${files.slice(0, shownFilesMax).join(', ')}${more}. ` +
    'Export a class marked @Processor() or what defineProcessor gives.';
  return new LtsError('LTS_CONFIG_INVALID', text);
}
