/** Log lines for people: pino's JSON lines become `12:00:00.000 INFO  text key=value`, errors with their stack below. */
import type { DestinationStream } from 'pino';
import { pino } from 'pino';

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly error?: { readonly message?: string; readonly stack?: string };
}

const own = new Set(['level', 'time', 'msg', 'error']);
const colours: Readonly<Record<string, string>> = { debug: '2', info: '32', warn: '33', error: '31' };

/** A pino destination that writes readable lines to `out`, in colour if asked to. */
export function terminalLines(out: { write(text: string): unknown }, look: { colour: boolean }): DestinationStream {
  return { write: (json) => void out.write(readable(json, look)) };
}

function readable(json: string, { colour }: { colour: boolean }): string {
  const line = JSON.parse(json) as Line;
  const level = pino.levels.labels[line.level] ?? String(line.level);
  const paint = (text: string, code: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const fields = Object.entries(line).filter(([name]) => !own.has(name));
  const shown = fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const words = [
    paint(clockTime(line.time), '2'),
    paint(level.toUpperCase().padEnd(5), colours[level] ?? '0'),
    line.msg ?? '',
    paint(shown.join(' '), '2'),
  ];
  const error = line.error && `\n${line.error.stack ?? line.error.message ?? JSON.stringify(line.error)}`;
  return `${words.join(' ').trimEnd()}${error ?? ''}\n`;
}

/** Local time of day: the reader sits before this machine. */
function clockTime(at: number): string {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
