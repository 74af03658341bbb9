/** Where settings come from: properties files, then the environment, then code. A later source wins. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { decodeText, parseProperties } from './properties-file.js';
import { readSmallFile, whyUnread } from './small-file.js';

/** A key as somebody wrote it. */
export interface Written {
  readonly key: string;
  readonly text: string;
  /** `lts.properties:12`, `env LTS_DATA_PATH`, `code`. */
  readonly origin: string;
  /** Relative paths in it are meant from here. */
  readonly folder: string;
}

export interface Source {
  readonly entries: readonly Written[];
  readonly problems: readonly string[];
  /** An unknown key of the environment is only a warning: others use the same prefix. */
  readonly isShared: boolean;
}

export interface SourcesRequest {
  /** Properties files, later ones win. Default: lts.properties, if there is one. */
  readonly files?: string | readonly string[] | undefined;
  /** Overrides as LTS_TASKTRACKER_WORK_THREADS=8. Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Overrides by key, in any spelling: text as in a file, a number, a boolean, or a list of texts. */
  readonly code?: Readonly<Record<string, unknown>> | undefined;
  /** Files are meant from here, and paths where there is no file. Default: the working directory. */
  readonly baseFolder?: string | undefined;
}

const fileBytesMax = 1024 * 1024;
const defaultFile = 'lts.properties';

/** All sources in rising rank. Paths of environment, code and defaults are meant from `folder`: that of the first file. */
export function readSources(request: SourcesRequest): { readonly sources: readonly Source[]; readonly folder: string } {
  const { env = process.env, code = {}, baseFolder = '.' } = request;
  const base = resolve(baseFolder);
  const files = [request.files ?? (existsSync(resolve(base, defaultFile)) ? defaultFile : [])].flat();
  const folder = files[0] === undefined ? base : dirname(resolve(base, files[0]));
  const sources = [...files.map((file) => readFile(file, base)), fromEnvironment(env, folder), fromCode(code, folder)];
  return { sources, folder };
}

function readFile(file: string, base: string): Source {
  const path = resolve(base, file);
  let bytes: Uint8Array;
  try {
    bytes = readSmallFile(path, fileBytesMax);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `no such file (${path})` : whyUnread(error);
    return { entries: [], problems: [`${file}: ${reason}. Correct the path of the properties file.`], isShared: false };
  }
  const text = decodeText(bytes);
  if (text !== undefined) return fromProperties(text, file, dirname(path));
  return { entries: [], problems: [`${file}: is not UTF-8. Save it as UTF-8, or write \\u escapes.`], isShared: false };
}

function fromProperties(text: string, file: string, folder: string): Source {
  const problems: string[] = [];
  const entries: Written[] = [];
  for (const { key, value, line, problem } of parseProperties(text)) {
    const origin = `${file}:${line}`;
    if (key === '') problems.push(`${origin}: has no key before its value. Write key=value, or remove the line.`);
    else if (problem === undefined) entries.push({ key, text: value, origin, folder });
    else problems.push(`${origin}: ${key}: ${problem}`);
  }
  return { entries, problems, isShared: false };
}

/** Empty variables count as not set: that is how containers pass on what was not given. LTS_TEST_ belongs to test runs. */
function fromEnvironment(env: Readonly<Record<string, string | undefined>>, folder: string): Source {
  const entries: Written[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('LTS_') || name.startsWith('LTS_TEST_') || !text) continue;
    entries.push({ key: name, text, origin: `env ${name}`, folder });
  }
  return { entries, problems: [], isShared: true };
}

function fromCode(code: Readonly<Record<string, unknown>>, folder: string): Source {
  const given = Object.entries(code).filter(([, value]) => value !== undefined && value !== null);
  const strange = given.filter(([, value]) => !isPlain(value));
  const problems = strange.map(
    ([key]) => `code: ${key}: is no value. Give a text, a number, a boolean or a list of texts.`,
  );
  const entries = given
    .filter(([, value]) => isPlain(value))
    .map(([key, value]) => ({ key, text: String(value), origin: 'code', folder }));
  return { entries, problems, isShared: false };
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return ['string', 'number', 'boolean'].includes(typeof value);
}
