/**
 * What goes over the local socket of a data path: JSON values, one per line.
 *
 *   server -> client   { v, pid }                                   once, before anything else
 *   client -> server   { id, subject, deadlineMs, message }         message is { kind, body }
 *   server -> client   { id, reply } or { id, error: { code, message } }
 *
 * An answer without id concerns the connection; the server closes it then.
 */
import { type ErrorCode, errorTable, LtsError } from '../../errors.js';

export const protocolVersion = 1;

export const localLimits = {
  /** A submission of one full batch, twice over. */
  requestBytesMax: 1024 * 1024,
  /** A page of a list with large params. */
  replyBytesMax: 16 * 1024 * 1024,
  /** Answers that one connection has not read; beyond it the connection is ended. */
  unreadBytesMax: 32 * 1024 * 1024,
  requestsMax: 256,
  connectionsMax: 32,
  deadlineMsMax: 3_600_000,
  /** A connection on which nothing is asked for this long is closed. */
  idleMs: 60_000,
  /** From the first byte of a request to its end: bytes that drip in are no reason to keep a connection. */
  frameMs: 60_000,
} as const;

export interface Hello {
  readonly v: number;
  readonly pid: number;
}

export interface RequestFrame {
  readonly id: number;
  readonly subject: string;
  readonly deadlineMs: number;
  readonly message: { readonly kind: string; readonly body: unknown };
}

export interface AnswerFrame {
  readonly id?: number | undefined;
  readonly reply?: unknown;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

/** One line, its end included. Throws LTS_PAYLOAD_INVALID or LTS_PAYLOAD_TOO_LARGE. */
export function frameText(frame: object, bytesMax: number): string {
  let text: string;
  try {
    text = `${JSON.stringify(frame)}\n`;
  } catch (cause) {
    const why = `The message cannot be written as JSON: ${(cause as Error).message}.`;
    throw new LtsError('LTS_PAYLOAD_INVALID', why, { cause });
  }
  if (Buffer.byteLength(text) <= bytesMax) return text;
  throw tooLarge(bytesMax);
}

/** Throws LTS_MESSAGE_INVALID for what is no JSON object, or holds a key that could reach a prototype. */
export function parseFrame(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line, refusePrototypes);
  } catch (cause) {
    if (LtsError.is(cause)) throw cause;
    throw new LtsError('LTS_MESSAGE_INVALID', 'A line on the local socket is not JSON.', { cause });
  }
  if (isObject(value)) return value;
  throw new LtsError('LTS_MESSAGE_INVALID', 'A line on the local socket is no JSON object.');
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key !== '__proto__') return value;
  throw new LtsError('LTS_MESSAGE_INVALID', 'A message with a key __proto__ is refused.');
}

/** Throws LTS_MESSAGE_INVALID, saying what a request needs. */
export function requestOf(frame: Record<string, unknown>): RequestFrame {
  const { id, subject, deadlineMs, message } = frame;
  const isWhole = Number.isSafeInteger(id) && typeof subject === 'string' && typeof deadlineMs === 'number';
  if (isWhole && deadlineMs > 0 && isObject(message) && typeof message.kind === 'string') {
    const { kind, body } = message;
    const deadline = Math.min(deadlineMs, localLimits.deadlineMsMax);
    return { id: id as number, subject, deadlineMs: deadline, message: { kind, body } };
  }
  throw new LtsError('LTS_MESSAGE_INVALID', 'A request needs id, subject, deadlineMs and message { kind, body }.');
}

/** The answer's error with the code it had on the other side. */
export function errorOf({ code, message }: NonNullable<AnswerFrame['error']>): LtsError {
  const isKnown = typeof code === 'string' && Object.hasOwn(errorTable, code);
  return new LtsError(isKnown ? (code as ErrorCode) : 'LTS_INTERNAL', String(message));
}

/** Puts the chunks of a stream together to lines. */
export class LineReader {
  private parts: Buffer[] = [];
  private size = 0;

  constructor(private readonly bytesMax: number) {}

  /** A line has begun and not ended. */
  get isWithinLine(): boolean {
    return this.size > 0;
  }

  /** The lines that this chunk completes. Throws LTS_PAYLOAD_TOO_LARGE as soon as a line cannot end within the bound. */
  *push(chunk: Buffer): Generator<string, void, void> {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.keep(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(this.parts).toString('utf8');
      this.parts = [];
      this.size = 0;
      yield line;
    }
    this.keep(chunk.subarray(start));
  }

  private keep(part: Buffer): void {
    this.size += part.length;
    if (this.size > this.bytesMax) throw tooLarge(this.bytesMax);
    this.parts.push(part);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function tooLarge(bytesMax: number): LtsError {
  const text = `A message on the local socket is larger than ${bytesMax} bytes. Ask for less at a time.`;
  return new LtsError('LTS_PAYLOAD_TOO_LARGE', text);
}
