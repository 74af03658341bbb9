/** Turns what was written into values, each once, and gathers what does not fit. */
import { LtsError } from '../../errors.js';
import { type Assigned, prefixOf, type SettingsExtension } from './assign.js';
import { expand, isFromFile, type PlaceholderSources } from './placeholders.js';
import type { Written } from './sources.js';
import type { Setting, SettingGroup, ValuesOf } from './table/setting.js';
import { allSettings } from './table/settings-table.js';

/** One key with what it has and where that comes from. */
export interface SettingEntry {
  readonly key: string;
  /** As people may see it; undefined when the setting is not given and has no default. */
  readonly value: string | undefined;
  /** `default`, `lts.properties:7`, `env LTS_DATA_PATH`, `code`, or the shared key that a role inherits. */
  readonly origin: string;
}

interface Reading {
  readonly value: unknown;
  readonly entry: SettingEntry;
}

interface ReaderPlace extends PlaceholderSources {
  readonly extensions: readonly SettingsExtension[];
}

const hidden = '[redacted]';
const secretName = /password|passwd|secret|token|credential|creds|(api|private|access)key|nkey|seed/i;

export class SettingReader {
  /** What keeps the settings from being used, each with its place. */
  readonly problems: string[];
  /** Texts by extension and property. */
  readonly extensions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly entries: SettingEntry[] = [];
  private readonly readings = new Map<Setting<unknown>, Reading>();

  constructor(
    private readonly assigned: Assigned,
    private readonly place: ReaderPlace,
  ) {
    this.problems = [...assigned.problems];
    for (const setting of allSettings) this.entries.push(this.reading(setting).entry);
    this.extensions = this.readExtensions();
  }

  /** The options that a group of settings gives. */
  valuesOf<Group extends SettingGroup>(group: Group): ValuesOf<Group> {
    const values = Object.entries(group).map(([name, setting]) => [name, this.reading(setting).value]);
    return Object.fromEntries(values) as ValuesOf<Group>;
  }

  private reading(setting: Setting<unknown>): Reading {
    const reading = this.readings.get(setting) ?? this.read(setting);
    this.readings.set(setting, reading);
    return reading;
  }

  private read(setting: Setting<unknown>): Reading {
    const { key, inherits } = setting;
    const written = this.assigned.found.get(key)?.written;
    const text = written && this.textOf(written, key);
    if (written && text) return this.convert(setting, written, text);
    if (inherits) {
      const { value, entry } = this.reading(inherits);
      return { value, entry: { key, value: entry.value, origin: inherits.key } };
    }
    const byDefault = { key, text: setting.default ?? '', origin: 'default', folder: this.place.folder };
    if (setting.default !== undefined) return this.convert(setting, byDefault, setting.default);
    return { value: undefined, entry: { key, value: undefined, origin: 'default' } };
  }

  private convert(setting: Setting<unknown>, written: Written, text: string): Reading {
    const { key, rule } = setting;
    const { origin, folder } = written;
    try {
      const value = rule.read(text, { key, folder, extensionsOf: (port) => this.extensionsOf(port) });
      const shown = isFromFile(written.text) ? hidden : (rule.show?.(value) ?? text);
      return { value, entry: { key, value: shown, origin } };
    } catch (error) {
      const unit = rule.unit === undefined ? '' : ` Unit: ${rule.unit}.`;
      const message = isFromFile(written.text)
        ? `${key}: what ${written.text} says does not fit. Use: ${rule.describe}.`
        : messageOf(error);
      this.problems.push(`${origin}: ${message}${unit}`);
      return { value: undefined, entry: { key, value: undefined, origin } };
    }
  }

  /** With what it refers to. Undefined when that cannot be had. */
  private textOf({ text, origin, folder }: Written, key: string): string | undefined {
    try {
      return expand(text, { env: this.place.env, folder });
    } catch (error) {
      this.problems.push(`${origin}: ${key}: ${messageOf(error)}`);
      return undefined;
    }
  }

  private extensionsOf(port: string): string[] {
    return this.place.extensions.filter((extension) => extension.port === port).map(({ name }) => name);
  }

  private readExtensions(): Record<string, Record<string, string>> {
    const byExtension = new Map(this.place.extensions.map(({ name }) => [name, new Map<string, string>()]));
    for (const { target, written } of this.assigned.found.values()) {
      if (!target.property) continue;
      const { extension, name } = target.property;
      const text = this.textOf(written, written.key);
      if (!text) continue;
      byExtension.get(extension.name)?.set(name, text);
      const isSecret = secretName.test(name) || isFromFile(written.text);
      const key = `${prefixOf(extension)}.${name}`;
      this.entries.push({ key, value: isSecret ? hidden : text, origin: written.origin });
    }
    return Object.fromEntries([...byExtension].map(([name, values]) => [name, Object.fromEntries(values)]));
  }
}

/** Messages of ours are for people; anything else is a defect and must not be swallowed. */
function messageOf(error: unknown): string {
  if (LtsError.is(error)) return error.message;
  throw error;
}
