/** What becomes of data that has waited so long to be sent that it may be of no use any more: LTS's OldDataHandler. */
import type { FailTopic } from './fail-store.js';

export interface OldData {
  /** What lies in a FailStore, or feedback that a JobTracker owes. */
  readonly kind: FailTopic | 'feedback';
  /** The job that it belongs to. Empty where what was kept names none. */
  readonly jobId: string;
  /** When it was kept, or the job ended. */
  readonly at: number;
  readonly ageMs: number;
  /** As it would be sent; see the messages of the wire protocol. */
  readonly value: unknown;
}

/** `send`: it is sent, and kept until it was. `drop`: it is removed for good, and counted and logged with its job. */
export type OldDataVerdict = 'send' | 'drop';

export interface OldDataHandler {
  /** It is asked about what is older, in ms. Default 7 days. */
  readonly olderThanMs?: number | undefined;
  /**
   * Asked with each attempt to send it, so perhaps often. To throw, to answer anything else, or to take longer than 5 s means `send`: nothing
   * is lost by accident.
   */
  handle(data: OldData): OldDataVerdict | Promise<OldDataVerdict>;
}
