/**
 * The format of properties files: UTF-8, `\u` escapes, lines continued by a backslash. Beyond the format a `#` after white space begins a
 * comment (`\#` is a plain one), and a backslash before any other letter is refused: it is dropped without a word, and paths with it.
 */
import { Pair, parseLines } from 'dot-properties';

export interface PropertyPair {
  readonly key: string;
  readonly value: string;
  readonly line: number;
  /** What is wrong with its escapes. */
  readonly problem?: string | undefined;
}

/** Undefined when the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export function parseProperties(written: string): PropertyPair[] {
  const source = written.replaceAll(/\r\n?/g, '\n');
  const pairs = parseLines(source, true).filter((node) => node instanceof Pair);
  let line = 1;
  let at = 0;
  return pairs.map(({ key, range }) => {
    const [start = 0, keyEnd = 0, , end = 0] = range ?? [];
    for (; at < start; at++) if (source[at] === '\n') line++;
    const rest = withoutComment(source.slice(keyEnd, end));
    return { key, value: textOf(rest), line, problem: escapeProblem(source.slice(start, keyEnd) + rest) };
  });
}

const withoutComment = (rest: string): string => rest.replace(/(?<!\\)[ \t]+#[\s\S]*$/, '');

/** Of a separator and what follows it. */
function textOf(rest: string): string {
  const [pair] = parseLines(`key${rest}`);
  return (pair?.[1] ?? '').trim();
}

function escapeProblem(raw: string): string | undefined {
  for (const [written, letter = ''] of raw.matchAll(/\\(u[0-9A-Fa-f]{4}|[\s\S]?)/g)) {
    if (letter.length > 1 || !/[A-Za-z0-9]/.test(letter) || 'tnrf'.includes(letter)) continue;
    if (letter === 'u') return '\\u must be followed by four hex digits.';
    return `${written} is no escape. Write \\\\ for a backslash; paths may have / instead.`;
  }
  return undefined;
}
