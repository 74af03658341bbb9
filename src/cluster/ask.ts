/** Typed requests over a Transport, and the table of steps that answers them. */
import { LtsError } from '../errors.js';
import type { MessageHandler, RequestOptions, Transport } from '../ports/transport.js';
import type { BodyOf, MessageKind, ReplyOf } from '../protocol/messages.js';

export interface Question<K extends MessageKind> {
  readonly kind: K;
  readonly body: BodyOf<K>;
}

/** Rejects as the Transport does: LTS_NO_TRACKER, LTS_TIMEOUT (outcome unknown), LTS_ABORTED, or the answerer's own error. */
export async function ask<K extends MessageKind>(
  transport: Transport,
  to: { readonly subject: string } & RequestOptions,
  question: Question<K>,
): Promise<ReplyOf<K>> {
  return (await transport.request(to.subject, question, to)) as ReplyOf<K>;
}

/** One step per message kind. */
export type Steps = {
  [K in MessageKind]?: (body: BodyOf<K>, context: { readonly deadlineMs: number }) => Promise<ReplyOf<K>>;
};

/** Answers each message with the step of its kind; a kind without one is answered LTS_MESSAGE_INVALID. */
export function answering(steps: Steps, role: string): MessageHandler {
  const table = new Map(Object.entries(steps)) as Map<string, (body: unknown, context: object) => Promise<unknown>>;
  return ({ kind, body }, context) => {
    const step = table.get(kind);
    if (!step) throw new LtsError('LTS_MESSAGE_INVALID', `A ${role} does not answer ${kind}.`);
    return step(body, context);
  };
}
