/** Typed requests over a Transport, and the table of steps that answers them. What comes from outside is checked on both ways. */
import { LtsError } from '../errors.js';
import type { MessageContext, MessageHandler, RequestOptions, Transport } from '../ports/transport.js';
import type { BodyOf, MessageKind, ReplyOf } from '../protocol/messages.js';
import { bodyFault, checkedReply } from '../protocol/shapes/check-message.js';
import type { Malformed } from './malformed.js';
import { salvaged } from './salvage.js';

export interface Question<K extends MessageKind> {
  readonly kind: K;
  readonly body: BodyOf<K>;
}

/**
 * Rejects as the Transport does: LTS_NO_TRACKER, LTS_TIMEOUT (outcome unknown), LTS_ABORTED, or the answerer's own error; and
 * with LTS_MESSAGE_INVALID for a reply from outside that has not the shape of its kind (outcome unknown).
 */
export async function ask<K extends MessageKind>(
  transport: Transport,
  to: { readonly subject: string } & RequestOptions,
  question: Question<K>,
): Promise<ReplyOf<K>> {
  const reply = await transport.request(to.subject, question, to);
  return transport.isForeign ? checkedReply(question.kind, reply) : (reply as ReplyOf<K>);
}

/**
 * Whether it is the message itself that cannot be sent or understood: the same one again meets the same answer. What it carried may
 * still have been taken where the reply was at fault.
 */
export const isFaultOfMessage = (error: LtsError): boolean =>
  error.code === 'LTS_MESSAGE_INVALID' || isUnsendable(error);

/** Of a message with one thing in it: no JobTracker will ever see that. */
export const isUnsendable = ({ code }: LtsError): boolean =>
  code === 'LTS_PAYLOAD_TOO_LARGE' || code === 'LTS_PAYLOAD_INVALID';

/** One step per message kind. */
export type Steps = {
  [K in MessageKind]?: (body: BodyOf<K>, context: MessageContext) => Promise<ReplyOf<K>>;
};

type Step = (body: unknown, context: MessageContext) => Promise<unknown>;

/**
 * Answers each message with the step of its kind; a kind without one is answered LTS_MESSAGE_INVALID, and so is a body from
 * outside that has not the shape of its kind. `malformed` is told of both.
 */
export function answering(steps: Steps, role: string, malformed?: Malformed): MessageHandler {
  const table = new Map(Object.entries(steps)) as Map<string, Step>;
  return ({ kind, body }, context) => {
    const step = table.get(kind);
    if (!step) {
      const text = `A ${role} does not answer ${kind.slice(0, 80)}.`;
      malformed?.note('unknown', text);
      throw new LtsError('LTS_MESSAGE_INVALID', text);
    }
    const fault = context.isForeign ? bodyFault(kind as MessageKind, body) : undefined;
    if (fault === undefined) return step(body, context);
    malformed?.note(kind, fault);
    const left = salvaged(kind as MessageKind, body);
    if (!left) throw new LtsError('LTS_MESSAGE_INVALID', `${fault}.`);
    return step(left.body, context).then(left.replyOf);
  };
}
