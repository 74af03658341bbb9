/** What a setting is: a key, the rule of its values, its default and its meaning. */

/** Where a value is read, for rules that need to know. */
export interface ReadPlace {
  readonly key: string;
  /** Relative paths are meant from here. */
  readonly folder: string;
  /** Names of the extensions that serve this port. */
  extensionsOf(port: string): readonly string[];
}

/** Which texts fit, and what they mean. */
export interface Rule<Value> {
  /** In words, for documents and for messages that must not show the value. */
  readonly describe: string;
  readonly unit?: string | undefined;
  /** Throws an LtsError that begins with the key. */
  read(text: string, place: ReadPlace): Value;
  /** What people may see of the value. Default: the text as it was written. */
  show?(value: Value): string;
}

export interface Setting<Value> {
  /** Canonical spelling. */
  readonly key: string;
  readonly rule: Rule<Value>;
  /** As one would write it. */
  readonly default?: string | undefined;
  /** Has the value where this key is not given. */
  readonly inherits?: Setting<Value> | undefined;
  /** One sentence. */
  readonly meaning: string;
}

/** Settings by the name of the option that they feed. */
export type SettingGroup = Readonly<Record<string, Setting<unknown>>>;

/** The options that a group of settings gives. */
export type ValuesOf<Group> = {
  readonly [Name in keyof Group]: Group[Name] extends Setting<infer Value> ? Value : never;
};

export interface SettingText {
  readonly meaning: string;
  readonly default: string;
}

/** A setting that always has a value. */
export function setting<Value>(key: string, rule: Rule<Value>, text: SettingText): Setting<Value> {
  return { key, rule, ...text };
}

/** A setting that may be left out. */
export function optional<Value>(key: string, rule: Rule<Value>, meaning: string): Setting<Value | undefined> {
  return { key, rule, meaning };
}

/** A role's own word on a setting that all roles share. */
export function inherited<Value>(key: string, from: Setting<Value>): Setting<Value> {
  return { key, rule: from.rule, inherits: from, meaning: `${from.key} of this role alone.` };
}
