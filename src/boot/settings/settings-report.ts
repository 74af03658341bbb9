/** What `lts config` prints: every key with its value and where that comes from. */
import type { Settings } from './load-settings.js';
import type { SettingEntry } from './reader.js';

export interface SettingsReport {
  /** A table for people. */
  readonly text: string;
  /** The same for programs. */
  readonly json: {
    readonly settings: readonly (Omit<SettingEntry, 'value'> & { readonly value: string | null })[];
    readonly warnings: readonly string[];
  };
}

/** Secrets are redacted in both forms. */
export function settingsReport({ entries, warnings }: Settings): SettingsReport {
  const settings = entries.map((entry) => ({ ...entry, value: entry.value ?? null }));
  const rows = entries.map(({ key, value = '-', origin }) => [key, value, origin]);
  const lines = [...aligned([['KEY', 'VALUE', 'ORIGIN'], ...rows]), ...warnings.map((text) => `warning: ${text}`)];
  return { text: lines.join('\n'), json: { settings, warnings } };
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = [widthOf(0), widthOf(1)];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}
