/** Every error a user can meet: one class, one table of codes. */

interface ErrorEntry {
  /** What happened, in general; the thrown message names the job, node or key. */
  readonly text: string;
  /** What the reader should do next. */
  readonly action: string;
  /** True when the same call may succeed later without any change. */
  readonly isRetryable: boolean;
}

const entry = (text: string, action: string, isRetryable = false): ErrorEntry => ({ text, action, isRetryable });

/** The one table of codes. The README prints the same table; a test holds both equal. */
export const errorTable = {
  LTS_JOB_INVALID: entry('A field of a job is missing or out of range.', 'Correct the named field and submit again.'),
  LTS_CRON_INVALID: entry(
    'A cron expression or its time zone cannot be read.',
    'Correct the named field of the expression.',
  ),
  LTS_DURATION_INVALID: entry(
    'A duration cannot be read.',
    "Write milliseconds as a number, or text such as '200ms', '30s', '5m', '2h', '3d'.",
  ),
  LTS_PAYLOAD_TOO_LARGE: entry(
    'Params, a result or a message is larger than the limit.',
    'Store the data elsewhere and pass a reference.',
  ),
  LTS_PAYLOAD_INVALID: entry(
    'Params or a result cannot be encoded as JSON.',
    'Pass plain data: no cycles, no BigInt, at most 32 levels deep.',
  ),
  LTS_PARAMS_INVALID: entry(
    'Params do not fit their class or schema.',
    'Correct the paths named in the message and submit again.',
  ),
  LTS_PROCESSOR_INVALID: entry(
    'A processor class, its handlers or its dependencies cannot be used.',
    'Correct the class named in the message.',
  ),
  LTS_MESSAGE_INVALID: entry(
    'A message between nodes is malformed.',
    'Check that the sender speaks this protocol version.',
  ),
  LTS_JOB_NOT_FOUND: entry(
    'No job has this id or key.',
    'Check the id; an ended job is removed after its retention time.',
  ),
  LTS_JOB_FAILED: entry('The job ended without success.', 'Read the reason and the job log.'),
  LTS_STATE_CONFLICT: entry(
    'The job is in a state that does not allow this.',
    'Read the state in the message and choose another operation.',
  ),
  LTS_NO_TRACKER: entry('No JobTracker answers.', 'Start a JobTracker, or check the registry address.', true),
  LTS_BUSY: entry('A bounded queue is full.', 'Wait for the named time and try again.', true),
  LTS_TIMEOUT: entry(
    'No answer came before the deadline.',
    'The outcome is unknown; repeat with the same jobId, which is safe.',
    true,
  ),
  LTS_ABORTED: entry(
    'The caller gave up through its AbortSignal.',
    'Nothing to do; a submission may still have been accepted.',
    true,
  ),
  LTS_NOT_STARTED: entry('The node was used before start() or after stop().', 'Call start() first and await it.'),
  LTS_RUNNER_UNKNOWN: entry(
    'A job names a processor that this node does not have.',
    'Register the processor, or correct the id; the message lists the known ids.',
  ),
  LTS_CONNECT_FAILED: entry(
    'A server of the cluster cannot be reached, or refuses this node.',
    'Check the address, credentials and TLS settings named in the message.',
    true,
  ),
  LTS_NOT_PERMITTED: entry(
    'The server does not permit this to the user of this node.',
    'Grant the subject named in the message to that user.',
  ),
  LTS_SERVER_UNFIT: entry(
    'A server lacks something that this node needs.',
    'Enable what the message names, or update the server.',
  ),
  LTS_IDENTITY_IN_USE: entry(
    'Another living node has this identity.',
    'Give each node an identity of its own, or stop the other node.',
  ),
  LTS_CONFIG_INVALID: entry('A setting is unknown or has a bad value.', 'Correct the named key.'),
  LTS_DATA_PATH_IN_USE: entry(
    'Another process owns this data path.',
    'Stop the owner named in the message, or use another data path or a cluster address.',
  ),
  LTS_STORE_CORRUPT: entry(
    'A store file is damaged.',
    'Run the doctor on the file; it reports what can be salvaged. Nothing was changed.',
  ),
  LTS_STORE_FAILED: entry(
    'The store refused a read or a write.',
    'Check disk space and permissions of the data path, or the database server.',
    true,
  ),
  LTS_INTERNAL: entry('A node met a defect of its own.', 'Report it together with the log of that node.'),
  LTS_FAIL_STORE_FULL: entry('The FailStore reached its bound.', 'Bring a JobTracker back, or raise the bound.', true),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

const brand = Symbol.for('lts.LtsError');

/** An error with a code of the table. `LtsError.is` also recognises errors of another copy of this package. */
export class LtsError extends Error {
  override readonly name = 'LtsError';
  readonly code: ErrorCode;
  readonly isRetryable: boolean;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.isRetryable = errorTable[code].isRetryable;
  }

  /** On the prototype, so that a printed error does not show it. */
  get [brand](): true {
    return true;
  }

  static is(value: unknown, code?: ErrorCode): value is LtsError {
    return value instanceof Error && brand in value && (code === undefined || (value as LtsError).code === code);
  }
}

/** States an invariant; a false one is a defect of ours, never a user's mistake. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}
