/** A typed request over a Transport. */
import type { RequestOptions, Transport } from '../ports/transport.js';
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

/** One handler per message kind; a kind without one is answered LTS_MESSAGE_INVALID. */
export type Steps = {
  [K in MessageKind]?: (body: BodyOf<K>, context: { readonly deadlineMs: number }) => Promise<ReplyOf<K>>;
};
