/** Aligned columns. */
import type { Paint, Style } from '../output.js';

export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** A head and rows, columns two spaces apart; the last column is not filled up, so no line ends in spaces. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const lines = [head.map((text): Cell => ({ text, style: 'dim' })), ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.text.length ?? 0)));
  const isEmptyAfter = (line: readonly Cell[], column: number) =>
    line.slice(column + 1).every(({ text }) => text === '');
  return lines
    .map((line) =>
      line
        .map(({ text, style }, column) => {
          const filled = isEmptyAfter(line, column) ? text : text.padEnd((widths[column] ?? 0) + 2);
          return style ? paint(style, filled) : filled;
        })
        .join(''),
    )
    .join('\n');
}

/** Names and values below each other; what has no value is left out. */
export function fields(entries: readonly (readonly [name: string, value: string | undefined])[], paint: Paint): string {
  const known = entries.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  const width = Math.max(...known.map(([name]) => name.length));
  const indented = (value: string) => value.replaceAll('\n', `\n${' '.repeat(width + 2)}`);
  return known.map(([name, value]) => `${paint('dim', name.padEnd(width))}  ${indented(value)}`).join('\n');
}
