/** Every written key finds its setting, its extension, or the message that says why it has none. */
import { nearest } from '../../kit/nearest.js';
import type { Source, Written } from './sources.js';
import { formerReason } from './table/former-keys.js';
import { allSettings } from './table/settings-table.js';
import { propertyName, restAfter, stripped } from './table/spelling.js';

/** An adapter of the user, as far as its settings go. */
export interface SettingsExtension {
  readonly name: string;
  /** The port that it serves: 'job.queue', 'job.logger' or 'job.fail.store'. */
  readonly port: string;
  /** Its keys begin so. Default: lts.jobtracker.configs and its name. */
  readonly prefix?: string | undefined;
}

/** What a key belongs to: a setting of the table, or a property of an extension's settings. */
interface Target {
  /** The same for all spellings; a setting's canonical key. */
  readonly id: string;
  readonly property?: { readonly extension: SettingsExtension; readonly name: string } | undefined;
}

interface Found {
  readonly target: Target;
  readonly written: Written;
}

/** Keys that found their target, and what is to be said of those that did not. */
export interface Assigned {
  /** By target id. */
  readonly found: ReadonlyMap<string, Found>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** A guess compares the key with all others, which takes 60 µs: a file that is no properties file would take long. */
const guessesMax = 20;

const byStripped = new Map(allSettings.map((setting) => [stripped(setting.key), setting]));

export const prefixOf = ({ name, prefix }: SettingsExtension): string => prefix ?? `lts.jobtracker.configs.${name}`;

/** Later sources win over earlier ones; within one source a key stands once. */
export function assign(sources: readonly Source[], extensions: readonly SettingsExtension[]): Assigned {
  const found = new Map<string, Found>();
  let problems: string[] = [];
  let warnings: string[] = [];
  for (const source of sources) {
    const ofSource = assignOne(source, extensions);
    for (const [id, { target, written }] of ofSource.found) {
      // The first spelling names an extension's property: a file can write poolSize, an environment only POOLSIZE.
      found.set(id, { target: found.get(id)?.target ?? target, written });
    }
    // Not by push(...): a file of errors alone has more of them than a call may have arguments.
    problems = [...problems, ...source.problems, ...ofSource.problems];
    warnings = [...warnings, ...ofSource.warnings];
  }
  return { found, problems, warnings };
}

function assignOne({ entries, isShared }: Source, extensions: readonly SettingsExtension[]): Assigned {
  const found = new Map<string, Found>();
  const problems: string[] = [];
  const warnings: string[] = [];
  let strangers = 0;
  for (const written of entries) {
    const { key, text } = written;
    const target = targetOf(key, extensions);
    const before = target && found.get(target.id)?.written;
    const reason = target ? undefined : formerReason(key);
    if (reason !== undefined) warnings.push(formerText(written, reason));
    else if (!target)
      (isShared ? warnings : problems).push(strangerText(written, strangers++ < guessesMax ? meantBy(key) : undefined));
    else if (before) problems.push(repeatedText(written, before));
    else if (text === '') problems.push(`${placeOf(written)}: has no value. Remove the key to have its default.`);
    else found.set(target.id, { target, written });
  }
  return { found, problems, warnings };
}

function targetOf(key: string, extensions: readonly SettingsExtension[]): Target | undefined {
  const setting = byStripped.get(stripped(key));
  if (setting) return { id: setting.key };
  for (const extension of extensions) {
    const rest = restAfter(key, prefixOf(extension));
    if (rest === undefined) continue;
    return { id: `${extension.name}:${stripped(rest)}`, property: { extension, name: propertyName(rest) } };
  }
  return undefined;
}

/** Variables of the environment are named in their origin already. */
const placeOf = ({ key, origin }: Written, between = ': '): string =>
  origin === `env ${key}` ? origin : `${origin}${between}${key}`;

const formerText = (written: Written, reason: string): string =>
  `${placeOf(written)}: is a key of LTS without effect here: ${reason}.`;

function strangerText(written: Written, meant: string | undefined): string {
  return `${placeOf(written)}: no such key.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
}

/** The key that is nearly this one, or that ends with it: people leave the prefix out. */
function meantBy(key: string): string | undefined {
  const word = stripped(key);
  const near = nearest(word, byStripped.keys());
  if (near !== undefined) return byStripped.get(near)?.key;
  const end = word.replace(/^lts/, '');
  if (end.length < 6) return undefined;
  return [...byStripped].find(([known]) => known.endsWith(end))?.[1].key;
}

function repeatedText(written: Written, before: Written): string {
  return `${placeOf(written)}: is already given (${placeOf(before, ', ')}). Keep one of them.`;
}
