/**
 * What goes over the wire: one JSON object per message, in UTF-8, the same shape in both directions.
 *
 *   { "v": 1, "kind": "SubmitJobs", "id": "5f2c…-1k", "from": "client-1", "sentAt": 1767225600000, "deadlineMs": 5000, "body": { … } }
 *
 * A request names in `kind` what `messages.ts` lists. Its answer carries the request's `id` and is of kind `Reply` with the
 * reply as body, or of kind `Error` with the body `{ code, message }`. What is published has no answer and the deadline 0.
 * Readers keep fields that they do not know and refuse other versions. Keys named `__proto__` are refused everywhere.
 */
import { type ErrorCode, errorTable, LtsError } from '../errors.js';
import { textOf } from '../kit/shown.js';

const protocolVersion = 1;
export const replyKind = 'Reply';
export const errorKind = 'Error';

/** Of the text of an error; what an error quotes must not make its answer too large to send. */
const errorCharsMax = 8 * 1024;

export interface Envelope {
  readonly v: number;
  readonly kind: string;
  /** Made by the asker, unique among the requests of one inbox; an answer repeats it. */
  readonly id: string;
  /** Identity of the sending node. */
  readonly from: string;
  /** The sender's wall clock, for people; never compared. */
  readonly sentAt: number;
  /** How long the asker waits, from its sending on; 0 where nobody waits. */
  readonly deadlineMs: number;
  /** Absent on the wire for `undefined`. */
  readonly body: unknown;
}

/** Throws LTS_PAYLOAD_INVALID for a body that JSON cannot hold. */
export function encodeEnvelope(envelope: Omit<Envelope, 'v'>): string {
  try {
    return JSON.stringify({ v: protocolVersion, ...envelope });
  } catch (cause) {
    throw new LtsError('LTS_PAYLOAD_INVALID', `${envelope.kind} cannot be encoded as JSON: ${textOf(cause)}`, {
      cause,
    });
  }
}

/** The message with every field that it had. Throws LTS_MESSAGE_INVALID for anything that is not one of this version. */
export function decodeEnvelope(text: string): Envelope {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is not a JSON object');
  const { v, kind, id, from, sentAt, deadlineMs } = value as Partial<Envelope>;
  if (v !== protocolVersion)
    throw invalid(`its version is ${textOf(v).slice(0, 20)}, this node speaks ${protocolVersion}`);
  if (typeof kind !== 'string' || kind === '') throw invalid('kind is not a text');
  if (typeof id !== 'string' || typeof from !== 'string') throw invalid('id or from is not a text');
  if (!isAmount(sentAt) || !isAmount(deadlineMs)) throw invalid('sentAt or deadlineMs is not a number from 0');
  // An escape may hide the name of a key, so it is as suspicious as the name itself.
  if ((text.includes('__proto__') || text.includes('\\u')) && hasProtoKey(value))
    throw invalid("it has a key named '__proto__'");
  return value as Envelope;
}

/** The body of an `Error`: an LtsError with its code and text, anything else as LTS_INTERNAL. */
export function errorBody(error: unknown, subject: string): { readonly code: ErrorCode; readonly message: string } {
  if (LtsError.is(error)) return { code: error.code, message: error.message.slice(0, errorCharsMax) };
  const text = error instanceof Error ? error.message : textOf(error);
  return {
    code: 'LTS_INTERNAL',
    message: `The handler of ${subject} failed unexpectedly: ${text.slice(0, errorCharsMax)}`,
  };
}

/** The error that the answerer threw. A code of a later release becomes LTS_INTERNAL, its name kept in the text. */
export function errorOf(body: unknown): LtsError {
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as {
    code?: unknown;
    message?: unknown;
  };
  const text = typeof message === 'string' ? message : 'The answerer failed and did not say why.';
  if (typeof code === 'string' && Object.hasOwn(errorTable, code)) return new LtsError(code as ErrorCode, text);
  return new LtsError('LTS_INTERNAL', typeof code === 'string' ? `${code.slice(0, 80)}: ${text}` : text);
}

function invalid(what: string): LtsError {
  return new LtsError('LTS_MESSAGE_INVALID', `The message was refused: ${what}.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0;
}

/** Its own stack, because text from outside may be nested deeper than calls can be. */
function hasProtoKey(root: unknown): boolean {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const child of Object.values(value)) open.push(child);
  }
  return false;
}
