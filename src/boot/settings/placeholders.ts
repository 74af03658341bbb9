/** What values may refer to: `${env:NAME:default}` and `${file:path}`. */
import { resolve } from 'node:path';
import { LtsError } from '../../errors.js';
import { readSmallFile, whyUnread } from './small-file.js';

export interface PlaceholderSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Files are meant from here. */
  readonly folder: string;
}

/** Enough for any secret. */
const contentBytesMax = 64 * 1024;

const placeholder = /\$\{([^{}]*)\}/g;

/** True when the text refers to a file: what it says is taken for a secret. */
export const isFromFile = (text: string): boolean => /\$\{file:/.test(text);

/** The text with what it refers to. Throws LTS_CONFIG_INVALID, never showing the text: it may be a password. */
export function expand(text: string, sources: PlaceholderSources): string {
  if (text.replaceAll(placeholder, '').includes('${')) throw wrong(`a \${ has no }.`);
  return text.replaceAll(placeholder, (_, inside: string) => {
    const [, kind, rest = ''] = /^(env|file):(.+)$/s.exec(inside) ?? [];
    if (kind === 'env') return variable(rest, sources);
    if (kind === 'file') return contentOf(rest, sources.folder);
    throw wrong(`this \${...} is unknown. Use \${env:NAME}, \${env:NAME:default} or \${file:path}.`);
  });
}

function variable(reference: string, { env }: PlaceholderSources): string {
  const [, name = '', fallback] = /^([^:]*)(?::(.*))?$/s.exec(reference) ?? [];
  const value = Object.hasOwn(env, name) ? env[name] : fallback;
  if (value !== undefined) return value;
  throw wrong(`the environment has no ${name}. Set it, or give a default: \${env:${name}:default}.`);
}

function contentOf(path: string, folder: string): string {
  try {
    return readSmallFile(resolve(folder, path), contentBytesMax)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  } catch (error) {
    throw new LtsError('LTS_CONFIG_INVALID', `${resolve(folder, path)} ${whyUnread(error)}.`, { cause: error });
  }
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', text);
