/** Where the command writes: answers to standard output, everything else to standard error. */
import { styleText } from 'node:util';
import { LtsError } from '../errors.js';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly config?: readonly string[];
  readonly dataPath?: string;
  readonly clusterName?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

export class Output {
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** Colours for a terminal that wants them. */
  readonly paint: Paint;

  constructor(options: GlobalOptions) {
    this.isJson = options.json ?? false;
    this.isQuiet = options.quiet ?? false;
    this.paint = wantsColour() ? styleText : (_style, text) => text;
  }

  /** The one answer of a command: as a JSON document, or as text. */
  answer(document: unknown, text: () => string): void {
    if (this.isJson) this.document(document);
    else this.text(text());
  }

  /** One JSON document on a line of its own. */
  document(document: unknown): void {
    this.text(JSON.stringify(document));
  }

  text(text: string): void {
    process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
  }

  /** What a person may want to know beside the answer. */
  note(text: string): void {
    if (!this.isQuiet) process.stderr.write(`${text}\n`);
  }

  /** The error for a person; with --json also as the document that the caller waits for. */
  fail(error: unknown): void {
    const code = LtsError.is(error) ? error.code : undefined;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`lts: ${message}${code ? ` (${code})` : ''}\n`);
    if (!code && error instanceof Error && error.name !== 'WaitEnded') process.stderr.write(`${error.stack}\n`);
    if (this.isJson) this.document({ error: { code, message } });
  }
}

/** https://no-color.org */
function wantsColour(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY && !NO_COLOR && TERM !== 'dumb';
}
