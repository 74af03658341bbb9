/** Bounds that client, tracker and worker share. */
export const limits = {
  /**
   * Of a JSON text as part of a message (`wireBytes`): a record that has both, and all else it may hold, fits the `max_payload` of a
   * NATS server, so that what was accepted can be read back.
   */
  paramsBytesMax: 256 * 1024,
  resultBytesMax: 256 * 1024,
  messageCharsMax: 8 * 1024,
  logLineBytesMax: 8 * 1024,
  depthMax: 32,
  nameCharsMax: 64,
  /** A batch on the wire closes here; NATS refuses more than its max_payload. */
  batchBytesMax: 512 * 1024,
  batchJobsMax: 1000,
  /** How long an empty pull stays open. */
  pullWaitMs: 5_000,
  leaseMs: 30_000,
  renewEveryMs: 5_000,
  /** A worker stops trusting its lease this long before it ends. */
  leaseMarginMs: 5_000,
  /** A claim that its worker did not name for this long is asked about. */
  claimUnnamedMs: 10_000,
} as const;
