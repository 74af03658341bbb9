/** New identifiers. */
export interface Ids {
  /** A jobId: time-ordered, unique, 26 characters of [0-9A-Z]. */
  jobId(): string;
  /** 128 random bits as 32 hex digits: run ids, sessions. */
  random(): string;
}
export const Ids = Symbol.for('lts.Ids');
