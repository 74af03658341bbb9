/** Time. Store `wallMs`; measure with `monoMs`. */
export interface Clock {
  /** Milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Milliseconds since some start; never goes back. */
  monoMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects: ask `signal.throwIfAborted()` behind it. Any length, also beyond 24.8 days. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Resolves when the current turn of the event loop has run dry. */
  endOfTurn(): Promise<void>;
}
export const Clock = Symbol.for('lts.Clock');
