/** Keeps what could not be sent, gives it back in order, survives kill -9, is bounded. */
export type FailTopic = 'submissions' | 'results' | 'biz-logs';

export interface FailEntry {
  readonly topic: FailTopic;
  /** Unique within the topic: the same key again replaces the entry and keeps its place. */
  readonly key: string;
  readonly value: string;
  /** Wall clock of the put. */
  readonly at: number;
}

export interface FailStore {
  open(): Promise<void>;
  close(): Promise<void>;
  /** Durable (fsynced) when it resolves. Rejects with LTS_FAIL_STORE_FULL when the topic's bound would be passed; then nothing of the call is kept. */
  put(entries: readonly FailEntry[]): Promise<void>;
  /** The oldest entries of a topic, in the order of their first put. */
  peek(topic: FailTopic, max: number): Promise<readonly FailEntry[]>;
  remove(topic: FailTopic, keys: readonly string[]): Promise<void>;
  /** Moves an entry aside that was refused for good; it is no longer returned by peek. */
  quarantine(topic: FailTopic, key: string, reason: string): Promise<void>;
  quarantined(topic: FailTopic): Promise<readonly (FailEntry & { readonly reason: string })[]>;
  count(topic: FailTopic): Promise<number>;
}
export const FailStore = Symbol.for('lts.FailStore');
