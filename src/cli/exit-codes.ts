/** What the exit code of the command says. */
import { type ErrorCode, LtsError } from '../errors.js';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  notNow: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For `lts --help`. */
export const exitCodesText = `Exit codes:
  0    done
  1    it failed: the job ended without success, the store is damaged, the application could not start
  2    the command was called wrongly, or a value, job or setting is not right
  3    no application is running on the data path, no JobTracker in the cluster, or none that answers
  4    no such job
  5    not now: the job's state does not allow it, it had ended already, the queue is full, the time was over
  130  interrupted by Ctrl-C`;

const codesOfErrors: Partial<Record<ErrorCode, ExitCode>> = {
  LTS_JOB_INVALID: exitCodes.usage,
  LTS_CRON_INVALID: exitCodes.usage,
  LTS_DURATION_INVALID: exitCodes.usage,
  LTS_PAYLOAD_TOO_LARGE: exitCodes.usage,
  LTS_PAYLOAD_INVALID: exitCodes.usage,
  LTS_PARAMS_INVALID: exitCodes.usage,
  LTS_MESSAGE_INVALID: exitCodes.usage,
  LTS_CONFIG_INVALID: exitCodes.usage,
  LTS_NO_TRACKER: exitCodes.unreachable,
  LTS_JOB_NOT_FOUND: exitCodes.notFound,
  LTS_STATE_CONFLICT: exitCodes.notNow,
  LTS_BUSY: exitCodes.notNow,
  LTS_TIMEOUT: exitCodes.unreachable,
  LTS_CONNECT_FAILED: exitCodes.unreachable,
};

/** The command stopped waiting: at Ctrl-C, or because its time was over. What it waited for goes on. */
export class WaitEnded extends Error {
  override readonly name = 'WaitEnded';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
  ) {
    super(message);
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof WaitEnded) return error.exitCode;
  return LtsError.is(error) ? (codesOfErrors[error.code] ?? exitCodes.failed) : exitCodes.failed;
}
