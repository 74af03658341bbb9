/** What a runner answers, in LTS's words. */
import type { Duration } from '../kit/duration.js';
import { Action } from './job.js';

const brand = Symbol.for('lts.Result');

/** The answer of one run. Returning nothing, or a plain value, is EXECUTE_SUCCESS; throwing is EXECUTE_EXCEPTION. `Result.is` also knows those of another copy of this package. */
export class Result<V = unknown> {
  constructor(
    readonly action: Action,
    readonly message?: string,
    readonly options: { readonly delay?: Duration; readonly value?: V } = {},
  ) {}

  /** On the prototype, so that a printed result does not show it. */
  get [brand](): true {
    return true;
  }

  static is(value: unknown): value is Result {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /** `value` is kept as the job's result. */
  static success(message?: string): Result<undefined>;
  static success<V>(message: string | undefined, value: V): Result<V>;
  static success(message?: string, value?: unknown): Result {
    return new Result(Action.EXECUTE_SUCCESS, message, { value });
  }

  /** Final: no retry. */
  static failed(message?: string): Result<never> {
    return new Result(Action.EXECUTE_FAILED, message);
  }

  /** Run again: after `delay`, else after the job's retry interval. Counts as a retry. */
  static later(message?: string, options: { delay?: Duration } = {}): Result<never> {
    return new Result(Action.EXECUTE_LATER, message, options);
  }
}

/** What a submitting group's completed handler receives. */
export interface JobResult {
  readonly jobId: string;
  readonly taskId?: string | undefined;
  readonly nodeGroup: string;
  readonly success: boolean;
  readonly state: string;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** The runner's value. */
  readonly value?: unknown;
  readonly endedAt: number;
}
